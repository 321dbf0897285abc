"""How far each sink is: it moves on when what was sent is taken there, and not before.

The cursor lies in the database whose changes it counts, so a copy that is restored brings the right one
with it: what it says was sent, and what is saved from then on is a change again.
"""

import sqlite3
from collections.abc import Iterator
from typing import Final, NamedTuple

from codex_telemetry.store.changes import Place
from codex_telemetry.store.queries import Store


class Cursor(NamedTuple):
    """One sink. Times are ms UTC."""

    sink: str
    target: str
    place: Place
    begun_at: int
    sent_at: int | None
    sent: int
    """Turns; those sent again are counted again."""
    rejected: int
    error: str | None
    error_at: int | None
    """Since when."""
    state: bytes | None


_COLUMNS: Final = (
    "sink, target, number, rank, key, begun_at, sent_at, sent, rejected, error, error_at, state"
)
_BEGIN: Final = """
INSERT OR REPLACE INTO sink_cursors (sink, target, number, rank, key, begun_at, state)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_ADVANCE: Final = """
UPDATE sink_cursors
SET number = ?, rank = ?, key = ?, sent = sent + ?, rejected = rejected + ?,
    sent_at = CASE WHEN ? THEN ? ELSE sent_at END, error = NULL, error_at = NULL
WHERE sink = ?
"""
_FAIL: Final = """
UPDATE sink_cursors
SET error_at = CASE WHEN error IS NULL THEN ? ELSE error_at END, error = ? WHERE sink = ?
"""
_BEHIND: Final = """
SELECT (SELECT count(*) FROM turns WHERE changed = :number AND turn_key > :turn_key)
     + (SELECT count(*) FROM turns WHERE changed > :number)
"""
_TURNS_RANK: Final = 2
"""Of turns among the parts of the change feed."""


def all_of(db: Store) -> Iterator[Cursor]:
    """Every sink that was ever begun."""
    return map(_cursor, db.execute(f"SELECT {_COLUMNS} FROM sink_cursors ORDER BY sink"))


def of(db: Store, sink: str, target: str) -> Cursor | None:
    """Where it is; None where nothing was sent to that target yet."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM sink_cursors WHERE sink = ? AND target = ?", (sink, target)
    ).fetchone()
    return None if row is None else _cursor(row)


def begin(
    db: sqlite3.Connection,
    sink: str,
    target: str,
    now: int,
    place: Place = Place(),  # noqa: B008 - it is a constant
    state: bytes | None = None,
) -> None:
    """Count from that place on, as if nothing had been sent before."""
    db.execute(_BEGIN, (sink, target, *place, now, state))


def advance(
    db: sqlite3.Connection, sink: str, place: Place, now: int, *, sent: int = 0, rejected: int = 0
) -> None:
    """What comes up to that place was taken, or refused for good; so many turns of it."""
    db.execute(_ADVANCE, (*place, sent, rejected, sent > 0, now, sink))


def remember(db: sqlite3.Connection, sink: str, state: bytes | None) -> None:
    """What else the sink has to know when it goes on."""
    db.execute("UPDATE sink_cursors SET state = ? WHERE sink = ?", (state, sink))


def fail(db: sqlite3.Connection, sink: str, error: str, now: int) -> None:
    """It doesn't get on: why, in a few words of our own, never in the receiver's."""
    db.execute(_FAIL, (now, error, sink))


def forget(db: sqlite3.Connection, sink: str) -> None:
    """As if it had never begun."""
    db.execute("DELETE FROM sink_cursors WHERE sink = ?", (sink,))


def turns_behind(db: Store, place: Place) -> int:
    """How many turns changed since."""
    turn_key = 0 if place.rank < _TURNS_RANK else place.key
    if place.rank > _TURNS_RANK:
        turn_key = (1 << 63) - 1
    found: int = db.execute(_BEHIND, {"number": place.number, "turn_key": turn_key}).fetchone()[0]
    return found


def _cursor(row: sqlite3.Row) -> Cursor:
    sink, target, number, rank, key, *rest = row
    return Cursor(sink, target, Place(number, rank, key), *rest)
