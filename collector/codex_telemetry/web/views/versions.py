"""Codex versions: how many turns each ran and how long they took, and what it said that is new to us."""

from codex_telemetry.cli.period import SPANS
from codex_telemetry.reports import versions
from codex_telemetry.web.asking import Asked
from codex_telemetry.web.pieces import Made
from codex_telemetry.web.source import Source
from codex_telemetry.web.views.turns_charts import bands

NAMED = 40
"""So many unknown names of a version are listed."""


def view(source: Source, asked: Asked, now: int) -> Made:  # noqa: ARG001 - as all views
    with source.opened() as db:
        filters = source.filters(db, asked.narrow())
        yield
        found = versions.versions(db, filters, source.zone.days)
    groups = [it.group for it in found[::-1] if it.name is not None and it.group is not None]
    return {
        "versions": found,
        "named": NAMED,
        "turns": {
            "kind": "bars", "x": [group.key for group in groups],
            "series": [{"name": "turns", "values": [group.turns for group in groups]}],
        },
        "duration": bands(groups, "duration"),
        "ttft": bands(groups, "ttft"),
        "choices": (("span", "Since", SPANS),),
    }  # fmt: skip
