"""What tool calls took: their durations as they lie side by side in an index."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import compress
from typing import Any, NamedTuple

import msgspec

from codex_telemetry.store.queries import Filters, Row, Store, Where, measured_turns
from codex_telemetry.store.stored_items import ARE_TOOL_CALLS, KIND, KINDS, STATUS, STATUSES

FEW = 60_000
"""The calls of so many turns are looked up by turn; of more it is faster to go through all calls."""

_TOLD_APART_BY = ("kind_stored", "name", "server", "status_stored")
_GROUP = ", ".join(_TOLD_APART_BY)
_NAMED = f"{KIND} AS kind, name, server, {STATUS} AS status"
_numbers = msgspec.json.Decoder(list[int | None]).decode
_words = msgspec.json.Decoder(list[Any]).decode


class Calls(NamedTuple):
    """Calls of one tool that came to the same end."""

    kind: str
    name: str | None
    server: str | None
    status: str
    durations: Sequence[int | None]
    """ms, one a call."""


def tool_calls(db: Store, filters: Filters, rest: Where | None = None) -> Iterator[Calls]:
    """The calls of the turns that match; `rest`: of those alone that can be selected from it."""
    if filters == Filters() and rest is None:
        return _all(db)
    keys = _turn_keys(db, rest or measured_turns(filters))
    return _of_few(db, keys) if len(keys) <= FEW else _of_many(db, frozenset(keys))


def _all(db: Store) -> Iterator[Calls]:
    rows = db.execute(
        f"""
        SELECT {_NAMED}, json_group_array(duration_ms)
        FROM items INDEXED BY tool_calls WHERE {ARE_TOOL_CALLS} GROUP BY {_GROUP}
        """
    )
    return (_calls(row, _numbers(row[4])) for row in rows)


def _of_few(db: Store, keys: Sequence[int | None]) -> Iterator[Calls]:
    """Told apart here: to put them in order, so as to group them, takes SQLite longer."""
    columns = ", ".join(
        f"json_group_array({column})" for column in (*_TOLD_APART_BY, "duration_ms")
    )
    told = db.execute(
        f"""
        SELECT {columns} FROM json_each(?) AS wanted CROSS JOIN items ON items.turn_key = wanted.value
        WHERE {ARE_TOOL_CALLS}
        """,
        [msgspec.json.encode(keys).decode()],
    ).fetchone()
    *apart, durations = map(_words, told)
    found: dict[tuple[Any, ...], list[int | None]] = defaultdict(list)
    for its, duration in zip(zip(*apart, strict=True), durations, strict=True):
        found[its].append(duration)
    for (kind, name, server, status), took in found.items():
        yield Calls(_said(KINDS, kind), name, server, _said(STATUSES, status), took)


def _of_many(db: Store, keys: frozenset[int | None]) -> Iterator[Calls]:
    rows = db.execute(
        f"""
        SELECT {_NAMED}, json_group_array(duration_ms), json_group_array(turn_key)
        FROM items INDEXED BY tool_calls WHERE {ARE_TOOL_CALLS} GROUP BY {_GROUP}
        """
    )
    for row in rows:
        wanted = map(keys.__contains__, _numbers(row[5]))
        if durations := list(compress(_numbers(row[4]), wanted)):
            yield _calls(row, durations)


def _calls(row: Row, durations: Sequence[int | None]) -> Calls:
    return Calls(row["kind"], row["name"], row["server"], row["status"], durations)


def _said(words: Sequence[str], stored: Any) -> str:
    """What a stored number stands for; what has none is stored as it is."""
    return words[stored] if isinstance(stored, int) else stored


def _turn_keys(db: Store, turns: Where) -> list[int | None]:
    row = db.execute(f"SELECT json_group_array(turn_key) FROM {turns.sql}", turns.values).fetchone()
    return _numbers(row[0])
