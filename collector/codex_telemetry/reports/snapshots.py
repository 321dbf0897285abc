"""What Codex said of itself on a terminal: its status panel, and the line it left with."""

from collections.abc import Iterator

from codex_telemetry.reports.shapes_snapshots import Snapshot
from codex_telemetry.reports.shaping import shaped
from codex_telemetry.store import snapshots as store
from codex_telemetry.store.queries import Filters, Store


def snapshots(db: Store, filters: Filters) -> Iterator[Snapshot]:
    """Newest last."""
    return shaped(Snapshot, store.snapshots(db, filters))
