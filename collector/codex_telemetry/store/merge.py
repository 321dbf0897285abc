"""Two databases into one: what the other was told is told here, and joined like all that is told.

What either has pruned stays pruned. Content, grants and keys stay where they are, and so does how far
a machine has read its own files.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

import aiosqlite
import msgspec

from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import Gap, LimitSample, SessionFacts
from codex_telemetry.core.identity import TurnId, is_uuid
from codex_telemetry.core.limits import JITTER_MS, MINUTE_MS
from codex_telemetry.core.prices import Book
from codex_telemetry.store import milestone_statements, readings, told_turns
from codex_telemetry.store import statements as sql
from codex_telemetry.store.bodies import unpacked
from codex_telemetry.store.prune import remember, remove, remove_turns
from codex_telemetry.store.pruned import ADD_GROUP, ENDS, GROUP, digest, late
from codex_telemetry.store.queries import PRUNED_BEFORE
from codex_telemetry.store.told import json_list, turns_told_of

_session = msgspec.msgpack.Decoder(SessionFacts)


def told(other: sqlite3.Connection) -> Iterator[Batch]:
    """What each origin told, one at a time."""
    for origin, kind, name in other.execute("SELECT origin, kind, name FROM origins").fetchall():
        batch = Batch(kind, name)
        for (body,) in other.execute(_SESSIONS_TOLD, (origin,)):
            session = _session.decode(unpacked(body))
            batch.sessions[session.session_id] = session
        for _, body in other.execute(told_turns.OF_ORIGIN, (origin,)):
            its = told_turns.decoded(body, origin)[origin]
            batch.turns |= {TurnId(turn_id): told_turns.read(told) for turn_id, told in its.items()}
        batch.limits = [_sample(row) for row in other.execute(_LIMITS, (origin,))]
        batch.gaps = [Gap(*row) for row in other.execute(_GAPS, (origin,))]
        yield batch


async def take_pruned(
    db: aiosqlite.Connection, book: Book, other: sqlite3.Connection
) -> dict[str, int]:
    """Whatever the other has pruned is pruned here too, and what that used is known here. Gives what
    `pruned.late` has to know of what was pruned here alone."""
    mine: dict[str, int] = {row[0]: row[1] for row in await db.execute_fetchall(ENDS)}
    for (moment,) in other.execute("SELECT before FROM pruned_before"):
        await remember(db, moment)
    await db.executemany(_SESSION, [tuple(row) for row in other.execute(_SESSIONS)])
    digests = [tuple(row) for row in other.execute("SELECT turn FROM pruned_turns")]
    await db.executemany("INSERT OR IGNORE INTO pruned_turns VALUES (?)", digests)
    await _take_usage(db, other)
    await _prune_what_is_told(db, book, {turn for (turn,) in digests}, other)
    return mine


async def take_rest(db: aiosqlite.Connection, book: Book, other: sqlite3.Connection) -> None:
    """What isn't made of what origins told of sessions and turns."""
    for kind, name, version, first, last in other.execute(_ORIGINS).fetchall():
        await db.execute(_ORIGIN, (version, first, last, kind, name))
    for kind, name, *drift in other.execute(_DRIFT).fetchall():
        ((origin,),) = await db.execute_fetchall(_ORIGIN_OF, (kind, name))
        # A count of a file goes up as it is read; what two counted of it isn't added.
        await db.execute(sql.DRIFT["live"], (origin, *drift))
    for table in [row[0] for row in other.execute(_TOLD_BESIDE).fetchall()]:
        await _take_table(db, other, table)
    await _take_milestones(db, other)
    gone = {row[0] for row in await db.execute_fetchall(_BARE)}
    await remove(db, book, gone, gone)


async def _take_table(db: aiosqlite.Connection, other: sqlite3.Connection, table: str) -> None:
    """What each origin told beside: what one told of the same moment is the same."""
    rows = other.execute(
        f"SELECT t.*, o.kind, o.name FROM {table} AS t JOIN origins AS o USING (origin)"
    )
    names = [column[0] for column in rows.description][:-2]
    own = names.index("origin")
    statement = f"""
        INSERT OR IGNORE INTO {table} ({", ".join(names)}) VALUES ({", ".join("?" * len(names))})
    """
    for *values, kind, name in rows.fetchall():
        ((values[own],),) = await db.execute_fetchall(_ORIGIN_OF, (kind, name))
        await db.execute(statement, values)


async def _take_usage(db: aiosqlite.Connection, other: sqlite3.Connection) -> None:
    """Of a turn that both have pruned, the fuller counts: never a part of one and a part of other."""
    theirs = _by_turn(other.execute(_USED).fetchall())
    mine = _by_turn(list(await db.execute_fetchall(_USED)))
    for turn, rows in theirs.items():
        if turn in mine and _weight(mine[turn]) >= _weight(rows):
            continue
        await db.execute("DELETE FROM pruned_usage WHERE turn = ?", (turn,))
        for session_id, quarter, model, tier, status, repo, cwd, *sums in rows:
            group = (model, tier, status, repo, cwd)
            await db.execute(ADD_GROUP, group)
            await db.execute(_USE, (turn, session_id, quarter, *group, *sums))


def _by_turn(rows: list[Any]) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = {}
    for turn, *rest in rows:
        found.setdefault(turn, []).append(tuple(rest))
    return found


def _weight(rows: list[tuple[Any, ...]]) -> tuple[int, str]:
    return sum(row[_TOTAL] or 0 for row in rows), repr(sorted(rows, key=repr))


async def _prune_what_is_told(
    db: aiosqlite.Connection, book: Book, digests: set[int], other: sqlite3.Connection
) -> None:
    ids = [row[0] for row in await db.execute_fetchall("SELECT DISTINCT turn_id FROM told_turns")]
    gone = {turn_id for turn_id in ids if digest(turn_id) in digests}
    ends = {row[0]: row[1] for row in other.execute(ENDS)}
    told_there = {row[0] for row in other.execute("SELECT turn_id FROM told_turns")}
    threads = {turn_id.partition(":")[0] for turn_id in ids if not is_uuid(turn_id)}
    for thread in sorted(threads & ends.keys()):
        gone |= late((await turns_told_of(db, thread)).values(), ends) - told_there
    if gone:
        rows = await db.execute_fetchall(sql.THREADS_OF, (json_list(gone),))
        bereft = {row[0] for row in rows}
        await remove_turns(db, gone)
        await remove(db, book, set(), bereft)


async def _take_milestones(db: aiosqlite.Connection, other: sqlite3.Connection) -> None:
    """Those of windows from before what was pruned can't be made anew, as all others were: of what
    either wrote, each percent has the earliest of that percent or more."""
    ((moment,),) = await db.execute_fetchall(PRUNED_BEFORE)
    if moment is None:
        return
    windows: dict[tuple[str, int, int], list[tuple[Any, ...]]] = {}
    resets: dict[tuple[str, int], int] = {}
    rows = [tuple(row) for row in await db.execute_fetchall(_MILESTONES, (moment,))]
    rows += [tuple(row) for row in other.execute(_MILESTONES, (moment,))]
    for limit_id, minutes, reset, *row in sorted(rows, key=lambda row: -row[2]):
        limit = (limit_id, minutes)
        # From the latest down, each within the jitter of one before it is that window.
        if limit not in resets or resets[limit] - reset > JITTER_MS:
            resets[limit] = reset
        windows.setdefault((*limit, resets[limit]), []).append(tuple(row))
    await db.execute(f"DELETE FROM milestones WHERE {_FROZEN}", (moment,))
    for window, written in windows.items():
        fresh = [(*window, *row) for row in _earliest(written)]
        await db.executemany(milestone_statements.KEEP, fresh)


def _earliest(written: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    percents = [row[0] for row in written]
    for percent in range(min(percents), max(percents) + 1):
        reached = [row[1:] for row in written if row[0] >= percent]
        yield percent, *min(reached, key=lambda row: (row[0], repr(row)))


def _sample(row: Any) -> LimitSample:
    limit_id, minutes, at, used, resets_at, plan, has_credits, unlimited, balance, session_id = row
    return LimitSample(
        limit_id or None,
        minutes or None,
        at,
        used,
        resets_at,
        plan,
        None if has_credits is None else bool(has_credits),
        None if unlimited is None else bool(unlimited),
        balance,
        session_id,
    )


_SESSIONS_TOLD: Final = "SELECT body FROM told_sessions WHERE origin = ?"
_LIMITS: Final = readings.told_by(
    """r.limit_id, r.window_minutes, r.observed_at, r.used_percent, r.resets_at, r.plan_type,
    r.has_credits, r.unlimited_credits, r.credit_balance, r.session_id"""
)
_GAPS: Final = "SELECT at, dropped_bytes, reason, session_id FROM gaps WHERE origin = ?"
_ORIGINS: Final = "SELECT kind, name, codex_version, first_at, last_at FROM origins"
_ORIGIN: Final = """
UPDATE origins SET codex_version = coalesce(max(codex_version, ?1), codex_version, ?1),
    first_at = coalesce(min(first_at, ?2), first_at, ?2),
    last_at = coalesce(max(last_at, ?3), last_at, ?3)
WHERE kind = ?4 AND name = ?5
"""
_ORIGIN_OF: Final = "SELECT origin FROM origins WHERE kind = ? AND name = ?"
_TOLD_BESIDE: Final = """
SELECT t.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c ON c.name = 'origin'
WHERE t.type = 'table' AND t.name NOT IN (
    'origins', 'told_sessions', 'told_turns', 'told_by_origin', 'rate_limits', 'reading_spans', 'drift',
    'gaps', 'rollout_files')
"""
_DRIFT: Final = """
SELECT o.kind, o.name, d.codex_version, d.name, d.reason, d.n, d.first_seen, d.last_seen
FROM drift AS d JOIN origins AS o USING (origin)
"""
_KEPT: Final = (
    "session_id, root_session_id, parent_session_id, relation, cwd, git_repo, last_started_at"
)
_SESSIONS: Final = f"SELECT {_KEPT} FROM pruned_sessions ORDER BY session_key DESC"
_SESSION: Final = f"""
INSERT INTO pruned_sessions (session_key, {_KEPT})
VALUES ((SELECT coalesce(min(session_key), 0) - 1 FROM pruned_sessions), ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (session_id) DO UPDATE SET {
    ", ".join(
        f"{c} = coalesce(max({c}, excluded.{c}), {c}, excluded.{c})" for c in _KEPT.split(", ")[1:]
    )
}
"""
_SUMS: Final = """responses, input_tokens, cached_input_tokens, cache_write_input_tokens,
output_tokens, reasoning_output_tokens, total_tokens, cost_usd, unpriced_tokens"""
_USED: Final = f"""
SELECT turn, session_id, quarter, model, service_tier, status, g.git_repo, g.cwd, {_SUMS}
FROM pruned_usage JOIN pruned_sessions AS s USING (session_key)
JOIN usage_groups AS g USING (usage_group)
"""
_TOTAL: Final = 7 + 6
_USE: Final = f"""
INSERT INTO pruned_usage (turn, session_key, quarter, usage_group, {_SUMS})
VALUES (?, (SELECT session_key FROM pruned_sessions WHERE session_id = ?), ?, ({GROUP}),
    ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_FROZEN: Final = f"window_resets_at - window_minutes * {MINUTE_MS} < ?"
_MILESTONES: Final = f"""
SELECT limit_id, window_minutes, window_resets_at, percent, at, source, cumulative_tokens,
    cumulative_cost_usd, marginal_cost_usd, five_hour_percent
FROM milestones WHERE {_FROZEN}
"""
_BARE: Final = """
SELECT session_id FROM sessions
WHERE turns = 0 AND session_id IN (SELECT session_id FROM pruned_sessions)
    AND coalesce(last_at, created_at) < (SELECT max(before) FROM pruned_before)
"""
