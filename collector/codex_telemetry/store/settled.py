"""The rows of threads and turns, made anew from all that was told of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import aiosqlite
import msgspec

from codex_telemetry.core.prices import Book, cost_of_all
from codex_telemetry.core.rows import TurnRow
from codex_telemetry.core.settle import Settled, settle, settle_session
from codex_telemetry.core.settle_events import settle_session_events, settle_turn_events
from codex_telemetry.store import statements as sql
from codex_telemetry.store import stored_items, stored_responses, stored_turns
from codex_telemetry.store.at_once import write
from codex_telemetry.store.order import Placed, place
from codex_telemetry.store.told import Told, json_list

_row = msgspec.structs.astuple


async def save_rows(db: aiosqlite.Connection, told: Told, book: Book) -> None:
    """Bring every row that a claim may have changed to what the claims now come down to."""
    settled = {turn_id: settle(facts) for turn_id, facts in told.turns.items()}
    for row, _, responses in settled.values():
        for response in responses:
            response.cost_usd = book.cost(response, row.service_tier, row.started_at)
        row.cost_usd = cost_of_all(responses)
    await write(db, sql.SESSION, [_row(settle_session(s)) for s in told.sessions.values()])
    known = await _save_turns(
        db, [each.row for each in settled.values()], [*told.sessions, *told.gone]
    )
    await _save_belongings(db, settled, known)
    await _save_events(db, told, settled, known)
    await _sum_up(db, told.sessions)
    if told.gone:
        await db.execute(sql.REMOVE_SESSION_EVENTS, (json_list(told.gone),))
        await db.execute(sql.REMOVE_SESSIONS, (json_list(told.gone),))


async def _save_turns(
    db: aiosqlite.Connection, turns: Sequence[TurnRow], sessions: Iterable[str]
) -> set[str]:
    """Those that were stored before, of these and of these sessions."""
    found = await db.execute_fetchall(
        sql.PLACES, (json_list(sessions), json_list(row.turn_id for row in turns))
    )
    stored = [Placed(*row) for row in found]
    order = place(stored, turns)
    # Two steps, for the order is unique at every moment.
    await write(db, sql.SET_ASIDE, [(p.turn_id,) for p in order.moved])
    keys = await _keys(db, sql.SESSION_KEYS, {row.session_id for row in turns})
    await write(
        db,
        sql.TURN,
        [
            stored_turns.stored(row, keys[row.session_id], order.places[row.turn_id])
            for row in turns
        ],
    )
    await write(db, sql.PUT_BACK, [(order.places[p.turn_id], p.turn_id) for p in order.moved])
    return {p.turn_id for p in stored}


async def _save_belongings(
    db: aiosqlite.Connection, settled: Mapping[str, Settled], known: Collection[str]
) -> None:
    """`known`: the turns that were stored before."""
    keys = await _keys(db, sql.TURN_KEYS, settled)
    turns = [(keys[turn_id], its) for turn_id, its in settled.items()]
    before = [keys[turn_id] for turn_id in settled if turn_id in known]
    items = [
        stored_items.stored(key, n, item) for key, its in turns for n, item in enumerate(its.items)
    ]
    await _save_all_of(db, sql.ITEMS, items, before)
    responses = [row for key, its in turns for row in stored_responses.stored(key, its.responses)]
    await _save_all_of(db, sql.RESPONSES, responses, before)


async def _keys(db: aiosqlite.Connection, query: str, ids: Iterable[str]) -> dict[str, int]:
    return {row[0]: row[1] for row in await db.execute_fetchall(query, (json_list(ids),))}


async def _save_events(
    db: aiosqlite.Connection,
    told: Told,
    settled: Mapping[str, Settled],
    known: Collection[str],
) -> None:
    of_turns = [
        [turn_id, event.event_key, settled[turn_id].row.session_id, *_row(event)[1:]]
        for turn_id, facts in told.turns.items()
        for event in settle_turn_events(facts)
    ]
    before = [turn_id for turn_id in told.turns if turn_id in known]
    await _save_all_of(db, sql.TURN_EVENTS, of_turns, before)
    of_sessions = [
        [session_id, *_row(event)]
        for session_id, facts in told.sessions.items()
        for event in settle_session_events(facts)
    ]
    await _save_all_of(db, sql.SESSION_EVENTS, of_sessions, told.sessions)


async def _save_all_of(
    db: aiosqlite.Connection,
    part: sql.Belonging,
    rows: Sequence[list[Any]],
    before: Collection[Any],
) -> None:
    """Save all that belongs to some subjects; each row begins with its subject and its key. `before`:
    the subjects that were stored before; what no one tells of them any more is removed."""
    if not part.in_order:
        for told, alike in _by_columns_told(rows).items():
            await write(db, part.save(told), alike)
    elif rows:
        await write(db, part.save(len(rows[0])), rows)
    if before:
        await _remove_others(db, part, rows, before)


async def _remove_others(
    db: aiosqlite.Connection,
    part: sql.Belonging,
    rows: Iterable[list[Any]],
    subjects: Collection[Any],
) -> None:
    listed: dict[Any, list[Any]] = {subject: [] for subject in subjects}
    for subject, key, *_ in rows:
        if subject in listed:
            listed[subject].append(key)
    counts = await db.execute_fetchall(part.number, (json_list(subjects),))
    stored = {row[0]: row[1] for row in counts}
    purges = [
        (subject, json_list(keys))
        for subject, keys in listed.items()
        if stored.get(subject, 0) != len(keys)
    ]
    await write(db, part.purge, purges)


def _by_columns_told(rows: Iterable[list[Any]]) -> dict[int, list[list[Any]]]:
    """Rows without the nulls at their end, by how many columns are left: most of an item's are null,
    and to hand over one takes as long as to store it."""
    found = defaultdict[int, list[list[Any]]](list)
    for row in rows:
        while row[-1] is None:
            row.pop()
        found[len(row)].append(row)
    return found


async def _sum_up(db: aiosqlite.Connection, sessions: Iterable[str]) -> None:
    models: dict[str, list[str]] = {session: [] for session in sessions}
    await db.execute(sql.SUM_UP, (json_list(models),))
    for session, model in await db.execute_fetchall(sql.MODELS, (json_list(models),)):
        if model not in models[session]:
            models[session].append(model)
    await db.executemany(
        sql.SET_MODELS,
        [
            (msgspec.json.encode(used).decode() if used else None, session)
            for session, used in models.items()
        ],
    )
    await db.execute(sql.COUNT_EVENTS, (json_list(models),))
    await db.execute(sql.COUNT_IN_TURNS, (json_list(models),))
    for statement in sql.USAGE:
        await db.execute(statement, (json_list(models),))
