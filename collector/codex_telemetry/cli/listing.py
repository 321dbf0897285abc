"""How a list comes out: everything that matches as data, a cut table on a terminal."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from codex_telemetry.cli import show
from codex_telemetry.cli.table import Column, stream, table
from codex_telemetry.cli.words import counted
from codex_telemetry.store.queries import Filters

S = TypeVar("S", bound=Struct)
T = TypeVar("T")

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
    if form is not None:
        print_rows(listing.shape, listing.rows(filters), form)
    elif show.screen().terminal:
        _on_a_terminal(listing, filters)
    else:
        show.lines(stream(listing.columns, listing.rows(filters)))


def print_rows(shape: type[S], rows: Iterable[S], form: str) -> None:
    """Several objects, as data."""
    match form:
        case "json":
            show.json_list(rows)
        case "ndjson":
            show.json_lines(rows)
        case _:
            show.csv_rows(names(shape), rows)


def print_table(
    columns: Sequence[Column[T]], rows: Sequence[T], noun: str, *, newest: bool
) -> None:
    """For people: all of it; on a terminal only the first rows, or the last if those are `newest`."""
    on = show.screen()
    if not on.terminal:
        show.lines(stream(columns, rows))
        return
    kept = rows[-ON_A_TERMINAL:] if newest else rows[:ON_A_TERMINAL]
    show.lines(table(columns, kept, on.width))
    if hidden := len(rows) - len(kept):
        order = "earlier" if newest else "further"
        show.note(f"{counted(hidden, f'{order} {noun}')}: --json has all of them")


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
