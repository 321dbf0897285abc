"""Out of a row of the store, a shape of the contract: the same names, times and lists written out."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import Struct

from codex_telemetry.core.facts import Source
from codex_telemetry.reports.elsewhere import AnyRow
from codex_telemetry.reports.moments import written

S = TypeVar("S", bound=Struct)

_LISTS = frozenset({"models", "thread_ids", "opted_out", "secret_ids"})
"""Columns that hold a JSON array."""

_SOURCES = {
    n: [source.name.lower() for source in Source if source & n and source.name] for n in range(4)
}


def shaped(shape: type[S], rows: Iterable[AnyRow]) -> Iterator[S]:
    """Each row in that shape, as it is read. A name without a column is null."""
    for row in rows:
        yield one(shape, row)


def one(shape: type[S], row: AnyRow) -> S:
    plan = _plan(shape, tuple(row.keys()))
    return shape(
        *[
            None if at is None else row[at] if write is None else write(row[at])
            for at, write in plan
        ]
    )


@cache
def _plan(
    shape: type[Struct], columns: tuple[str, ...]
) -> tuple[tuple[int | None, Callable[[Any], Any] | None], ...]:
    """Where each field stands in the row, and how its value is written."""
    places = {name: n for n, name in enumerate(columns)}
    return tuple(
        (places.get(field.name), _written_by(field)) for field in msgspec.structs.fields(shape)
    )


def _written_by(field: msgspec.structs.FieldInfo) -> Callable[[Any], Any] | None:
    if is_moment(field.name):
        return written
    if field.name == "sources":
        return sources
    if field.name in _LISTS:
        return _list
    return _flag if any(getattr(t, "__origin__", t) is bool for t in get_args(field.type)) else None


def is_moment(name: str) -> bool:
    """Whether a field of that name holds a moment."""
    return name == "at" or name.endswith(("_at", "_seen"))


def sources(told: int) -> list[str]:
    """Who told of it."""
    return _SOURCES[told & 3]


def _list(told: str | None) -> list[str] | None:
    return None if told is None else msgspec.json.decode(told, type=list[str])


def _flag(told: int | None) -> bool | None:
    return None if told is None else bool(told)
