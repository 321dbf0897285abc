"""What a report says of turns that were pruned: whether it counts them."""

from codex_telemetry.cli import show
from codex_telemetry.cli.period import Zone, shown
from codex_telemetry.reports.elsewhere import Elsewhere
from codex_telemetry.store.queries import Filters, Store, pruned_before


def say_what_was_pruned(
    db: Store | Elsewhere, filters: Filters, zone: Zone, *, counted: bool
) -> None:
    """Where the stretch of time that is asked for reaches so far back. What was sent elsewhere stays
    there."""
    if isinstance(db, Elsewhere):
        return
    before = pruned_before(db)
    if before is None or (filters.since is not None and filters.since >= before):
        return
    told = "what they used is counted" if counted else "they aren't counted"
    show.note(f"turns that ended before {shown(before, zone)} may have been pruned: {told}")
