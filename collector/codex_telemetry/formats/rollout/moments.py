"""The time stamped on a line of a log, as Unix time."""

import re
from datetime import UTC, date, datetime
from functools import lru_cache

_UTC = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z")
_EPOCH = date(1970, 1, 1).toordinal()


def log_ms(stamp: object) -> int | None:
    """ms UTC of `2026-11-23T06:42:19.247Z`, or of the same with an offset; None if it is neither."""
    if not isinstance(stamp, str):
        return None
    match = _UTC.fullmatch(stamp)
    if match is None:
        return _other(stamp)
    day = _day(match[1])
    if day is None:
        return None
    fraction = match[5]
    ms = int(fraction[:3].ljust(3, "0")) if fraction else 0
    return day + int(match[2]) * 3_600_000 + int(match[3]) * 60_000 + int(match[4]) * 1000 + ms


@lru_cache(maxsize=64)
def _day(text: str) -> int | None:
    try:
        return (date.fromisoformat(text).toordinal() - _EPOCH) * 86_400_000
    except ValueError:
        return None


def _other(stamp: str) -> int | None:
    try:
        moment = datetime.fromisoformat(stamp[:40])
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
