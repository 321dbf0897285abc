"""`tools`: which were called, how often they failed, how long they ran."""

from typing import Annotated, cast

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.gone import say_what_was_pruned
from codex_telemetry.cli.labelled import by_label
from codex_telemetry.cli.listing import print_rows, print_table
from codex_telemetry.cli.options import Form, Narrow, Whence, Where, Zoned, one_of, options
from codex_telemetry.cli.reach import reached
from codex_telemetry.cli.table import Column
from codex_telemetry.cli.words import NOTHING, duration, number, percent
from codex_telemetry.core.labels import Kind
from codex_telemetry.reports import tools as report
from codex_telemetry.reports.shapes_stats import ToolStats
from codex_telemetry.reports.tools import BYS, By

NOUNS = {"name": "tool", "kind": "kind", "command": "command", "server": "server"}

NAMED = ("command", "mcp_tool", "dynamic_tool")
"""Kinds whose calls have a name; of the others the kind says it all."""


@options
def tools(
    where: Where,
    whence: Whence,
    form: Form,
    narrow: Narrow,
    zoned: Zoned,
    by: Annotated[
        str, typer.Option("--by", metavar="WHAT", help=f"apart by {', '.join(BYS)}")
    ] = "name",
) -> None:
    """Show which tools were called and how long they ran.

    A command's name is its first word. Failures are without what was declined, and so are
    durations: it never ran.

    \b
    Example: codex-telemetry tools --by kind --week
    """
    one_of("--by", "key", by, BYS)
    chosen, zone = form.chosen(), zoned.zone()
    filters = narrow.check(zone)
    with reached(where, whence) as db:
        filters = narrow.found(db, filters)
        say_what_was_pruned(db, filters, zone, counted=False)
        found = by_label(report.tools(db, filters, cast("By", by)), lambda t: named(t, by))
    if chosen is not None:
        print_rows(ToolStats, found, chosen)
    elif not found:
        show.note("no tool calls match" if any(filters) else "no tool calls yet")
    else:
        print_table(columns(by), found, NOUNS[by], newest=False)


def named(row: ToolStats, by: str) -> Kind | None:
    """What sort of name the key is, of those that may be shown as labels."""
    if by == "server":
        return "server"
    return "command" if by != "kind" and row.kind == "command" else None


def columns(by: str) -> list[Column[ToolStats]]:
    """A tool as a row for people."""
    all_columns: list[Column[ToolStats]] = [
        Column(NOUNS[by], lambda t: called(t, by), narrowest=12),
        Column("kind", lambda t: _words(t.kind), rank=5),
        Column("calls", lambda t: number(t.calls), right=True),
        Column("failed", lambda t: _share(t.failures, t.calls), rank=2, right=True, style=_failed),
        Column("declined", lambda t: _share(t.declines, t.calls), rank=6, right=True),
        Column("p50", lambda t: duration(t.p50_ms), rank=3, right=True),
        Column("p95", lambda t: duration(t.p95_ms), rank=1, right=True),
        Column("max", lambda t: duration(t.max_ms), rank=7, right=True),
        Column("total", lambda t: duration(t.total_ms), rank=4, right=True),
    ]
    return all_columns if by == "name" else [c for n, c in enumerate(all_columns) if n != 1]


def called(row: ToolStats, by: str) -> str | None:
    """What the key is called; None where it has no name."""
    if by == "kind" or (by == "name" and row.key is None and row.kind not in NAMED):
        return _words(row.kind)
    return row.key


def _share(part: int, whole: int) -> str:
    return f"{number(part)} {percent(part, whole):>5}" if part else NOTHING


def _failed(row: ToolStats) -> str:
    return "failed" if row.failures else ""


def _words(kind: str) -> str:
    return kind.replace("_", " ")
