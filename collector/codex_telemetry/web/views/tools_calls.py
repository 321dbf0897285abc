"""Calls of tools that match: how long they ran, how often they failed or were declined."""

from collections.abc import Sequence
from typing import Any, cast

from codex_telemetry.cli.labelled import by_label
from codex_telemetry.cli.spread import classes, extent, legend, steps
from codex_telemetry.cli.tools import NOUNS, called, named
from codex_telemetry.reports import tools
from codex_telemetry.reports.elsewhere import Called
from codex_telemetry.reports.shapes_stats import ToolStats
from codex_telemetry.reports.tools import BYS, By
from codex_telemetry.web.asking import Asked
from codex_telemetry.web.drawn import Heap, heap
from codex_telemetry.web.pieces import Made
from codex_telemetry.web.source import Source

LISTED = 60
"""The rest are called so seldom that they are shown only if asked for."""

RATED = 12
"""So many have their rates drawn."""


def view(source: Source, asked: Asked, now: int) -> Made:  # noqa: ARG001 - as all views
    by = cast("By", asked.get("by", BYS) or "name")
    whole = asked.get("rows", ("all",)) is not None
    with source.opened() as db:
        filters = source.filters(db, asked.narrow())
        yield
        groups = tools.groups(db, filters, by)
    rows = by_label(map(tools.row, groups), lambda row: named(row, by))
    listed = groups if whole else groups[:LISTED]
    spread, says = _spread(listed)
    return {
        "by": by,
        "noun": NOUNS[by],
        "rows": [(called(row, by), row, its) for row, its in zip(rows, spread, strict=False)],
        "hidden": len(groups) - len(listed),
        "spread_says": says,
        "calls": sum(row.calls for row in rows),
        "failures": sum(row.failures for row in rows),
        "declines": sum(row.declines for row in rows),
        "total": sum(row.total_ms or 0 for row in rows),
        "steps": _steps(groups),
        "rates": _rates(rows[:RATED], by),
    }


def _spread(groups: Sequence[Called]) -> tuple[list[Heap], str]:
    """How each one's durations lie on an axis that all share, and which that is."""
    held = [extent(group.ran) for group in groups if len(group.ran)]
    first, last = min((one for one, _ in held), default=0), max((one for _, one in held), default=0)
    found = [heap(classes(group.ran)[first : last + 1]) for group in groups]
    return found, legend(first, last)


def _steps(groups: Sequence[Called]) -> dict[str, Any]:
    found = steps(*(group.ran for group in groups))
    return {
        "kind": "bars", "x": [label for label, _ in found],
        "series": [{"name": "calls", "values": [n for _, n in found]}],
    }  # fmt: skip


def _rates(rows: Sequence[ToolStats], by: By) -> dict[str, Any]:
    return {
        "kind": "bars",
        "unit": "%",
        "colours": ["retry", "approval"],
        "x": [called(row, by) or row.kind.replace("_", " ") for row in rows],
        "series": [
            {"name": "failed", "values": [_rate(row.failures, row.calls) for row in rows]},
            {"name": "declined", "values": [_rate(row.declines, row.calls) for row in rows]},
        ],
    }


def _rate(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0
