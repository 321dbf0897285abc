"""`stats`: how long turns take, and whether that is longer than before."""

import time
from collections.abc import Sequence
from typing import Annotated, Any, cast

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.gone import say_what_was_pruned
from codex_telemetry.cli.labelled import by_label, labels
from codex_telemetry.cli.listing import print_rows, print_table
from codex_telemetry.cli.options import Form, Narrow, Whence, Where, Zoned, one_of, options
from codex_telemetry.cli.period import SPANS, stretch
from codex_telemetry.cli.reach import reached
from codex_telemetry.cli.spread import extent, histogram, legend, sparkline
from codex_telemetry.cli.table import Column, table
from codex_telemetry.cli.words import NOTHING, Span, counted, duration, number, wrapped
from codex_telemetry.core.labels import Kind
from codex_telemetry.errors import UsageError
from codex_telemetry.reports import stats as report
from codex_telemetry.reports.shapes_stats import Stats, StatsChange
from codex_telemetry.reports.stats import Group
from codex_telemetry.store.measured import BYS, MEASURES, By, Measure

WORDS: dict[Measure, str] = {
    "duration": "duration",
    "ttft": "first output",
    "tools": "in tools",
    "approval": "approval",
}


@options
def stats(
    where: Where,
    whence: Whence,
    form: Form,
    narrow: Narrow,
    zoned: Zoned,
    by: Annotated[
        str | None, typer.Option("--by", metavar="WHAT", help=f"apart by {', '.join(BYS)}")
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option("--compare", metavar="TIME", help="the last 7d, say, with the 7d before"),
    ] = None,
) -> None:
    """Show how long turns take, and how that is spread.

    Of the whole turn, to its first output, in tools, and waiting for approvals. Percentiles are by
    nearest rank, of the turns where it is known.

    \b
    Example: codex-telemetry stats --by model --month
    """
    one_of("--by", "key", by, BYS)
    key = cast("By | None", by)
    chosen, zone = form.chosen(), zoned.zone()
    filters = narrow.check(zone)
    length = _compared(compare, by, narrow) if compare is not None else None
    with reached(where, whence) as db:
        filters = narrow.found(db, filters)
        say_what_was_pruned(db, filters, zone, counted=False)
        if length is None:
            found = report.groups(db, filters, key, zone.days, zone.offsets)
            before = []
        else:
            now = time.time_ns() // 1_000_000
            recent = filters._replace(since=now - length, until=now)
            earlier = filters._replace(since=now - 2 * length, until=now - length)
            found = report.groups(db, recent, key, zone.days, zone.offsets)
            before = report.groups(db, earlier, key, zone.days, zone.offsets)
    named: Kind | None = "folder" if by == "project" else None
    if length is not None:
        changes = by_label(report.changes(found, before), lambda _: named)
        if chosen is not None:
            print_rows(StatsChange, changes, chosen)
        else:
            _draw_changes(changes, by, compare or "")
    elif chosen is not None:
        print_rows(Stats, by_label(report.rows(found), lambda _: named), chosen)
    elif not sum(group.turns for group in found):
        show.note("no turns match" if any(filters) else "no turns yet")
    elif by is None:
        _draw_all(found[0])
    else:
        _draw_groups([_shown(group, named) for group in found], by)


def _shown(group: Group, named: Kind | None) -> Group:
    return group if named is None else group._replace(key=labels().of(named, group.key))


def _compared(compare: str, by: str | None, narrow: Narrow) -> int:
    """How long each of the two stretches is."""
    bounds = [name for name in (*SPANS, "since", "until", "last") if getattr(narrow, name)]
    if bounds:
        raise UsageError(f"--compare and --{bounds[0]} exclude each other", hint="take one")
    if by == "day":
        raise UsageError(
            "--compare and --by day exclude each other", hint="no day is in both stretches"
        )
    return stretch("--compare", compare)


def _draw_all(group: Group) -> None:
    width = show.screen().width

    def took(percent: int, rank: int) -> Column[Measure]:
        return Column(
            _title(percent),
            lambda m: duration(group.spreads[m].at(percent)),
            rank=rank,
            right=True,
        )

    columns: list[Column[Measure]] = [
        Column(counted(group.turns, "turn"), lambda m: WORDS[m]),
        Column("known of", lambda m: number(len(group.spreads[m])), rank=5, right=True),
        *(took(p, rank) for p, rank in zip(report.PERCENTS, (0, 3, 1, 4, 2), strict=True)),
    ]
    show.lines(table(columns, [m for m in MEASURES if len(group.spreads[m])], width))
    if bars := histogram(group.spreads["duration"], width):
        show.lines([[], [Span("how long turns took", "heading")], *bars])


def _title(percent: int) -> str:
    return "max" if percent == 100 else f"p{percent}"


def _draw_groups(found: Sequence[Group], by: str) -> None:
    ranks = {50: 1, 95: 2, 100: 4, 90: 6, 99: 7}

    def took(measure: Measure, percent: int, title: str, rank: int) -> Column[Group]:
        return Column(
            title, lambda g: duration(g.spreads[measure].at(percent)), rank=rank, right=True
        )

    extents = [extent(group.spreads["duration"]) for group in found if group.spreads["duration"]]
    first = min((one for one, _ in extents), default=0)
    last = max((one for _, one in extents), default=0)
    columns: list[Column[Group]] = [
        Column(by, lambda g: g.key, narrowest=12),
        Column("turns", lambda g: number(g.turns), right=True),
        *(took("duration", p, _title(p), ranks[p]) for p in report.PERCENTS),
        took("ttft", 50, "first p50", 5),
        took("ttft", 95, "first p95", 9),
        took("tools", 50, "tools p50", 8),
        took("tools", 95, "tools p95", 10),
        took("approval", 95, "approval p95", 11),
        Column("spread", lambda g: sparkline(g.spreads["duration"], first, last), rank=3),
    ]
    print_table(columns, found, "row", newest=by == "day")
    if not extents:
        return
    meaning = [Span("p50 to max and spread: durations,"), Span(f"from {legend(first, last)}")]
    show.lines(wrapped(meaning, show.screen().width, "dim"))


def _draw_changes(changes: Sequence[StatsChange], by: str | None, compare: str) -> None:
    rows = [row for row in changes if row.max_ms is not None or row.max_before_ms is not None]
    if not rows:
        show.note(f"no turns in the last {compare}, nor in the {compare} before")
        return
    first: list[Column[StatsChange]] = [] if by is None else [Column(by, lambda r: r.key)]
    columns: list[Column[StatsChange]] = [
        *first,
        Column(f"last {compare}", lambda r: WORDS[r.measure]),
        Column("turns", lambda r: number(r.turns), rank=5, right=True),
        Column("before", lambda r: number(r.turns_before), rank=5, right=True),
        *(column for p, rank in ((50, 0), (95, 1), (100, 4)) for column in _pair(_title(p), rank)),
    ]
    print_table(columns, rows, "row", newest=False)


def _pair(name: str, rank: int) -> list[Column[StatsChange]]:
    def change(row: StatsChange) -> str:
        by: int | None = getattr(row, f"{name}_change_ms")
        if by is None:
            return NOTHING
        share: float | None = getattr(row, f"{name}_change_percent")
        sign = "+" if by > 0 else ""
        return f"{sign}{duration(by)}" + ("" if share is None else f" {share:+.0f} %")

    def style(row: Any) -> str:
        by = getattr(row, f"{name}_change_ms") or 0
        return "slower" if by > 0 else "faster" if by < 0 else ""

    return [
        Column(name, lambda r: duration(getattr(r, f"{name}_ms")), rank=rank, right=True),
        Column(f"{name} change", change, rank=rank, right=True, style=style),
    ]
