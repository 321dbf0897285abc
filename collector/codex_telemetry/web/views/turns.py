"""Turns that match, in any order, some at a time."""

from codex_telemetry.cli.labelled import labelled
from codex_telemetry.cli.options import STATUSES
from codex_telemetry.cli.period import SPANS
from codex_telemetry.reports import turns
from codex_telemetry.store import queries
from codex_telemetry.web.asking import Asked
from codex_telemetry.web.pieces import Made
from codex_telemetry.web.source import Source

SIZE = 50
"""Turns on a page."""

DEEPEST = 200
"""Pages of an order that isn't that of time: on a page beyond, SQLite would sort nearly all of them, which takes
a second of 500,000. Who looks for one narrows them."""

COLUMNS = {
    "started_at": "Started",
    "duration_ms": "Duration",
    "ttft_ms": "First output",
    "tools_ms": "In tools",
    "approval_ms": "Approval",
}
"""What the rows can be put in order by."""


def view(source: Source, asked: Asked, now: int) -> Made:  # noqa: ARG001 - as all views
    order = asked.get("order", queries.ORDERS) or "started_at"
    down = (asked.get("way", ("up", "down")) or "down") == "down"
    with source.opened() as db:
        filters = source.filters(db, asked.narrow())
        wanted = max(1, asked.number("page", 1))
        yield
        number = queries.count_turns(db, filters)
        whole = max(1, -(-number // SIZE))
        pages = whole if order == "started_at" else min(whole, DEEPEST)
        page = min(wanted, pages)
        found = turns.page(db, filters, order, down=down, size=SIZE, skipped=(page - 1) * SIZE)
        return {
            "turns": [labelled(turn) for turn in found],
            "number": number,
            "number_of_page": page,
            "pages": pages,
            "beyond": pages * SIZE if pages < whole else None,
            "order": order,
            "down": down,
            "columns": COLUMNS,
            "statuses": STATUSES,
            "spans": SPANS,
            "models": queries.models(db),
        }
