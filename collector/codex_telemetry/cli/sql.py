"""`sql`."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Annotated

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.labelled import labels
from codex_telemetry.cli.listing import ON_A_TERMINAL, names
from codex_telemetry.cli.options import Form, Where, options
from codex_telemetry.cli.reach import take_in_spool
from codex_telemetry.cli.table import Column, stream, table
from codex_telemetry.cli.words import NOTHING, Line, Span, cells, cut, padded, plain
from codex_telemetry.errors import UsageError
from codex_telemetry.reports.shapes_sql import SchemaColumn
from codex_telemetry.store.ask import Answer, Value, answer
from codex_telemetry.store.meanings import Table, tables

LEAST, MOST = 0.001, 3_600

Row = Sequence[Value]


@options
def sql(
    where: Where,
    form: Form,
    question: Annotated[
        str | None, typer.Argument(metavar="SELECT", help="one statement; with --schema a table")
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="list tables and columns and what they mean")
    ] = False,
    timeout: Annotated[
        float, typer.Option(metavar="S", min=LEAST, max=MOST, help="seconds it may take")
    ] = 10.0,
) -> None:
    """Ask the database anything, without being able to change it.

    \b
    Times are ms since 1970 (UTC), durations ms; what isn't known is NULL.
    A BLOB is shown as its size.
    Example: codex-telemetry sql "SELECT model, count(*) FROM turns GROUP BY 1"
    Example: codex-telemetry sql --schema turns
    """
    chosen = form.chosen()
    if schema:
        _schema(chosen, question)
        return
    if question is None:
        raise UsageError(
            "sql: ask something", hint='codex-telemetry sql "SELECT count(*) FROM turns"'
        )
    found = where.paths()
    take_in_spool(found)
    with answer(found.database, question, timeout, labels()) as told:
        _print(told, chosen)


def _print(told: Answer, form: str | None) -> None:
    rows: Iterator[Row] = (tuple(_shown(value) for value in row) for row in told.rows)
    match form:
        case "json":
            show.json_list(dict(zip(told.names, row, strict=True)) for row in rows)
        case "ndjson":
            show.json_lines(dict(zip(told.names, row, strict=True)) for row in rows)
        case "csv":
            show.csv_cells(told.names, rows)
        case _ if show.screen().terminal:
            _on_a_terminal(told.names, rows)
        case _:
            show.lines(stream(_columns(told.names, ()), rows))


def _shown(value: Value) -> str | int | float | None:
    return f"({len(value):,} bytes)" if isinstance(value, bytes) else value


def _on_a_terminal(titles: Sequence[str], rows: Iterator[Row]) -> None:
    first = list(islice(rows, ON_A_TERMINAL))
    more = next(rows, None) is not None
    if not first:
        show.note("no rows")
        return
    columns, width = _columns(titles, first), show.screen().width
    lines = table(columns, first, 1 << 30)
    if max(sum(cells(span.text) for span in line) for line in lines) > width:
        lines = list(_records(titles, first, width))
    show.lines(lines)
    if more:
        show.note(f"these are the first {ON_A_TERMINAL} rows: --json has all")


def _records(titles: Sequence[str], rows: Iterable[Row], width: int) -> Iterator[Line]:
    """What is wider than the terminal: a row as lines, a column each."""
    title = min(max(cells(plain(t)) for t in titles), width // 2)
    for n, row in enumerate(rows):
        if n:
            yield []
        for name, value in zip(titles, row, strict=True):
            yield [
                Span(padded(cut(plain(name), title), title), "bold"),
                Span("  "),
                Span(cut(plain(_cell(value)), width - title - 2)),
            ]


def _columns(titles: Sequence[str], rows: Sequence[Row]) -> list[Column[Row]]:
    return [
        Column(
            plain(title),
            lambda row, n=n: _cell(row[n]),  # type: ignore[misc]
            right=any(isinstance(row[n], int | float) for row in rows),
        )
        for n, title in enumerate(titles)
    ]


def _cell(value: Value) -> str:
    return NOTHING if value is None else str(value)


def _schema(form: str | None, wanted: str | None) -> None:
    found = [t for t in tables() if wanted is None or t.name == wanted.strip().lower()]
    if not found:
        raise UsageError(
            f"sql: there is no table {wanted}", hint=f"one of {', '.join(t.name for t in tables())}"
        )
    rows = (
        SchemaColumn(t.name, t.meaning, c.name, c.type, c.key, c.required, c.meaning)
        for t in found
        for c in t.columns
    )
    match form:
        case "json":
            show.json_list(rows)
        case "ndjson":
            show.json_lines(rows)
        case "csv":
            show.csv_rows(names(SchemaColumn), rows)
        case _:
            show.lines(_described(found, show.screen().width))


def _described(found: Sequence[Table], width: int) -> Iterator[Line]:
    for n, one in enumerate(found):
        if n:
            yield []
        yield [Span(one.name, "heading")]
        yield from _filled(one.meaning or "", width, "  ")
        name = max(len(column.name) for column in one.columns)
        for column in one.columns:
            head = f"  {column.name:{name}}  {column.type:7}  "
            meaning = list(_filled(column.meaning or "", width, " " * len(head)))
            yield [Span(head, "bold" if column.key else ""), *(meaning[0][1:] if meaning else [])]
            yield from meaning[1:]


def _filled(text: str, width: int, indent: str) -> Iterator[Line]:
    """A sentence, as many words a line as fit."""
    line = ""
    room = max(20, width - len(indent))
    for word in text.split():
        if line and len(line) + 1 + len(word) > room:
            yield [Span(indent), Span(line, "dim")]
            line = word
        else:
            line = f"{line} {word}".strip()
    if line:
        yield [Span(indent), Span(line, "dim")]
