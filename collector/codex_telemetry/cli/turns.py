"""`turns` and `turn`."""

import os
import time
from typing import TYPE_CHECKING, Annotated

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.labelled import labelled, labels
from codex_telemetry.cli.listing import Listing, print_list, print_one
from codex_telemetry.cli.options import ROLL_UP, Form, Narrow, Whence, Where, Zoned, options
from codex_telemetry.cli.period import Zone, lately
from codex_telemetry.cli.reach import reached, store
from codex_telemetry.cli.table import Column
from codex_telemetry.cli.words import Line, duration, folder, number, short_turn
from codex_telemetry.errors import UsageError, UserError
from codex_telemetry.reports import family, moments
from codex_telemetry.reports import turns as report
from codex_telemetry.reports.shapes import Turn
from codex_telemetry.reports.shapes_family import TurnInFull
from codex_telemetry.reports.waterfall import Waterfall
from codex_telemetry.store import queries
from codex_telemetry.store.find import find_turn
from codex_telemetry.store.queries import Row, Store

if TYPE_CHECKING:
    from codex_telemetry.reports.seen import Seen


@options
def turns(where: Where, whence: Whence, form: Form, narrow: Narrow, zoned: Zoned) -> None:
    """List turns, newest last.

    \b
    Example: codex-telemetry turns --week --project .
    """
    chosen, zone = form.chosen(), zoned.zone()
    filters = narrow.check(zone)
    with reached(where, whence) as db:
        listing = Listing(
            "turn",
            Turn,
            lambda f: report.turns(db, f),
            lambda f: report.count(db, f),
            columns(zone, show.now()),
        )
        print_list(listing, chosen, narrow.found(db, filters))


@options
def turn(
    where: Where,
    form: Form,
    zoned: Zoned,
    wanted: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="its id, the beginning of it, or SESSION:INDEX"),
    ] = None,
    last: Annotated[bool, typer.Option("--last", help="the turn that started last")] = False,
    roll_up: Annotated[bool, ROLL_UP] = False,
) -> None:
    """Show where one turn's time and tokens went.

    \b
    Example: codex-telemetry turn --last
    """
    if last == (wanted is not None):
        raise UsageError("turn: name one turn", hint="codex-telemetry turn ID, or turn --last")
    if wanted is not None and not wanted.strip():
        raise UsageError("turn: the id is empty", hint="codex-telemetry turns lists them")
    chosen, zone = form.chosen(), zoned.zone()
    with store(where) as db:
        row = find_turn(db, wanted.strip()) if wanted is not None else _last(db)
        if chosen is not None:
            print_one(family.turn(db, row, roll_up=roll_up), chosen)
        else:
            draw(db, row, zone, roll_up=roll_up)


def draw(db: Store, row: Row, zone: Zone, *, roll_up: bool = False) -> None:
    """The turn's waterfall on the screen, and what worked for it."""
    from codex_telemetry.reports.seen import seen  # noqa: PLC0415 - only for people

    now = time.time_ns() // 1_000_000
    show.lines(picture(as_shown(seen(db, row, roll_up=roll_up)), show.screen().width, zone, now))


def as_shown(told: "Seen") -> "Seen":
    """With names as the user wants them shown."""
    events = [
        event._replace(name=labels().shown("name", event.name, event.kind)) for event in told.events
    ]
    return told._replace(turn=labelled(told.turn), events=events)


def picture(told: "Seen", width: int, zone: Zone, now: int) -> list[Line]:
    """The waterfall at that moment, and what worked for the turn."""
    from codex_telemetry.cli.family import workers  # noqa: PLC0415 - only for people
    from codex_telemetry.cli.waterfall import drawing  # noqa: PLC0415 - only for people

    home = os.environ.get("HOME")
    return [
        *drawing(told.turn, told.waterfall(now), width, zone, home=home),
        *workers(told.turn, width),
    ]


def pictured(
    db: Store, row: Row, now: int, *, roll_up: bool = False
) -> tuple[TurnInFull, Waterfall]:
    """A turn with all that is known of it, names as they are shown, and where its time went."""
    from codex_telemetry.reports.seen import seen  # noqa: PLC0415 - only for people

    told = as_shown(seen(db, row, roll_up=roll_up))
    return told.turn, told.waterfall(now)


def columns(zone: Zone, now: int | None, *, of_a_session: bool = False) -> list[Column[Turn]]:
    """A turn as a row for people. Within a session some are always the same."""
    home = os.environ.get("HOME")

    all_columns: list[Column[Turn]] = [
        Column("turn", lambda t: short_turn(t.turn_id, t.session_id, t.turn_index)),
        Column(
            "started", lambda t: lately(moments.read(t.started_at), zone, now), rank=2, hoist=True
        ),
        Column("status", lambda t: t.status, rank=1, style=lambda t: t.status),
        Column("duration", lambda t: duration(t.duration_ms), right=True),
        Column("model", lambda t: t.model, rank=3),
        Column("tokens", lambda t: number(t.total_tokens), rank=4, right=True),
        Column("model time", lambda t: duration(t.model_ms), rank=7, right=True),
        Column("tools", lambda t: duration(t.tools_ms), rank=6, right=True),
        Column("approval", lambda t: duration(t.approval_ms), rank=8, right=True),
        Column("calls", lambda t: number(t.tool_calls), rank=9, right=True),
        Column("folder", lambda t: t.cwd and folder(t.cwd, home), rank=5, narrowest=16),
    ]
    return [c for c in all_columns if not (of_a_session and c.title == "folder")]


def _last(db: Store) -> Row:
    row = queries.last_turn(db)
    if row is None:
        raise UserError(
            "there are no turns yet", hint="record some: codex-telemetry run -- codex app-server"
        )
    return row
