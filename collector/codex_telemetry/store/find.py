"""Which turn or session a person means: a full id, a prefix that only it has, or `SESSION:INDEX`."""

import re
from typing import Literal

from codex_telemetry.errors import NotFoundError
from codex_telemetry.store.queries import Row, Store
from codex_telemetry.store.turn_words import OF_SESSION

SHOWN = 5
"""So many of the ids that match are named."""

_PLACE = re.compile(r"(.+):(\d{1,9})")


def find_turn(db: Store, wanted: str) -> Row:
    """Raises `NotFoundError` where none matches, or several."""
    if exact := _exact(db, "turns", "turn_id", wanted):
        return exact
    if place := _PLACE.fullmatch(wanted):
        sessions = _starting(db, "sessions", "session_id", place[1])
        if len(sessions) == 1:
            row: Row | None = db.execute(
                f"SELECT * FROM turns WHERE {OF_SESSION} AND turn_index = ?",
                [sessions[0], int(place[2])],
            ).fetchone()
            if row is not None:
                return row
        elif sessions and not _starting(db, "turns", "turn_id", wanted):
            raise ambiguous("session", place[1], sessions)
    return _only(db, "turns", "turn_id", wanted)


def find_session(db: Store, wanted: str) -> Row:
    """Raises `NotFoundError` where none matches, or several."""
    return _exact(db, "sessions", "session_id", wanted) or _only(
        db, "sessions", "session_id", wanted
    )


_Table = Literal["turns", "sessions"]


def _exact(db: Store, table: _Table, column: str, wanted: str) -> Row | None:
    row: Row | None = db.execute(
        f"SELECT * FROM {table} WHERE {column} IN (?, ?)", [wanted, wanted.lower()]
    ).fetchone()
    return row


def _only(db: Store, table: _Table, column: str, wanted: str) -> Row:
    noun = table[:-1]
    found = _starting(db, table, column, wanted)
    if len(found) > 1:
        raise ambiguous(noun, wanted, found)
    if not found:
        raise unknown(noun, table, wanted)
    row: Row = db.execute(f"SELECT * FROM {table} WHERE {column} = ?", found).fetchone()
    return row


def _starting(db: Store, table: _Table, column: str, prefix: str) -> list[str]:
    """Ids that start so, one more than are ever shown; an index finds them, unlike LIKE."""
    for spelling in dict.fromkeys((prefix, prefix.lower())):
        rows = db.execute(
            f"SELECT {column} FROM {table} WHERE {column} >= ? AND {column} < ? "
            f"ORDER BY {column} LIMIT {SHOWN + 1}",
            [spelling, spelling + "\U0010ffff"],
        ).fetchall()
        if rows:
            return [row[0] for row in rows]
    return []


def unknown(noun: str, table: str, wanted: str) -> NotFoundError:
    return NotFoundError(
        f"no {noun} has an id that starts with {wanted}",
        hint=f"codex-telemetry {table} lists them",
    )


def ambiguous(noun: str, wanted: str, found: list[str]) -> NotFoundError:
    number = f"{len(found)}" if len(found) <= SHOWN else f"more than {SHOWN}"
    more = "" if len(found) <= SHOWN else ", …"
    return NotFoundError(
        f"{number} {noun}s start with {wanted}: {', '.join(found[:SHOWN])}{more}",
        hint="type more of the one you mean",
    )
