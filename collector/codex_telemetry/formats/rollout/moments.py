"""The time stamped on a line of a log, as Unix time."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def log_ms(stamp: object) -> int | None:
    """ms UTC of `2026-11-23T06:42:19.247Z`, or of the same with an offset; None if it is neither."""
    if not isinstance(stamp, str):
        return None
    if len(stamp) == 24 and stamp[19] == "." and stamp[23] == "Z" and stamp[20:23].isdecimal():
        second = _second(stamp[:19])
        return None if second is None else second + int(stamp[20:23])
    return _other(stamp)


@lru_cache(maxsize=256)
def _second(text: str) -> int | None:
    """Many lines fall within one second."""
    if _SECOND.fullmatch(text) is None:
        return None
    return _other(text + "+00:00")


def _other(stamp: str) -> int | None:
    try:
        moment = datetime.fromisoformat(stamp[:40])
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)
