"""What changed since: turns and sessions by the number of the last save that wrote them, in order.

A number is taken within the transaction that writes, and there is one writer at a time: whoever has
read up to a number has missed nothing of it.
"""

import heapq
from itertools import islice
from operator import attrgetter
from typing import Any, Final, Literal, NamedTuple

from codex_telemetry.store.queries import Store

Kind = Literal["turn", "session"]

DAY_MS: Final = 86_400_000

NEXT: Final = "UPDATE saves SET number = number + 1"
"""At the beginning of a transaction that changes turns or sessions."""

NEW_HISTORY: Final = "UPDATE saves SET history = lower(hex(randomblob(8)))"
"""Numbers that are known elsewhere say nothing of this database any more."""

# Which turns these were isn't kept, only the days that lost some.
FORGET_REMOVED: Final = (
    """
    INSERT INTO removed
    SELECT DISTINCT 'turn', NULL, day, (SELECT number FROM saves) FROM removed
    WHERE kind = 'turn' AND id IN (SELECT value FROM json_each(?))
    ON CONFLICT DO UPDATE SET number = excluded.number
    """,
    "DELETE FROM removed WHERE kind = 'turn' AND id IN (SELECT value FROM json_each(?))",
)


class State(NamedTuple):
    """How far the count is, and whose."""

    number: int
    database: str
    history: str


class Place(NamedTuple):
    """Up to where changes have been read."""

    number: int = 0
    rank: int = 0
    key: int = 0


class Change(NamedTuple):
    place: Place
    kind: Kind
    id: str | None
    """None: a turn that was pruned."""
    day: int | None
    """Since 1970, UTC: of a turn's start, of a session's creation."""
    is_gone: bool
    """It isn't there any more, or of this day no more; of the latter it is told again as it is."""


def state(db: Store) -> State:
    return State(*db.execute("SELECT number, database, history FROM saves").fetchone())


def after(number: int) -> Place:
    """Where everything up to that save has been read."""
    return Place(number + 1)


def changes_since(db: Store, place: Place, limit: int) -> list[Change]:
    """The next ones, in order: what is gone before what is there, by the same save."""
    parts = [_part(db, rank, place, limit) for rank in range(1, len(PARTS) + 1)]
    return list(islice(heapq.merge(*parts, key=attrgetter("place")), limit))


def _part(db: Store, rank: int, place: Place, limit: int) -> list[Change]:
    part = PARTS[rank - 1]
    # Of the save in the middle of which the place is, parts before it are done and others not begun.
    rows: list[Any] = []
    if rank >= place.rank:
        key = place.key if rank == place.rank else 0
        rows += db.execute(part.rest, (place.number, key, limit))
    rows += db.execute(part.further, (place.number, limit - len(rows)))
    return [
        Change(Place(number, rank, key), told, id_, day, is_gone=part.is_gone)
        for number, key, told, id_, day in rows
    ]


class _Part(NamedTuple):
    """Two statements, for SQLite seeks by a number and a key only if the number is a certain one."""

    is_gone: bool
    rest: str
    """Of one save, after a key."""
    further: str


def _part_of(table: str, number: str, key: str, columns: str, *, is_gone: bool = False) -> _Part:
    select = f"SELECT {number}, {key}, {columns} FROM {table} WHERE {number}"
    return _Part(
        is_gone,
        f"{select} = ? AND {key} > ? ORDER BY {key} LIMIT ?",
        f"{select} > ? ORDER BY {number}, {key} LIMIT ?",
    )


PARTS: Final = (
    _part_of("removed", "number", "rowid", "kind, id, day", is_gone=True),
    _part_of("turns", "changed", "turn_key", f"'turn', turn_id, started_at / {DAY_MS}"),
    _part_of("sessions", "changed", "session_key", f"'session', session_id, created_at / {DAY_MS}"),
)
