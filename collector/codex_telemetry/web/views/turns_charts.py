"""Turns that match, drawn: how long they took over time, how that is spread, and when they run."""

from collections.abc import Sequence
from typing import Any

from codex_telemetry.cli.labelled import all_labelled
from codex_telemetry.cli.period import stretch
from codex_telemetry.cli.spread import steps
from codex_telemetry.reports import rhythm, stats
from codex_telemetry.reports.stats import Group
from codex_telemetry.store.measured import Measure
from codex_telemetry.web.asking import Asked
from codex_telemetry.web.pieces import Made
from codex_telemetry.web.source import Source

COMPARED = ("24h", "7d", "30d", "90d")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def view(source: Source, asked: Asked, now: int) -> Made:
    compare = asked.get("compare", COMPARED) or "7d"
    with source.opened() as db:
        filters = source.filters(db, asked.narrow())
        yield
        days = stats.groups(db, filters, "day", source.zone.days)
        (whole,) = stats.groups(db, filters, None, source.zone.days)
        length = stretch("compare", compare)
        recent = filters._replace(since=now - length, until=now, last=None)
        before = filters._replace(since=now - 2 * length, until=now - length, last=None)
        changes = list(
            stats.changes(
                stats.groups(db, recent, None, source.zone.days),
                stats.groups(db, before, None, source.zone.days),
            )
        )
        hours = rhythm.by_hour(db, filters, source.zone.offsets)
    known = [group for group in days if group.key is not None]
    return {
        "duration": bands(known, "duration"),
        "ttft": bands(known, "ttft"),
        "spread": _histogram(whole),
        "hours": {
            "kind": "heat", "x": [f"{hour:02d}" for hour in range(24)], "y": list(WEEKDAYS),
            "cells": [[hour, day, n] for (day, hour), n in sorted(hours.items())],
        },
        "changes": list(all_labelled(changes)),
        "compare": compare,
        "compared": COMPARED,
        "whole": whole,
    }  # fmt: skip


def bands(groups: Sequence[Group], measure: Measure) -> dict[str, Any]:
    """A line for each percentile, over what the groups are called."""
    told = [group for group in groups if len(group.spreads[measure])]
    return {
        "kind": "bands",
        "unit": "ms",
        "x": [group.key for group in told],
        "series": [
            {"name": f"p{p}", "values": [group.spreads[measure].at(p) for group in told]}
            for p in (50, 90, 95)
        ],
    }


def _histogram(group: Group) -> dict[str, Any]:
    found = steps(group.spreads["duration"])
    return {
        "kind": "bars", "x": [label for label, _ in found],
        "series": [{"name": "turns", "values": [n for _, n in found]}],
    }  # fmt: skip
