"""Tools: what is asked for. What they took comes after the first paint, since it may take a while."""

from codex_telemetry.cli.options import STATUSES
from codex_telemetry.cli.period import SPANS
from codex_telemetry.reports.tools import BYS
from codex_telemetry.store import queries
from codex_telemetry.web.asking import Asked
from codex_telemetry.web.pieces import Made
from codex_telemetry.web.source import Source

WORDS = {"name": "Name", "kind": "Kind", "command": "Command word", "server": "MCP server"}


def view(source: Source, asked: Asked, now: int) -> Made:  # noqa: ARG001 - as all views
    by = asked.get("by", BYS) or "name"
    with source.opened() as db:
        source.filters(db, asked.narrow())  # what can't be meant is said at once
        yield
        models = queries.models(db)
    return {
        "by": by,
        "bys": WORDS,
        "choices": (("span", "Since", SPANS), ("status", "Status", STATUSES), ("model", "Model", models)),
    }  # fmt: skip
