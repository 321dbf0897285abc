"""`events`: what happened, moment by moment."""

from typing import Annotated

import typer

from codex_telemetry.cli.listing import Listing, print_list
from codex_telemetry.cli.options import Form, Narrow, Where, Zoned, one_of, options
from codex_telemetry.cli.period import Zone, shown
from codex_telemetry.cli.reach import store
from codex_telemetry.cli.table import Column
from codex_telemetry.cli.words import duration, short_id
from codex_telemetry.reports import events as report
from codex_telemetry.reports import moments
from codex_telemetry.reports.shapes_stats import Event
from codex_telemetry.store import happenings


@options
def events(
    where: Where,
    form: Form,
    narrow: Narrow,
    zoned: Zoned,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="one kind, such as error")
    ] = None,
) -> None:
    """List errors, retries, approvals and the like, newest last.

    \b
    Example: codex-telemetry events --kind error --since 7d
    """
    chosen, zone = form.chosen(), zoned.zone()
    filters = narrow.check(zone)
    with store(where) as db:
        if kinds := happenings.kinds_of_events(db):
            one_of("--kind", "event of kind", kind, kinds)
        listing = Listing(
            "event",
            Event,
            lambda f: report.events(db, f, kind),
            lambda f: happenings.count_events(db, f, kind),
            _columns(zone),
        )
        print_list(listing, chosen, narrow.found(db, filters))


def _columns(zone: Zone) -> list[Column[Event]]:
    return [
        Column("at", lambda e: shown(moments.read(e.at), zone), hoist=True),
        Column("event", lambda e: e.kind.replace("_", " "), narrowest=10),
        Column("name", lambda e: e.name, rank=3),
        Column("took", lambda e: duration(e.duration_ms), rank=2, right=True),
        Column("status", lambda e: e.status, rank=4),
        Column("turn", lambda e: e.turn_id and short_id(e.turn_id), rank=1, narrowest=13),
        Column("session", lambda e: short_id(e.session_id), rank=5),
        Column("told by", lambda e: e.source, rank=6),
    ]
