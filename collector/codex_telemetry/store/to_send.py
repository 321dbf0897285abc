"""All that belongs to some turns and sessions, as it is to be sent elsewhere."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from codex_telemetry.store.changes import Place, State, changes_since, state
from codex_telemetry.store.queries import Row, Store, pruned_before
from codex_telemetry.store.stored_turns import SHOWN


class Gone(NamedTuple):
    """A turn that isn't on that day any more, or a session that isn't there."""

    is_turn: bool
    id: str
    day: int | None


class Bundle(NamedTuple):
    """What changed from one place up to another, as it is at one moment."""

    state: State
    upto: Place | None
    """None: nothing changed."""
    turns: list[Row]
    items: dict[int, list[Row]]
    """By the key of their turn, as are responses."""
    responses: dict[int, list[Row]]
    events: dict[str, list[Row]]
    """By the id of their turn."""
    sessions: list[Row]
    gone: list[Gone]


def bundle(db: Store, place: Place, limit: int) -> Bundle:
    """The next so many changes. What was pruned isn't told: who has it may keep it."""
    db.execute("BEGIN")  # all of it from one moment
    try:
        changes = changes_since(db, place, limit)
        turns: list[str] = []
        sessions: list[str] = []
        gone: list[Gone] = []
        for change in changes:
            if change.is_gone:
                if change.id is not None:
                    gone.append(Gone(change.kind == "turn", change.id, change.day))
            elif change.id is not None:
                (turns if change.kind == "turn" else sessions).append(change.id)
        rows = _rows(db, _TURNS, turns)
        keys = [row["turn_key"] for row in rows]
        return Bundle(
            state(db),
            changes[-1].place if changes else None,
            rows,
            _by(db, _ITEMS, keys, "turn_key"),
            _by(db, _RESPONSES, keys, "turn_key"),
            _by(db, _EVENTS, turns, "turn_id"),
            _rows(db, _SESSIONS, sessions),
            _still_gone(db, gone),
        )
    finally:
        db.execute("COMMIT")


def since(told: Bundle, moment: int) -> Bundle:
    """Without what was over before that moment (ms UTC)."""
    return told._replace(
        turns=[row for row in told.turns if (row["ended_at"] or row["started_at"] or 0) >= moment],
        sessions=[row for row in told.sessions if (row["last_at"] or 0) >= moment],
    )


def readings(db: Store, since: int | None, after_origin: int, step_ms: int) -> list[Row]:
    """Of each limit and each step of time the last reading: those since a moment, and those of whom
    nothing was heard before."""
    return db.execute(
        _READINGS, {"since": since, "after_origin": after_origin, "step": step_ms}
    ).fetchall()


def newest_origin(db: Store) -> int:
    found: int = db.execute("SELECT coalesce(max(origin), 0) FROM origins").fetchone()[0]
    return found


def kept_from(db: Store) -> int:
    """Turns that ended before (ms UTC) may have been pruned here."""
    return pruned_before(db) or 0


def _still_gone(db: Store, gone: Sequence[Gone]) -> list[Gone]:
    """Without what has come back, and sessions of which turns were pruned."""
    ids = [each.id for each in gone if each.is_turn]
    there = {(row["turn_id"], row["day"]) for row in _rows(db, _DAYS, ids)}
    kept = {row["session_id"] for row in _rows(db, _KEPT, [g.id for g in gone if not g.is_turn])}
    return [
        each
        for each in gone
        if ((each.id, each.day) not in there if each.is_turn else each.id not in kept)
    ]


def _rows(db: Store, sql: str, values: Iterable[object]) -> list[Row]:
    listed = msgspec.json.encode(list(values)).decode()
    return db.execute(sql, [listed]).fetchall()


def _by(db: Store, sql: str, values: Iterable[object], key: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in _rows(db, sql, values):
        found.setdefault(row[key], []).append(row)
    return found


_THESE: Final = "IN (SELECT value FROM json_each(?))"
_TURNS: Final = f"SELECT {SHOWN} FROM turns WHERE turn_id {_THESE} ORDER BY turn_key"
_DAYS: Final = f"SELECT turn_id, started_at / 86400000 AS day FROM turns WHERE turn_id {_THESE}"
_SESSIONS: Final = f"SELECT * FROM sessions WHERE session_id {_THESE} ORDER BY session_key"
_KEPT: Final = """
WITH these (id) AS (SELECT value FROM json_each(?))
SELECT session_id FROM sessions WHERE session_id IN (SELECT id FROM these)
UNION ALL
SELECT session_id FROM pruned_sessions WHERE session_id IN (SELECT id FROM these)
"""
_ITEMS: Final = f"""
SELECT * FROM items WHERE turn_key {_THESE} AND kind NOT IN ('message', 'reasoning', 'user_message')
ORDER BY turn_key, started_at, item_id
"""
_RESPONSES: Final = f"""
SELECT * FROM responses WHERE turn_key {_THESE} ORDER BY turn_key, running_total_tokens
"""
_EVENTS: Final = f"SELECT * FROM events WHERE turn_id {_THESE} ORDER BY turn_id, at, event_id"
_READINGS: Final = """
SELECT limit_id, window_minutes, max(observed_at) AS observed_at, used_percent, resets_at, plan_type
FROM rate_limits WHERE :since IS NULL OR observed_at >= :since OR origin > :after_origin
GROUP BY limit_id, window_minutes, observed_at / :step
"""
