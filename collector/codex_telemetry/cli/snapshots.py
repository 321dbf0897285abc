"""`snapshots`: what the status panel and the last line of a terminal session said."""

from codex_telemetry.cli.listing import Listing, print_list
from codex_telemetry.cli.options import Form, Narrow, Where, Zoned, options
from codex_telemetry.cli.period import Zone, shown
from codex_telemetry.cli.reach import store
from codex_telemetry.cli.table import Column
from codex_telemetry.cli.words import number, short_id
from codex_telemetry.errors import UsageError
from codex_telemetry.reports import moments
from codex_telemetry.reports import snapshots as report
from codex_telemetry.reports.shapes_snapshots import Snapshot
from codex_telemetry.store import snapshots as queries


@options
def snapshots(where: Where, form: Form, narrow: Narrow, zoned: Zoned) -> None:
    """List what Codex said of itself on a terminal, newest last.

    \b
    By its status panel, and by its last line. A panel rounds its numbers,
    and leaves out of input and total what was cached. `tokens` has the exact
    ones.
    Example: codex-telemetry snapshots --last 5
    """
    chosen, zone = form.chosen(), zoned.zone()
    filters = narrow.check(zone)
    if filters.status is not None:
        raise UsageError("snapshots: --status narrows none", hint="a status is that of a turn")
    with store(where) as db:
        listing = Listing(
            "snapshot",
            Snapshot,
            lambda f: report.snapshots(db, f),
            lambda f: queries.count_snapshots(db, f),
            _columns(zone),
        )
        print_list(listing, chosen, narrow.found(db, filters))


def _columns(zone: Zone) -> list[Column[Snapshot]]:
    return [
        Column("shown", lambda s: shown(moments.read(s.at), zone), hoist=True),
        Column("where", lambda s: s.kind),
        Column("session", lambda s: s.session_id and short_id(s.session_id), rank=4),
        Column("model", lambda s: s.model, rank=5),
        Column("tokens", lambda s: number(s.total_tokens), right=True),
        Column("output", lambda s: number(s.output_tokens), rank=6, right=True),
        Column("context", lambda s: _of(s.context_used, s.context_total), rank=3, right=True),
        Column("5h left", lambda s: _percent(s.five_hour_left_percent), rank=1, right=True),
        Column("week left", lambda s: _percent(s.weekly_left_percent), rank=2, right=True),
        Column("folder", lambda s: s.cwd, rank=7, narrowest=10),
    ]


def _of(used: int | None, total: int | None) -> str | None:
    return None if used is None or total is None else f"{number(used)} of {number(total)}"


def _percent(left: int | None) -> str | None:
    return None if left is None else f"{left} %"
