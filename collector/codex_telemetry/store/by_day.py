"""All that is of one day: turns that began on it and what belongs to them, sessions that were made on it.

Days are days of UTC, counted from 1970; None: what has no time.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final

from codex_telemetry.store.changes import DAY_MS
from codex_telemetry.store.queries import Row, Store
from codex_telemetry.store.stored_turns import SHOWN

LAST_DAY: Final = (date.max - date(1970, 1, 1)).days
"""What is later, or earlier than 1970, has no time that means anything."""


def turns(db: Store, day: int | None) -> Iterator[Row]:
    return _of_day(db, _TURNS, day)


def items(db: Store, day: int | None) -> Iterator[Row]:
    return _of_day(db, _ITEMS, day)


def responses(db: Store, day: int | None) -> Iterator[Row]:
    return _of_day(db, _RESPONSES, day)


def events(db: Store, day: int | None) -> Iterator[Row]:
    """Those of turns by their turn's day, others by their session's."""
    yield from _of_day(db, _EVENTS, day)
    yield from _of_day(db, _EVENTS_BESIDE, day)


def sessions(db: Store, day: int | None) -> Iterator[Row]:
    return _of_day(db, _SESSIONS, day)


def _of_day(db: Store, sql: str, day: int | None) -> Iterator[Row]:
    column = _CREATED if _CREATED in sql else _STARTED
    if day is None:
        return db.execute(sql.format(f"IS NULL OR {column} NOT BETWEEN 0 AND {_LAST_MS}"))
    return db.execute(sql.format("BETWEEN ? AND ?"), (day * DAY_MS, (day + 1) * DAY_MS - 1))


_LAST_MS: Final = (LAST_DAY + 1) * DAY_MS - 1
_STARTED: Final = "t.started_at"
_CREATED: Final = "s.created_at"
_TURNS: Final = (
    f"SELECT {SHOWN} FROM turns AS t WHERE t.started_at {{}} ORDER BY t.started_at, turn_key"
)
_OF_TURNS: Final = "FROM turns AS t CROSS JOIN {} AS x USING ({}) WHERE (t.started_at {{}})"
_ITEMS: Final = f"""
SELECT t.session_id, t.turn_id, x.* {_OF_TURNS.format("items", "turn_key")}
ORDER BY t.started_at, turn_key, x.started_at, x.item_id
"""
_RESPONSES: Final = f"""
SELECT t.session_id, t.turn_id, x.* {_OF_TURNS.format("responses", "turn_key")}
ORDER BY t.started_at, turn_key, x.running_total_tokens
"""
_EVENTS: Final = f"""
SELECT x.* {_OF_TURNS.format("events", "turn_id")} ORDER BY x.at, x.event_id
"""
_EVENTS_BESIDE: Final = """
SELECT e.* FROM sessions AS s CROSS JOIN events AS e USING (session_id)
WHERE (s.created_at {}) AND e.turn_id IS NULL ORDER BY e.at, e.event_id
"""
_SESSIONS: Final = """
SELECT * FROM sessions AS s WHERE s.created_at {} ORDER BY s.created_at, session_key
"""
