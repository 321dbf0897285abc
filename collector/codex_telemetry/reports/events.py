"""What happened at a moment: errors, retries, approvals, compactions, hooks."""

from collections.abc import Iterator

from codex_telemetry.core.facts import Source
from codex_telemetry.reports.shapes_stats import Event, ToldBy
from codex_telemetry.reports.shaping import one
from codex_telemetry.store import happenings
from codex_telemetry.store.queries import Filters, Row, Store

_TOLD_BY: dict[int, ToldBy] = {
    Source.LIVE: "live",
    Source.ROLLOUT: "rollout",
    Source.LIVE | Source.ROLLOUT: "both",
}


def events(db: Store, filters: Filters, kind: str | None) -> Iterator[Event]:
    """Newest last."""
    return map(event, happenings.events(db, filters, kind))


def event(row: Row) -> Event:
    told = one(Event, row)
    told.source = _TOLD_BY[row["sources"] & 3]
    return told
