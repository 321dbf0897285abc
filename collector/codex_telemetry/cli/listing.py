"""How a list comes out: everything that matches as data, a cut table on a terminal."""

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from codex_telemetry.cli import show
from codex_telemetry.cli.table import Column, stream, table
from codex_telemetry.store.queries import Filters

S = TypeVar("S", bound=Struct)

ON_A_TERMINAL = 20
"""Rows of a table there, the newest, unless more are asked for."""


class Listing(NamedTuple, Generic[S]):
    """What a list command has to know of its rows."""

    noun: str
    shape: type[S]
    rows: Callable[[Filters], Iterator[S]]
    count: Callable[[Filters], int]
    columns: Sequence[Column[S]]


def print_list(listing: Listing[S], form: str | None, filters: Filters) -> None:
    match form:
        case "json":
            show.json_list(listing.rows(filters))
        case "ndjson":
            show.json_lines(listing.rows(filters))
        case "csv":
            show.csv_rows(names(listing.shape), listing.rows(filters))
        case _ if show.screen().terminal:
            _on_a_terminal(listing, filters)
        case _:
            show.lines(stream(listing.columns, listing.rows(filters)))


def print_one(row: Struct, form: str) -> None:
    """One object, as data."""
    match form:
        case "json":
            show.json_object(row)
        case "ndjson":
            show.json_lines([row])
        case _:
            show.csv_rows(names(type(row)), [row])


def names(shape: type[Struct]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(shape)]


def _on_a_terminal(listing: Listing[S], filters: Filters) -> None:
    found = listing.count(filters)
    if not found:
        show.note(f"no {listing.noun}s match" if any(filters) else f"no {listing.noun}s yet")
        return
    shown = filters.last or ON_A_TERMINAL
    rows = list(listing.rows(filters._replace(last=shown)))
    show.lines(table(listing.columns, rows, show.screen().width))
    if found > len(rows):
        show.note(f"{found - len(rows):,} earlier {listing.noun}s: --last N shows more, --json all")
