"""The rows of threads and turns, made anew from all that was told of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import aiosqlite
import msgspec

from codex_telemetry.core.prices import Book, cost_of_all
from codex_telemetry.core.rows import TurnRow
from codex_telemetry.core.settle import Settled, settle, settle_session
from codex_telemetry.core.settle_events import settle_session_events, settle_turn_events
from codex_telemetry.store import statements as sql
from codex_telemetry.store import stored_responses
from codex_telemetry.store.order import Placed, place
from codex_telemetry.store.stored_items import stored
from codex_telemetry.store.told import Told, json_list

_row = msgspec.structs.astuple


async def save_rows(db: aiosqlite.Connection, told: Told, book: Book) -> None:
    """Bring every row that a claim may have changed to what the claims now come down to."""
    settled = {turn_id: settle(facts) for turn_id, facts in told.turns.items()}
    for row, _, responses in settled.values():
        for response in responses:
            response.cost_usd = book.cost(response, row.service_tier, row.started_at)
        row.cost_usd = cost_of_all(responses)
    await db.executemany(sql.SESSION, [_row(settle_session(s)) for s in told.sessions.values()])
    await _save_turns(db, [each.row for each in settled.values()], [*told.sessions, *told.gone])
    await _save_belongings(db, settled)
    await _save_events(db, told, settled)
    await _sum_up(db, told.sessions)
    await db.execute(sql.REMOVE_SESSION_EVENTS, (json_list(told.gone),))
    await db.execute(sql.REMOVE_SESSIONS, (json_list(told.gone),))


async def _save_turns(
    db: aiosqlite.Connection, turns: Sequence[TurnRow], sessions: Iterable[str]
) -> None:
    stored = await db.execute_fetchall(
        sql.PLACES, (json_list(sessions), json_list(row.turn_id for row in turns))
    )
    order = place([Placed(*row) for row in stored], turns)
    # Two steps, for the order is unique at every moment.
    await db.executemany(sql.SET_ASIDE, [(p.turn_id,) for p in order.moved])
    await db.executemany(sql.TURN, [(*_row(row), order.places[row.turn_id]) for row in turns])
    await db.executemany(sql.PUT_BACK, [(order.places[p.turn_id], p.turn_id) for p in order.moved])


async def _save_belongings(db: aiosqlite.Connection, settled: Mapping[str, Settled]) -> None:
    keys = {
        row[0]: row[1] for row in await db.execute_fetchall(sql.TURN_KEYS, (json_list(settled),))
    }
    items = {
        keys[turn_id]: [(keys[turn_id], *stored(item)) for item in its.items]
        for turn_id, its in settled.items()
    }
    await _save_all_of(db, sql.ITEMS, items)
    responses = {
        keys[turn_id]: [
            (keys[turn_id], *stored_responses.stored(response)) for response in its.responses
        ]
        for turn_id, its in settled.items()
    }
    await _save_all_of(db, sql.RESPONSES, responses)


async def _save_events(
    db: aiosqlite.Connection, told: Told, settled: Mapping[str, Settled]
) -> None:
    of_turns = {
        turn_id: [
            (turn_id, event.event_key, settled[turn_id].row.session_id, *_row(event)[1:])
            for event in settle_turn_events(facts)
        ]
        for turn_id, facts in told.turns.items()
    }
    await _save_all_of(db, sql.TURN_EVENTS, of_turns)
    of_sessions = {
        session_id: [(session_id, *_row(event)) for event in settle_session_events(facts)]
        for session_id, facts in told.sessions.items()
    }
    await _save_all_of(db, sql.SESSION_EVENTS, of_sessions)


async def _save_all_of(
    db: aiosqlite.Connection,
    part: sql.Belonging,
    rows: Mapping[Any, Sequence[tuple[Any, ...]]],
) -> None:
    """Save all that belongs to some subjects; what no one tells of any more is removed. Each row
    begins with its subject and its key."""
    every = [row for its in rows.values() for row in its]
    if part.in_order and every:
        await db.executemany(part.save(len(every[0])), every)
    else:
        for told, alike in _by_columns_told(every).items():
            await db.executemany(part.save(told), alike)
    counts = await db.execute_fetchall(part.number, (json_list(rows),))
    stored = {row[0]: row[1] for row in counts}
    await db.executemany(
        part.purge,
        [
            (subject, json_list(part.listed(row[1]) for row in its))
            for subject, its in rows.items()
            if stored.get(subject, 0) != len(its)
        ],
    )


def _by_columns_told(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[tuple[Any, ...]]]:
    """Rows without the nulls at their end, by how many columns are left: most of an item's are null,
    and to hand over one takes as long as to store it."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        told = len(row)
        while row[told - 1] is None:
            told -= 1
        found.setdefault(told, []).append(row[:told])
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
