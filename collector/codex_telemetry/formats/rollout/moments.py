"""The time stamped on a line of a log, as Unix time."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_WRITTEN = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:)([0-5]\d)\.(\d{3})Z", re.ASCII)
"""As Codex writes it."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def log_ms(stamp: object) -> int | None:
    """ms UTC of `2026-11-23T06:42:19.247Z`, or of the same with an offset; None if it is neither."""
    if not isinstance(stamp, str):
        return None
    found = _WRITTEN.fullmatch(stamp)
    minute = None if found is None else _minute(found[1])
    if found is None or minute is None:
        return _other(stamp)
    return minute + int(found[2]) * 1000 + int(found[3])


@lru_cache(maxsize=256)
def second_ms(text: bytes) -> int | None:
    """The same of a whole second, as bytes: `2026-11-23T06:42:19`. Many lines fall within one."""
    return log_ms(text.decode("ascii", "replace") + ".000Z")


@lru_cache(maxsize=256)
def _minute(text: str) -> int | None:
    """Many lines fall within one."""
    return _other(text + "00+00:00")


def _other(stamp: str) -> int | None:
    try:
        moment = datetime.fromisoformat(stamp[:40])
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)
