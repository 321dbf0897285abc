"""MCP servers that start: how long each takes, how often it fails, and how that changed by day."""

from codex_telemetry.cli.labelled import labels
from codex_telemetry.cli.period import SPANS
from codex_telemetry.reports import startups
from codex_telemetry.reports.moments import written
from codex_telemetry.web.asking import Asked
from codex_telemetry.web.pieces import Made
from codex_telemetry.web.source import Source


def view(source: Source, asked: Asked, now: int) -> Made:  # noqa: ARG001 - as all views
    with source.opened() as db:
        filters = source.filters(db, asked.narrow())
        yield
        found = startups.startups(db, filters, source.zone.days)
    days = found.days
    return {
        "servers": [
            (labels().of("server", group.key), group, written(group.last_at))
            for group in found.servers
        ],
        "starts": sum(group.starts for group in found.servers),
        "failures": sum(group.failures for group in found.servers),
        "took": {
            "kind": "bands", "unit": "ms", "x": [day.key for day in days if len(day.took)],
            "series": [
                {"name": f"p{p}", "values": [day.took.at(p) for day in days if len(day.took)]}
                for p in (50, 95)
            ],
        },
        "ended": {
            "kind": "bars", "colours": ["model", "retry"], "x": [day.key for day in days],
            "series": [
                {"name": "starts", "values": [day.starts for day in days]},
                {"name": "failed", "values": [day.failures for day in days]},
            ],
        },
        "choices": (("span", "Since", SPANS),),
    }  # fmt: skip
