"""`limits`."""

import time
from typing import Annotated

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.listing import Listing, print_list
from codex_telemetry.cli.options import Form, Narrow, Where, Zoned, options
from codex_telemetry.cli.period import Zone, shown
from codex_telemetry.cli.reach import store
from codex_telemetry.cli.table import Column
from codex_telemetry.cli.words import dollars, number, short_id
from codex_telemetry.errors import UsageError
from codex_telemetry.reports import limits as report
from codex_telemetry.reports import moments
from codex_telemetry.reports.shapes_limits import Limit, Milestone
from codex_telemetry.store import limit_queries as queries
from codex_telemetry.store.queries import Filters, Store


@options
def limits(
    where: Where,
    form: Form,
    narrow: Narrow,
    zoned: Zoned,
    history: Annotated[bool, typer.Option("--history", help="all readings, newest last")] = False,
    milestones: Annotated[
        bool, typer.Option("--milestones", help="when each percent was crossed, and what it took")
    ] = False,
) -> None:
    """Show how full the rate limits are, and when they will run out.

    \b
    Codex tells of them where it is signed in with a ChatGPT plan.
    The pace is that of the last fifth of a window: an hour of five, 34 hours
    of a week. A milestone's cost is what the API would have charged by the
    prices known when it was written, and stays so.
    Example: codex-telemetry limits
    Example: codex-telemetry limits --milestones --week
    """
    chosen, zone = form.chosen(), zoned.zone()
    if history and milestones:
        raise UsageError("--history and --milestones exclude each other", hint="take one")
    _refuse(narrow, history=history, milestones=milestones)
    filters = narrow.check(zone)
    with store(where) as db:
        if history:
            print_list(_history(db, zone), chosen, filters)
        elif milestones:
            print_list(_milestones(db, zone), chosen, filters)
        else:
            _latest(db, chosen, filters, zone)


def _refuse(narrow: Narrow, *, history: bool, milestones: bool) -> None:
    """What can't narrow a limit: it is the account's, whoever uses it."""
    for name in ("session", "project", "model", "status"):
        if getattr(narrow, name) is not None:
            raise UsageError(
                f"limits: --{name} narrows no limit", hint="a limit is that of the whole account"
            )
    if any(narrow) and not (history or milestones):
        raise UsageError(
            "limits: how they stand now is of no other time",
            hint="take it with --history or --milestones",
        )


def _latest(db: Store, form: str | None, filters: Filters, zone: Zone) -> None:
    now = time.time_ns() // 1_000_000
    found = report.latest(db, now)
    if form is not None:
        listing = Listing("limit", Limit, lambda _: iter(found), lambda _: len(found), ())
        print_list(listing, form, filters)
        return
    if not found:
        show.note("no limits yet: Codex tells of them where it is signed in with a ChatGPT plan")
        return
    from codex_telemetry.cli.gauges import drawing  # noqa: PLC0415 - only for people

    show.lines(drawing(found, show.screen().width, zone, now))


def _history(db: Store, zone: Zone) -> Listing[Limit]:
    return Listing(
        "reading",
        Limit,
        lambda f: report.history(db, f),
        lambda f: queries.count_readings(db, f),
        [
            Column("read", lambda r: shown(moments.read(r.observed_at), zone), hoist=True),
            Column("limit", lambda r: r.limit_id, rank=1),
            Column("window", lambda r: r.window),
            Column("used", lambda r: percent(r.used_percent), right=True),
            Column("highest", lambda r: percent(r.high_water_percent), rank=3, right=True),
            Column("an hour", lambda r: percent(r.percent_per_hour), rank=4, right=True),
            Column("resets", lambda r: shown(moments.read(r.resets_at), zone), rank=2, hoist=True),
            Column("plan", lambda r: r.plan_type, rank=5),
            Column("session", lambda r: r.session_id and short_id(r.session_id), rank=6),
        ],
    )


def _milestones(db: Store, zone: Zone) -> Listing[Milestone]:
    return Listing(
        "milestone",
        Milestone,
        lambda f: report.milestones(db, f),
        lambda f: queries.count_milestones(db, f),
        [
            Column("crossed", lambda m: shown(moments.read(m.at), zone), hoist=True),
            Column("limit", lambda m: m.limit_id, rank=2),
            Column("window", lambda m: m.window),
            Column("percent", lambda m: percent(m.percent), right=True),
            Column("tokens so far", lambda m: number(m.cumulative_tokens), rank=3, right=True),
            Column("cost so far", lambda m: dollars(m.cumulative_cost_usd), rank=4, right=True),
            Column("of it since", lambda m: dollars(m.marginal_cost_usd), rank=5, right=True),
            Column("5h then", lambda m: percent(m.five_hour_percent), rank=6, right=True),
            Column("source", lambda m: m.source, rank=1),
        ],
    )


def percent(value: float | None) -> str | None:
    return None if value is None else f"{value:.3g} %"
