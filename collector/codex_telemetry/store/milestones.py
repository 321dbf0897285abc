"""Write the milestones of the windows that a save may have changed: the rule is `core.milestones`'."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import aiosqlite

from codex_telemetry.core.facts import LimitSample, TurnFacts
from codex_telemetry.core.identity import TurnId
from codex_telemetry.core.limits import FIVE_HOURS, JITTER_MS, LONGEST, MINUTE_MS
from codex_telemetry.core.milestones import (
    NOTHING,
    Crossing,
    First,
    Milestone,
    Took,
    costed,
    crossings,
)
from codex_telemetry.store import at_once
from codex_telemetry.store import milestone_statements as sql
from codex_telemetry.store.queries import PRUNED_BEFORE
from codex_telemetry.store.told import json_list, json_rows

LATEST = 1 << 53
"""Numbers out of all range would be none that SQLite can add."""

SLACK_MS = 5_000
"""Two halves of a turn that are found to be one may disagree by so much on when a response was."""


AT_ONCE = 500
"""So many windows that were put off are written in one transaction: others want to write too."""

Limit = tuple[str, int]
"""Its id, and the length of its windows (minutes)."""

Place = tuple[str, int, int, int]
"""A limit, and from when to when its windows reset."""


class Touched(NamedTuple):
    """A window, by one of the moments at which it was said to reset."""

    limit_id: str
    window_minutes: int
    resets_at: int

    @property
    def limit(self) -> Limit:
        return self.limit_id, self.window_minutes


class Window(NamedTuple):
    """A window, and how far the moments reach at which it was said to reset."""

    limit_id: str
    minutes: int
    low: int
    high: int

    @property
    def limit(self) -> Limit:
        return self.limit_id, self.minutes

    @property
    def place(self) -> Place:
        """Where its milestones are. No other window resets as near as that: what is there was this
        one's before it grew or shrank."""
        return *self.limit, self.low - JITTER_MS, self.high + JITTER_MS

    @property
    def begins(self) -> int:
        return self.high - self.minutes * MINUTE_MS

    @property
    def is_short(self) -> bool:
        return self.minutes == FIVE_HOURS


class Row(NamedTuple):
    """A milestone as it is written."""

    resets_at: int
    """The last moment at which its window was said to reset, then."""
    milestone: Milestone


def told_of(samples: Iterable[LimitSample]) -> set[Touched]:
    """The windows that readings are of."""
    return {
        Touched(sample.limit_id or "", sample.window_minutes, sample.resets_at)
        for sample in samples
        if sample.resets_at is not None and sample.window_minutes is not None
    }


async def told_by(db: aiosqlite.Connection, origin: int) -> set[Touched]:
    """The windows of which an origin told."""
    return {Touched(*row) for row in await db.execute_fetchall(sql.TOLD_BY, (origin,))}


async def counting(
    db: aiosqlite.Connection, told: Mapping[TurnId, TurnFacts], gone: Iterable[str]
) -> set[Touched]:
    """The windows some of whose milestones count responses of these turns, as they are stored or as
    they are told now."""
    ((first, last),) = await db.execute_fetchall(sql.STRETCH, (json_list({*told, *gone}),))
    times = {
        ms
        for turn in told.values()
        for response in turn.responses.values()
        for ms in response.times.values()
    }
    times |= {first, last} - {None}
    if not times:
        return set()
    bounds = {"first": min(times) - SLACK_MS, "last": max(times) + SLACK_MS}
    return {Touched(*row) for row in await db.execute_fetchall(sql.RUNNING, bounds)}


async def put_off(db: aiosqlite.Connection, windows: Iterable[Touched]) -> None:
    """Leave them to the next `write_due`."""
    await db.executemany(sql.PUT_OFF, filter(_is_sound, windows))


async def write_due(db: aiosqlite.Connection) -> bool:
    """Write those of some of the windows that were put off; False once there are none left."""
    due = [Touched(*row) for row in await db.execute_fetchall(sql.DUE, (AT_ONCE,))]
    await write(db, due)
    await db.executemany(sql.DONE, due)
    return len(due) == AT_ONCE


async def write_all_due(db: aiosqlite.Connection) -> None:
    """Write those of all that were put off."""
    while await write_due(db):
        pass


async def write(db: aiosqlite.Connection, windows: Iterable[Touched]) -> None:
    """Bring the milestones of these windows to what all readings and responses now come down to."""
    found = await _found(db, sorted(filter(_is_sound, windows)))
    ((pruned_before,),) = await db.execute_fetchall(PRUNED_BEFORE)
    if pruned_before is not None:
        # Of one that began before, what was used in it isn't all known any more.
        found = [window for window in found if window.begins >= pruned_before]
    if not found:
        return
    # All at once: each statement alone has to wait for SQLite's thread.
    crossed = await _crossed(db, found)
    took = await _took(db, found, crossed)
    stale: list[Place] = []
    fresh: list[tuple[object, ...]] = []
    for n, (window, rows) in enumerate(zip(found, await _written(db, found), strict=True)):
        known = {row.milestone.percent: row.milestone for row in rows}
        if len({row.resets_at for row in rows}) > 1:
            # They were windows apart: the percent before may be the other's.
            known = {p: each._replace(marginal_cost_usd=None) for p, each in known.items()}
        milestones = costed(crossed[n], took[n], known)
        if rows != [Row(window.high, milestone) for milestone in milestones]:
            stale.append(window.place)
            fresh += [(*window.limit, window.high, *milestone, None) for milestone in milestones]
    await at_once.write(db, sql.REMOVE, stale)
    await at_once.write(db, sql.KEEP, fresh)
    await _tell_five_hours(db, found)


async def _tell_five_hours(db: aiosqlite.Connection, windows: Sequence[Window]) -> None:
    """Say of their milestones, and of all in those of five hours, how full that of five hours was."""
    lengths: dict[str, list[int]] = {}
    for limit_id, minutes in await db.execute_fetchall(sql.LENGTHS):
        lengths.setdefault(limit_id, []).append(minutes)
    short = [(w.limit_id, w.begins, w.high) for w in windows if w.is_short]
    each = [(limit, n, *bounds) for limit, *bounds in short for n in lengths.get(limit, ())]
    await at_once.write(db, sql.FIVE_HOURS_OF_LENGTH, each)
    await at_once.write(db, sql.FIVE_HOURS_OF_ODD, short)
    others = [(*w.limit, w.high) for w in windows if not w.is_short]
    await at_once.write(db, sql.FIVE_HOURS_OF_ONE, others)


async def _found(db: aiosqlite.Connection, windows: Sequence[Touched]) -> list[Window]:
    """The windows that these belong to, in order."""
    told: set[Touched] = set()
    found: set[Window] = set()
    for n, *near in await db.execute_fetchall(sql.NEAR, (json_rows(windows),)):
        # Nobody may say any more what was said before; then those that are near may be others now.
        told |= {windows[n]._replace(resets_at=at) for at in near if at is not None}
        if near == [None, None]:
            limit_id, minutes, at = windows[n]
            found.add(Window(limit_id, minutes, at, at))
    # Of those that are one by what is told already, the last is as good as all of them.
    before: dict[Limit, int] = {}
    one_each = []
    for touched in sorted(told, reverse=True):
        if before.get(touched.limit, LATEST + JITTER_MS) - touched.resets_at > JITTER_MS:
            one_each.append(touched)
        before[touched.limit] = touched.resets_at
    for n, low, high in await db.execute_fetchall(sql.EXTENT, (json_rows(one_each),)):
        found.add(Window(one_each[n].limit_id, one_each[n].window_minutes, low, high))
    return sorted(found)


async def _crossed(db: aiosqlite.Connection, windows: Sequence[Window]) -> list[list[Crossing]]:
    """The crossings of each."""
    firsts: list[list[First]] = [[] for _ in windows]
    for n, *first in await db.execute_fetchall(sql.FIRSTS, (json_rows(windows),)):
        firsts[n].append(First(*first))
    return [crossings(its) for its in firsts]


async def _took(
    db: aiosqlite.Connection, windows: Sequence[Window], crossed: Sequence[Sequence[Crossing]]
) -> list[list[Took]]:
    """What each crossing of each took."""
    took = [[NOTHING] * len(its) for its in crossed]
    places: list[tuple[int, int]] = []
    stretches: list[tuple[int, int]] = []
    for n, (window, its) in enumerate(zip(windows, crossed, strict=True)):
        since = window.begins - 1
        for nth, crossing in enumerate(its):
            # A reading is often some percent more than the one before: of these only the first took anything.
            if crossing.at > since:
                places.append((n, nth))
                stretches.append((since, crossing.at))
            since = crossing.at
    for key, *used in await db.execute_fetchall(sql.TOOK, (json_rows(stretches),)):
        n, nth = places[key]
        took[n][nth] = Took(*used)
    return took


async def _written(db: aiosqlite.Connection, windows: Sequence[Window]) -> list[list[Row]]:
    """What is written where each has its place, in order."""
    written: list[list[Row]] = [[] for _ in windows]
    places = json_rows(window.place for window in windows)
    for n, resets_at, *milestone in await db.execute_fetchall(sql.WRITTEN, (places,)):
        written[n].append(Row(resets_at, Milestone(*milestone)))
    return written


def _is_sound(window: Touched) -> bool:
    return 0 < window.window_minutes <= LONGEST and 0 < window.resets_at < LATEST
