"""One window of a rate limit: how full it got, how fast it is being used, when it will be full."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

FIVE_HOURS = 300
"""Minutes, as every window's length is."""

LONGEST = 400 * 1_440
"""Minutes. No window is longer; whoever says so is not believed."""

JITTER_MS = 2 * MINUTE_MS
"""Codex works out when a window resets from seconds that are left, so it tells of one moment as of
several. Resets no further apart than this are one."""

RECENT = 5
"""The pace is that of the last fifth of a window's length: an hour of five, 34 hours of a week."""

TOO_SOON = 60
"""No pace is known before a sixtieth of a window's length was seen: 5 minutes of five hours; an hour is
always enough."""

# Codex rounds the length to minutes: up to three less or more are still that window.
_ROUNDING = 3
_NAMES = {FIVE_HOURS: "5h", 1_440: "daily", 10_080: "weekly", 43_200: "monthly"}


class Level(NamedTuple):
    """How full a window is, at some moment."""

    high_water_percent: float | None
    percent_per_hour: float | None
    exhausted_at: int | None
    """ms UTC"""


def window_name(minutes: int | None) -> str | None:
    """What a window of that length is called: 5h, weekly, else 90min, 12h, 3d."""
    if not minutes or minutes < 0:
        return None
    for length, name in _NAMES.items():
        if abs(minutes - length) <= _ROUNDING:
            return name
    if minutes % 1_440 == 0:
        return f"{minutes // 1_440}d"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}min"


def merged(resets: Iterable[int]) -> dict[int, int]:
    """Each moment at which some window is said to reset → the last of those that are one with it."""
    told = sorted(set(resets), reverse=True)
    last: dict[int, int] = {}
    for before, reset in zip([None, *told], told, strict=False):
        near = before is not None and before - reset <= JITTER_MS
        last[reset] = last[before] if near and before is not None else reset
    return last


class Window:
    """A window from its start to its reset, read in order of time."""

    def __init__(self, minutes: int, resets_at: int) -> None:
        self._length = minutes * MINUTE_MS
        self.resets_at = resets_at
        self._starts_at = resets_at - self._length
        self._first_at: int | None = None
        # A step wherever it rose: from then on, so much. A lower reading later doesn't lower it.
        self._at: list[int] = []
        self._percent: list[float] = []

    def read(self, at: int, used_percent: float) -> None:
        if self._first_at is None:
            self._first_at = at
        if not self._percent or used_percent > self._percent[-1]:
            self._at.append(at)
            self._percent.append(used_percent)

    @property
    def rises(self) -> list[tuple[int, float]]:
        """Whenever it got fuller than it had been: the moment (ms UTC), and how full."""
        return list(zip(self._at, self._percent, strict=True))

    def level(self, now: int) -> Level:
        """How it stands. `now` is not before what was read last."""
        if not self._percent:
            return Level(None, None, None)
        high = self._percent[-1]
        pace = self._pace(now) if now < self.resets_at else None
        if high >= 100:
            full = next(at for at, p in zip(self._at, self._percent, strict=True) if p >= 100)
            return Level(high, pace, full)
        if not pace:
            return Level(high, pace, None)
        full = now + round((100 - high) / pace * HOUR_MS)
        return Level(high, pace, full if full < self.resets_at else None)

    def _pace(self, now: int) -> float | None:
        """By how much the high-water mark rose over the recent part of the window, an hour; pauses
        count. Over what was seen of that part, if it wasn't watched all the time."""
        since = now - self._length // RECENT
        if since <= self._starts_at:
            since, used = self._starts_at, 0.0
        elif self._first_at is not None and self._first_at > since:
            since, used = self._first_at, self._percent[0]
        else:
            used = self._percent[bisect_right(self._at, since) - 1]
        if now <= since or now - since < min(self._length // TOO_SOON, HOUR_MS):
            return None
        return (self._percent[-1] - used) / ((now - since) / HOUR_MS)
