"""Numbers and moments as Codex writes them for people: rounded, and by the clock on the wall."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from codex_telemetry.formats.base import Stamp

LocalTime = Callable[[int, int, int, int, int], int | None]
"""Year, month, day, hour, minute by the machine's own clock → ms UTC; None for what never was."""

FIVE_HOURS_MS = 5 * 3_600_000
_SCALE = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_ROUNDED = re.compile(r"(\d+(?:\.\d+)?)([KMBT]?)")
_RESET = re.compile(
    r"resets (\d{1,2}):(\d{2})(?:\s?([AP]M))?(?: on (\d{1,2}) ([A-Z][a-z]{2})|)\)", re.ASCII
)
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def rounded(text: str) -> int | None:
    """`12.3K`: three digits of it are known, whatever stands behind them."""
    found = _ROUNDED.fullmatch(text)
    return None if found is None else round(float(found[1]) * _SCALE[found[2]])


def exact(text: str) -> int:
    """Digits in groups, by whatever separates them in the user's language."""
    return int("".join(filter(str.isdigit, text)))


def reset(text: str, at: Stamp, local: LocalTime, *, within_ms: int | None = None) -> int | None:
    """When `resets 14:05 on 27 Nov` is; without a day it is that on which the limits were read.

    `within_ms`: it can't be further ahead than that: then the limits were read yesterday."""
    found = _RESET.search(text)
    if found is None:
        return None
    hour, minute = int(found[1]), int(found[2])
    if found[3] is not None:
        hour = hour % 12 + (12 if found[3] == "PM" else 0)
    today = datetime.fromtimestamp(at.wall_ms / 1000, UTC) + timedelta(minutes=at.utc_offset_min)
    if found[4] is None:
        moment = local(today.year, today.month, today.day, hour, minute)
        if moment is not None and within_ms is not None and moment - at.wall_ms > within_ms:
            before = today - timedelta(days=1)
            moment = local(before.year, before.month, before.day, hour, minute)
        return moment
    if found[5] not in _MONTHS:
        return None
    month = _MONTHS.index(found[5]) + 1
    # It names no year: the nearest such day is meant.
    moments = [
        moment
        for year in (today.year - 1, today.year, today.year + 1)
        if (moment := local(year, month, int(found[4]), hour, minute)) is not None
    ]
    return min(moments, key=lambda moment: abs(moment - at.wall_ms), default=None)
