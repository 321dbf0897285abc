"""Let the details go of what ended before a moment. What it used is kept, and that it was pruned.

The unit is a turn: it is what tokens belong to, and a thread that is still used may be years old. A
session goes when it has no turn left and was last heard of before then; a turn that hasn't ended never.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import aiosqlite

from codex_telemetry.core.prices import Book
from codex_telemetry.store import readings, told_turns
from codex_telemetry.store import statements as sql
from codex_telemetry.store.changes import FORGET_REMOVED
from codex_telemetry.store.pruned import digest
from codex_telemetry.store.queries import PRUNED_BEFORE
from codex_telemetry.store.settled import save_rows
from codex_telemetry.store.told import Told, json_list, sessions_told, twins_of

AT_ONCE: Final = 500
"""So many sessions are seen to together."""

MARGIN: Final = 1.05
"""What is freed is told in advance by a turn's share of all that was told: nearly, not exactly."""


EMPTY: Final = 500_000
"""Bytes of a database that holds prices and nothing else: these stay."""


class Going(NamedTuple):
    """What goes with all that ended before a moment."""

    before: int
    """ms UTC"""
    sessions: int
    turns: int
    items: int
    responses: int
    events: int
    limits: int
    content: int
    bytes: int
    """Nearly."""


_OF_LOGS: Final = (
    "SELECT coalesce(sum(size), 0) FROM (SELECT 200 + length(state) AS size FROM rollout_files)"
)
"""What is kept of each log: how far it was read, by which reader, and whose it is."""


class _Turn(NamedTuple):
    turn_id: str
    turn_key: int
    session_key: int
    started_at: int | None


class Size(NamedTuple):
    """Of a database, in bytes."""

    used: int
    file: int
    """With pages that are free: what comes next is written there."""


_ENDED: Final = "coalesce(t.ended_at, t.started_at, s.last_at)"
_TURNS: Final = f"""
SELECT s.session_id, t.turn_id, t.turn_key, s.session_key, t.started_at
FROM turns AS t JOIN sessions AS s USING (session_key)
WHERE t.status <> 'in_progress' AND {_ENDED} < :before
"""
_SESSIONS: Final = f"""
SELECT s.session_id FROM sessions AS s
WHERE coalesce(s.last_at, s.created_at) < :before AND NOT EXISTS (
    SELECT 1 FROM turns AS t WHERE t.session_key = s.session_key
        AND (t.status = 'in_progress' OR {_ENDED} >= :before OR {_ENDED} IS NULL))
"""
_OF_TURNS: Final = "turn_key IN (SELECT turn_key FROM going)"
_LIMITS: Final = "max(observed_at, coalesce(resets_at, 0)) < :before"
_GONE: Final = "SELECT value FROM json_each(:gone)"
_TOLD_BESIDE: Final = """
SELECT origin, body FROM told_by_origin JOIN told_bodies USING (told_body) WHERE origin IN (
    SELECT origin FROM told_sessions WHERE session_id IN (SELECT value FROM json_each(?)))
"""
_THERE: Final = "SELECT turn_id FROM turns WHERE turn_id IN (SELECT value FROM json_each(?))"
_COUNTS: Final = f"""
WITH going AS MATERIALIZED ({_TURNS})
SELECT (SELECT count(*) FROM going),
    (SELECT count(*) FROM items WHERE {_OF_TURNS}),
    (SELECT count(*) FROM responses WHERE {_OF_TURNS}),
    (SELECT count(*) FROM events WHERE turn_id IN (SELECT turn_id FROM going)
        OR (turn_id IS NULL AND session_id IN ({_GONE}))),
    (SELECT count(*) FROM rate_limits WHERE {_LIMITS}),
    (SELECT count(*) FROM content WHERE turn_id IN (SELECT turn_id FROM going)
        OR (turn_id IS NULL AND session_id IN ({_GONE}))),
    (SELECT coalesce(sum(length(b.body) / b.turns), 0)
        FROM told_turns JOIN told_bodies AS b USING (told_body)
        WHERE turn_id IN (SELECT turn_id FROM going)),
    (SELECT coalesce(sum(length(body)), 1) FROM told_bodies)
"""
_OLDEST_FIRST: Final = f"""
SELECT {_ENDED} AS ended, sum(length(b.body) / b.turns)
FROM turns AS t JOIN sessions AS s USING (session_key)
JOIN told_turns AS o USING (turn_id) JOIN told_bodies AS b USING (told_body)
WHERE t.status <> 'in_progress' AND {_ENDED} IS NOT NULL GROUP BY t.turn_key ORDER BY ended
"""
_TOLD: Final = "SELECT coalesce(sum(length(body)), 1) FROM told_bodies"
_PAGES: Final = """
SELECT page_size * (page_count - freelist_count), page_size * page_count
FROM pragma_page_size, pragma_page_count, pragma_freelist_count
"""


def size(db: sqlite3.Connection) -> Size:
    return Size(*db.execute(_PAGES).fetchone())


def going(db: sqlite3.Connection, before: int) -> Going:
    """What would go; nothing is changed."""
    at = {"before": before}
    whole = [row[0] for row in db.execute(_SESSIONS, at)]
    turns = {row[1] for row in db.execute(_TURNS, at)}
    tellers = _tellers(db.execute(_TOLD_BESIDE, (json_list(whole),)))
    there = {row[0] for row in db.execute(_THERE, (json_list(tellers),))}
    gone = set(whole).difference(*(tellers[turn_id] for turn_id in there - turns))
    *counts, mine, all_told = db.execute(_COUNTS, {**at, "gone": json_list(gone)}).fetchone()
    return Going._make((before, len(gone), *counts, _of_details(db) * mine // all_told))


def _of_details(db: sqlite3.Connection) -> int:
    """Bytes, nearly: without what is no turn's and mostly stays."""
    (logs,) = db.execute(_OF_LOGS).fetchone()
    return max(0, size(db).used - EMPTY - int(logs))


def cut_for(db: sqlite3.Connection, wanted: int, latest: int) -> int | None:
    """Before which moment all has to go that the database be no larger than that, but never
    later than `latest`. None if it isn't larger."""
    used = size(db).used
    if used <= wanted:
        return None
    (all_told,) = db.execute(_TOLD).fetchone()
    excess, freed, details = (used - wanted) * MARGIN, 0.0, _of_details(db)
    for ended, told in db.execute(_OLDEST_FIRST):
        if freed >= excess or ended >= latest:
            return min(int(ended), latest)
        freed += details * told / all_told
    return latest


async def prune(db: aiosqlite.Connection, book: Book, before: int) -> None:
    """Within the caller's transaction."""
    at = {"before": before}
    turns: dict[str, list[_Turn]] = {}
    for session_id, *turn in await db.execute_fetchall(_TURNS, at):
        turns.setdefault(session_id, []).append(_Turn(*turn))
    sessions = sorted(turns)
    for some in _chunks(sessions):
        await _let_go(db, {session_id: turns[session_id] for session_id in some})
    whole = [row[0] for row in await db.execute_fetchall(_SESSIONS, at)]
    tellers = _tellers(await db.execute_fetchall(_TOLD_BESIDE, (json_list(whole),)))
    there = await db.execute_fetchall(_THERE, (json_list(tellers),))
    gone = set(whole).difference(*(tellers[row[0]] for row in there))
    await db.executemany(_REMEMBER, [(None, session_id) for session_id in gone])
    for some in _chunks(sorted({*sessions, *gone})):
        await remove(db, book, gone.intersection(some), set(some))
    await db.execute(f"DELETE FROM rate_limits WHERE {_LIMITS}", at)
    await db.execute(readings.FORGET_RESETS, at)
    await db.execute("DELETE FROM status_snapshots WHERE at < :before", at)
    await remember(db, before)


async def remember(db: aiosqlite.Connection, before: int) -> None:
    """Up to when something was pruned: the latest moment holds."""
    await db.execute("INSERT OR IGNORE INTO pruned_before VALUES (?)", (before,))
    await db.execute(f"DELETE FROM pruned_before WHERE before < ({PRUNED_BEFORE})")


def _tellers(bodies: Iterable[Any]) -> dict[str, set[str]]:
    """Turns → the threads under which they were told: a fork tells of turns that are another's."""
    tellers: dict[str, set[str]] = {}
    for origin, body in bodies:
        for turn_id, told in told_turns.decoded(body, origin)[origin].items():
            tellers.setdefault(turn_id, set()).update(map(str, told_turns.read(told).tellers))
    return tellers


async def _let_go(db: aiosqlite.Connection, sessions: dict[str, list[_Turn]]) -> None:
    """The turns of these sessions."""
    turns = [turn for its in sessions.values() for turn in its]
    ids = [turn.turn_id for turn in turns]
    told = [*ids, *await _twins(db, sessions, ids)]
    await db.execute(sql.USAGE_GROUPS, (json_list(sessions),))
    for session_id, its in sessions.items():
        latest = max((turn.started_at for turn in its if turn.started_at is not None), default=None)
        await db.execute(_REMEMBER, (latest, session_id))
    await db.executemany(_PRUNED, [(digest(turn_id),) for turn_id in told])
    await db.executemany(
        _USED, [(digest(turn.turn_id), turn.session_key, turn.turn_key) for turn in turns]
    )
    await remove_turns(db, told)


async def _twins(
    db: aiosqlite.Connection, sessions: Iterable[str], turns: Iterable[str]
) -> list[str]:
    """The other ids of turns, by which old logs, or `exec`, tell of them."""
    known = set(turns)
    return [other for other, turn in (await twins_of(db, sessions)).items() if turn in known]


async def remove_turns(db: aiosqlite.Connection, turns: Iterable[str]) -> None:
    """All that there is of them; `remove` then sees to the sums of their sessions."""
    those = json_list(turns)
    await told_turns.erase(db, those)
    removing = (_REMOVE_CONTENT, sql.REMOVE_EVENTS, sql.REMOVE_TURNS, *FORGET_REMOVED)
    for statement in removing:
        await db.execute(statement, (those,))


async def remove(db: aiosqlite.Connection, book: Book, gone: set[str], sessions: set[str]) -> None:
    """Remove sessions; those of `sessions` that stay are summed up anew."""
    for statement in _REMOVE_SESSIONS:
        await db.execute(statement, (json_list(gone),))
    left = await sessions_told(db, sessions - gone)
    await save_rows(db, Told(left, {}, gone, {}), book)


def _chunks(sessions: list[str]) -> Iterator[list[str]]:
    for n in range(0, len(sessions), AT_ONCE):
        yield sessions[n : n + AT_ONCE]


_KEPT: Final = "session_id, root_session_id, parent_session_id, relation, cwd, git_repo"
_REMEMBER: Final = f"""
INSERT INTO pruned_sessions (session_key, last_started_at, {_KEPT})
SELECT (SELECT coalesce(min(session_key), 0) - 1 FROM pruned_sessions), ?, {_KEPT}
FROM sessions WHERE session_id = ?
ON CONFLICT (session_id) DO UPDATE SET
    last_started_at = coalesce(
        max(last_started_at, excluded.last_started_at), last_started_at, excluded.last_started_at),
    root_session_id = excluded.root_session_id, parent_session_id = excluded.parent_session_id,
    relation = excluded.relation, cwd = excluded.cwd, git_repo = excluded.git_repo
"""
_PRUNED: Final = "INSERT OR IGNORE INTO pruned_turns VALUES (?)"
_USED: Final = f"""
INSERT INTO pruned_usage
SELECT ?1, p.session_key, u.quarter, u.usage_group, u.responses, u.input_tokens,
    u.cached_input_tokens, u.cache_write_input_tokens, u.output_tokens, u.reasoning_output_tokens,
    u.total_tokens, u.cost_usd, u.unpriced_tokens
FROM ({sql.USED_BY.format("s.session_key = ?2 AND t.turn_key = ?3")}) AS u
JOIN sessions AS s ON s.session_key = u.session_key
JOIN pruned_sessions AS p ON p.session_id = s.session_id
"""
_THESE: Final = "IN (SELECT value FROM json_each(?))"
_REMOVE_CONTENT: Final = f"DELETE FROM content WHERE turn_id {_THESE}"
_REMOVE_SESSIONS: Final = (
    f"DELETE FROM told_sessions WHERE session_id {_THESE}",
    f"DELETE FROM content WHERE turn_id IS NULL AND session_id {_THESE}",
)
