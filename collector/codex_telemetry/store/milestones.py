"""Write the milestones of the windows that a save may have changed: the rule is `core.milestones`'."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import aiosqlite

from codex_telemetry.core.facts import LimitSample, TurnFacts
from codex_telemetry.core.identity import TurnId
from codex_telemetry.core.limits import FIVE_HOURS, JITTER_MS, LONGEST, MINUTE_MS
from codex_telemetry.core.milestones import First, Milestone, Took, costed, crossings
from codex_telemetry.store.queries import PRUNED_BEFORE
from codex_telemetry.store.told import json_list

LATEST = 1 << 53
"""Numbers out of all range would be none that SQLite can add."""

SLACK_MS = 5_000
"""Two halves of a turn that are found to be one may disagree by so much on when a response was."""


class Touched(NamedTuple):
    """A window, by one of the moments at which it was said to reset."""

    limit_id: str
    window_minutes: int
    resets_at: int


class Window(NamedTuple):
    """A window, and how far the moments reach at which it was said to reset."""

    limit_id: str
    minutes: int
    low: int
    high: int

    @property
    def begins(self) -> int:
        return self.high - self.minutes * MINUTE_MS

    @property
    def is_short(self) -> bool:
        return self.minutes == FIVE_HOURS


def told_of(samples: Iterable[LimitSample]) -> set[Touched]:
    """The windows that readings are of."""
    return {
        Touched(sample.limit_id or "", sample.window_minutes, sample.resets_at)
        for sample in samples
        if sample.resets_at is not None and sample.window_minutes is not None
    }


async def told_by(db: aiosqlite.Connection, origin: int) -> set[Touched]:
    """The windows of which an origin told."""
    return {Touched(*row) for row in await db.execute_fetchall(_TOLD_BY, (origin,))}


async def counting(
    db: aiosqlite.Connection, told: Mapping[TurnId, TurnFacts], gone: Iterable[str]
) -> set[Touched]:
    """The windows some of whose milestones count responses of these turns, as they are stored or as
    they are told now."""
    ((first, last),) = await db.execute_fetchall(_STRETCH, (json_list({*told, *gone}),))
    times = {first, last} - {None}
    for turn in told.values():
        times |= {ms for response in turn.responses.values() for ms in response.times.values()}
    if not times:
        return set()
    bounds = (min(times) - SLACK_MS, max(times) + SLACK_MS)
    return {Touched(*row) for row in await db.execute_fetchall(_RUNNING, bounds)}


async def put_off(db: aiosqlite.Connection, windows: Iterable[Touched]) -> None:
    """Leave them to the next `write_due`."""
    await db.executemany(_PUT_OFF, filter(_is_sound, windows))


async def write_due(db: aiosqlite.Connection) -> None:
    """Write those of all windows that were put off."""
    await write(db, {Touched(*row) for row in await db.execute_fetchall(_DUE)})
    await db.execute("DELETE FROM windows_due")


async def write(db: aiosqlite.Connection, windows: Iterable[Touched]) -> None:
    """Bring the milestones of these windows to what all readings and responses now come down to."""
    done: dict[tuple[str, int], list[tuple[int, int]]] = {}
    written: list[Window] = []
    ((pruned_before,),) = await db.execute_fetchall(PRUNED_BEFORE)
    for touched in sorted(filter(_is_sound, windows)):
        limit = touched[:2]
        # Nobody may say any more what was said before; then those that are near may be others now.
        near = [row[0] for row in await db.execute_fetchall(_NEAR, touched)]
        for reset in near or [touched.resets_at]:
            if any(low <= reset <= high for low, high in done.get(limit, ())):
                continue
            ((low, high),) = await db.execute_fetchall(_EXTENT, (*limit, reset))
            done.setdefault(limit, []).append((low, high))
            window = Window(*limit, low, high)
            # Of another, what was used in it isn't all known any more.
            if pruned_before is None or window.begins >= pruned_before:
                await _write_one(db, window)
                written.append(window)
    # Only now, all at once: each statement alone has to wait for SQLite's thread.
    await db.executemany(
        _FIVE_HOURS_OF_ALL, [(w.limit_id, w.begins, w.high) for w in written if w.is_short]
    )
    await db.executemany(
        _FIVE_HOURS_OF_ONE, [(w.limit_id, w.minutes, w.high) for w in written if not w.is_short]
    )


async def _write_one(db: aiosqlite.Connection, window: Window) -> None:
    limit_id, minutes, low, high = window
    firsts = await db.execute_fetchall(_FIRSTS, (limit_id, minutes, low, high))
    crossed = crossings(First(*row) for row in firsts)
    # No other window resets as near as that: what is there was this one's before it grew or shrank.
    place = (limit_id, minutes, low - JITTER_MS, high + JITTER_MS)
    rows = list(await db.execute_fetchall(_WRITTEN, place))
    moments = [window.begins - 1, *(crossing.at for crossing in crossed)]
    took = [Took(*row) for row in await db.execute_fetchall(_TOOK, (json_list(moments),))]
    milestones = costed(crossed, took, {row[1]: Milestone(*row[1:]) for row in rows})
    fresh = [(high, *milestone) for milestone in milestones]
    if [tuple(row) for row in rows] != fresh:
        await db.execute(_REMOVE, place)
        await db.executemany(_KEEP, [(limit_id, minutes, *milestone) for milestone in fresh])


def _is_sound(window: Touched) -> bool:
    return 0 < window.window_minutes <= LONGEST and 0 < window.resets_at < LATEST


_TOLD_BY = """
SELECT DISTINCT limit_id, window_minutes, resets_at FROM rate_limits
WHERE origin = ? AND resets_at IS NOT NULL
"""
_STRETCH = """
SELECT min(r.at), max(r.at) FROM turns AS t JOIN responses AS r USING (turn_key)
WHERE t.turn_id IN (SELECT value FROM json_each(?))
"""
_RUNNING = f"""
SELECT DISTINCT limit_id, window_minutes, window_resets_at FROM milestones
WHERE at >= ? AND window_resets_at - window_minutes * {MINUTE_MS} <= ?
"""
_PUT_OFF = "INSERT OR IGNORE INTO windows_due VALUES (?, ?, ?)"
_DUE = "SELECT limit_id, window_minutes, resets_at FROM windows_due"

# The reset that is told as it was given; where none is, the nearest on both sides within the jitter.
_NEAR = f"""
SELECT max(resets_at) AS at FROM rate_limits
WHERE limit_id = ?1 AND window_minutes = ?2 AND resets_at BETWEEN ?3 - {JITTER_MS} AND ?3
HAVING at IS NOT NULL
UNION
SELECT min(resets_at) AS at FROM rate_limits
WHERE limit_id = ?1 AND window_minutes = ?2 AND resets_at BETWEEN ?3 AND ?3 + {JITTER_MS}
HAVING at IS NOT NULL
"""

# How far the resets reach that are one with a given one: on from each to the next within the jitter.
_EXTENT = f"""
WITH RECURSIVE
earlier (at) AS (
    SELECT ?3
    UNION ALL
    SELECT (SELECT max(resets_at) FROM rate_limits WHERE limit_id = ?1 AND window_minutes = ?2
            AND resets_at < at AND resets_at >= at - {JITTER_MS})
    FROM earlier WHERE at IS NOT NULL
),
later (at) AS (
    SELECT ?3
    UNION ALL
    SELECT (SELECT min(resets_at) FROM rate_limits WHERE limit_id = ?1 AND window_minutes = ?2
            AND resets_at > at AND resets_at <= at + {JITTER_MS})
    FROM later WHERE at IS NOT NULL
)
SELECT (SELECT min(at) FROM earlier), (SELECT max(at) FROM later)
"""
_FIRSTS = """
SELECT CAST(used_percent AS INTEGER), o.kind, min(observed_at)
FROM rate_limits JOIN origins AS o USING (origin)
WHERE limit_id = ? AND window_minutes = ? AND resets_at BETWEEN ? AND ?
    AND used_percent BETWEEN 0 AND 1000
GROUP BY 1, 2
"""
_COLUMNS = """
window_resets_at, percent, at, source, cumulative_tokens, cumulative_cost_usd, marginal_cost_usd
"""
_WRITTEN = f"""
SELECT {_COLUMNS} FROM milestones
WHERE limit_id = ? AND window_minutes = ? AND window_resets_at BETWEEN ? AND ?
ORDER BY percent, window_resets_at
"""
# Of each stretch between two moments: what came after the first, up to and with the second.
_TOOK = """
SELECT coalesce(sum(r.total_tokens), 0),
    CASE WHEN count(r.at) = count(r.cost_usd) THEN coalesce(sum(r.cost_usd), 0.0) END
FROM (
    SELECT key, value AS until, lag(value) OVER (ORDER BY key) AS since FROM json_each(?)
) AS stretch LEFT JOIN responses AS r
    ON r.at > stretch.since AND r.at <= stretch.until AND r.total_tokens > 0
WHERE stretch.since IS NOT NULL GROUP BY stretch.key ORDER BY stretch.key
"""
_REMOVE = """
DELETE FROM milestones
WHERE limit_id = ? AND window_minutes = ? AND window_resets_at BETWEEN ? AND ?
"""
_KEEP = f"""
INSERT INTO milestones (limit_id, window_minutes, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

# What the five-hour window said last before, if that window was still running.
_FIVE_HOURS = f"""
UPDATE milestones SET five_hour_percent = (
    SELECT r.used_percent FROM rate_limits AS r
    WHERE r.limit_id = milestones.limit_id AND r.window_minutes = {FIVE_HOURS}
        AND r.observed_at <= milestones.at AND r.resets_at > milestones.at
        AND r.observed_at > milestones.at - {FIVE_HOURS * MINUTE_MS}
        AND r.used_percent IS NOT NULL
    ORDER BY r.observed_at DESC, r.used_percent DESC LIMIT 1)
"""
# By time: of one limit there are as many as there ever were.
_FIVE_HOURS_OF_ALL = f"{_FIVE_HOURS} WHERE +limit_id = ? AND at BETWEEN ? AND ?"
_FIVE_HOURS_OF_ONE = f"""
{_FIVE_HOURS} WHERE limit_id = ? AND window_minutes = ? AND window_resets_at = ?
"""
