"""How full the rate-limit windows are, how full they were, and when each percent was crossed."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from codex_telemetry.core.limits import Level, Window, merged, window_name
from codex_telemetry.reports.moments import written
from codex_telemetry.reports.shapes_limits import Limit, Milestone
from codex_telemetry.reports.shaping import one
from codex_telemetry.store import limit_queries as queries
from codex_telemetry.store.limit_queries import WindowKey, length_ms
from codex_telemetry.store.queries import Filters, Row, Store


class Past(NamedTuple):
    """One window as it went. Moments are ms UTC."""

    limit_id: str | None
    window: str | None
    started_at: int
    resets_at: int
    high_water_percent: float
    full_at: int | None
    """When it was used up, if it was."""
    rises: list[tuple[int, float]]
    """Whenever it got fuller than it had been, and how full."""


def latest(db: Store, now: int) -> list[Limit]:
    """Each limit's windows as they stand now (ms UTC), the shortest of a limit first."""
    return [_latest(db, key, now) for key in queries.limits(db)]


def _latest(db: Store, key: WindowKey, now: int) -> Limit:
    row = queries.newest(db, key)
    read = _Windows(key)
    rows = list(queries.within_a_window(db, key, row["observed_at"]))
    resets = merged(r["resets_at"] for r in rows if r["resets_at"] is not None)
    for earlier in rows:
        read.take(earlier, resets)
    return _limit(row, read, max(now, row["observed_at"]))


def history(db: Store, filters: Filters) -> Iterator[Limit]:
    """All readings, newest last, each with how the window stood then."""
    keys = queries.limits(db)
    resets = {key: merged(queries.resets(db, key)) for key in keys}
    windows = {key: _Windows(key) for key in keys}
    # A reading's high-water mark is that of its window, which may have begun before what is asked.
    longest = 2 * max((length_ms(key) for key in keys), default=0)
    since = filters.since
    if filters.last is not None:
        since = queries.since_last(db, keys, filters) or since

    def told() -> Iterator[Limit]:
        for row in queries.readings(db, None if since is None else since - longest):
            at = row["observed_at"]
            if filters.until is not None and at >= filters.until:
                return
            key = WindowKey(row["limit_id"], row["window_minutes"])
            windows[key].take(row, resets[key])
            if since is None or at >= since:
                yield _limit(row, windows[key], at)

    return told() if filters.last is None else iter(deque(told(), filters.last))


def windows(db: Store, filters: Filters) -> Iterator[list[Past]]:
    """Of each limit and length those windows that ran in a stretch of time, the newest last."""
    for key in queries.limits(db):
        read = _Windows(key)
        resets = merged(queries.resets(db, key))
        for row in queries.of_windows(db, key, filters):
            read.take(row, resets)
        found = [_past(key, window) for window in read.in_order() if window.rises]
        since = filters.since
        yield [past for past in found if since is None or past.resets_at > since]


def milestones(db: Store, filters: Filters) -> Iterator[Milestone]:
    """Crossings, newest last."""
    for row in queries.milestones(db, filters):
        shape = one(Milestone, row)
        shape.window = window_name(shape.window_minutes)
        yield shape


class _Windows:
    """The windows of one limit and length, read in order of time."""

    def __init__(self, key: WindowKey) -> None:
        self._minutes = key.window_minutes
        self._by_reset: dict[int, Window] = {}
        self.current: Window | None = None
        """That of the last reading; None where nobody said when it resets."""
        self.used_percent: float | None = None

    def take(self, row: Row, resets: dict[int, int]) -> None:
        at, reset, used = row["observed_at"], row["resets_at"], row["used_percent"]
        before = self.current
        if reset is not None:
            reset = resets[reset]
            self.current = self._by_reset.setdefault(reset, Window(self._minutes, reset))
        elif before is not None and at >= before.resets_at:
            self.current = None
        # What isn't said is as it was (0.77 to 0.169).
        if used is not None or self.current is not before:
            self.used_percent = used
        if self.current is not None and used is not None:
            self.current.read(at, used)

    def in_order(self) -> list[Window]:
        return [self._by_reset[reset] for reset in sorted(self._by_reset)]

    def level(self, now: int) -> Level:
        if self.current is None:
            return Level(self.used_percent, None, None)
        return self.current.level(now)


def _past(key: WindowKey, window: Window) -> Past:
    return Past(
        key.limit_id or None,
        window_name(key.window_minutes),
        window.resets_at - length_ms(key),
        window.resets_at,
        window.rises[-1][1],
        next((at for at, percent in window.rises if percent >= 100), None),
        window.rises,
    )


def _limit(row: Row, windows: _Windows, now: int) -> Limit:
    level = windows.level(now)
    pace = level.percent_per_hour
    limit = one(Limit, row)
    limit.limit_id = limit.limit_id or None
    limit.window_minutes = limit.window_minutes or None
    limit.window = window_name(limit.window_minutes)
    limit.used_percent = windows.used_percent
    limit.high_water_percent = level.high_water_percent
    limit.percent_per_hour = None if pace is None else round(pace, 3)
    limit.exhausted_at = written(level.exhausted_at)
    if windows.current is not None:
        limit.resets_at = written(windows.current.resets_at)
    return limit
