"""Which stretch of time a person means, and in which zone a moment is shown."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from codex_telemetry.errors import UsageError
from codex_telemetry.settings import time_zone

_AGO = re.compile(r"(\d{1,6})([mhdw])")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_UNIT_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_HINT = "write 2026-11-01, 2026-11-01T09:00Z, 7d or 24h"

SPANS = ("today", "week", "month", "year")


class Zone:
    """The zone in which moments are shown and days are cut; without a name, this machine's."""

    def __init__(self, name: str | None = None, week_start: str = "monday") -> None:
        self._zone = None if name is None else _zone(name)
        self._weekday = 6 if week_start == "sunday" else 0

    def local(self, ms: int) -> datetime:
        """The moment there, with its offset."""
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
        try:
            return moment.astimezone(self._zone)
        except (OverflowError, ValueError, OSError):  # at the ends of the calendar
            return moment

    def ms(self, naive: datetime) -> int:
        """When a clock on the wall there shows this; of two such moments the first."""
        # A day may begin at 1:00, or have 23 or 25 hours: an offset holds for its moment only.
        aware = naive.astimezone() if self._zone is None else naive.replace(tzinfo=self._zone)
        return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)

    def begin(self, day: date) -> int:
        return self.ms(datetime.combine(day, time()))

    def offsets(self, first: int, last: int) -> list[tuple[int | None, int]]:
        """How far the clock there is ahead of UTC (ms), each until a moment (ms UTC), the last None."""
        # Some zones shift their clocks for no more than a month; none for less than a day.
        step = max(_UNIT_MS["d"], (last - first) // 20_000)
        found: list[tuple[int | None, int]] = []
        offset = self._offset(first)
        for end in range(first + step, last + step, step):
            if (after := self._offset(end)) != offset:
                begin, until = end - step, end
                while until - begin > 1:
                    middle = (begin + until) // 2
                    if self._offset(middle) == offset:
                        begin = middle
                    else:
                        until = middle
                found.append((until, offset))
                offset = after
        return [*found, (None, offset)]

    def _offset(self, ms: int) -> int:
        return (self.local(ms).utcoffset() or timedelta()) // timedelta(milliseconds=1)

    def first_of_week(self, day: date) -> date:
        """The day on which its week began."""
        return day - timedelta(days=(day.weekday() - self._weekday) % 7)

    def days(self, moments: Sequence[int | None]) -> list[str | None]:
        """The day there that each is of: `2026-11-23`."""
        known = [ms for ms in moments if ms is not None]
        if not known:
            return [None] * len(moments)
        offsets = self.offsets(min(known), max(known))
        ends = [until for until, _ in offsets if until is not None]
        ahead = [offset for _, offset in offsets]
        names = _DayNames()
        return [
            None if ms is None else names[(ms + ahead[bisect_right(ends, ms)]) // _UNIT_MS["d"]]
            for ms in moments
        ]

    def day(self, ms: int) -> str:
        return self.local(ms).date().isoformat()


class _DayNames(dict[int, str]):
    """What each day since 1970 is called, looked up once."""

    def __missing__(self, day: int) -> str:
        self[day] = (date(1970, 1, 1) + timedelta(days=day)).isoformat()
        return self[day]


def moment(option: str, text: str, zone: Zone, now: int, *, end: bool = False) -> int:
    """The ms of what was typed. A day is meant whole: as an `end`, it is the day's end."""
    text = text.strip()
    try:
        if ago := _AGO.fullmatch(text):
            return now - int(ago[1]) * _UNIT_MS[ago[2]]
        if _DAY.fullmatch(text):
            return zone.begin(date.fromisoformat(text) + timedelta(days=int(end)))
        told = datetime.fromisoformat(text)
        return zone.ms(told) if told.tzinfo is None else round(told.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"{option} is not a time: {text}", hint=_HINT) from None


def stretch(option: str, text: str) -> int:
    """How long `7d` or `24h` is, in ms."""
    told = _AGO.fullmatch(text.strip())
    if told is None or int(told[1]) == 0:
        raise UsageError(f"{option} is not a stretch of time: {text}", hint="write 7d or 24h")
    return int(told[1]) * _UNIT_MS[told[2]]


def span_start(span: str, zone: Zone, now: int) -> int:
    """When this day, week, month or year began."""
    today = zone.local(now).date()
    first = {
        "today": today,
        "week": zone.first_of_week(today),
        "month": today.replace(day=1),
        "year": today.replace(month=1, day=1),
    }
    return zone.begin(first[span])


def shown(ms: int | None, zone: Zone, *, millis: bool = False) -> str | None:
    """`2026-11-23 07:04:08 +01:00`"""
    if ms is None:
        return None
    local = zone.local(ms)
    fraction = f".{local.microsecond // 1000:03d}" if millis else ""
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M:%S}{fraction} {offset[:3]}:{offset[3:5]}"


def lately(ms: int | None, zone: Zone, now: int | None) -> str | None:
    """`3 min ago` for what was within a day of `now`, else as `shown`; without `now` always that."""
    if ms is None or now is None or not 0 <= now - ms < _UNIT_MS["d"]:
        return shown(ms, zone)
    seconds = (now - ms) // 1_000
    if seconds < 60:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 3_600 else f"{seconds // 3_600} h ago"


def _zone(name: str) -> tzinfo:
    found = time_zone(name)
    if found is None:
        raise UsageError(
            f"--tz: no time zone is called {name}",
            hint="write one like Europe/Berlin or UTC; if it is right, install tzdata",
        )
    return found
