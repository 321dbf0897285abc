"""`export clickhouse`: what is stored here, to where a team asks of all its machines."""

import signal
import threading
import time
from typing import Annotated

import typer

from codex_telemetry import to_clickhouse
from codex_telemetry.cli import show
from codex_telemetry.cli.listing import print_one
from codex_telemetry.cli.options import Form, Where, Zoned, options
from codex_telemetry.cli.period import moment
from codex_telemetry.cli.reach import store
from codex_telemetry.cli.words import Span, counted
from codex_telemetry.errors import UsageError, UserError
from codex_telemetry.reports.shapes_export import SentToClickHouse
from codex_telemetry.sinks.clickhouse import Sink
from codex_telemetry.sinks.retry import LaterError
from codex_telemetry.store.clickhouse.address import address

PATIENCE_S = 30.0
"""How long one export tries; what follows tries on."""


@options
def clickhouse(
    where: Where,
    form: Form,
    zoned: Zoned,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="URL", help="clickhouse://user:password@host:8123/database"),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="anew, what began since then")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="anew, all that is stored")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="go on sending what is new, until Ctrl-C")
    ] = False,
) -> None:
    """Send what is stored to the ClickHouse of a team.

    \b
    Turns, sessions and limits, only what changed since the last time. Sent again,
    nothing is there twice; reports with --store are about all who send there.
    Nobody's words are sent; folders and the like go as keyed hashes unless the
    config says otherwise.
    It takes clickhouse-connect: codex-telemetry[clickhouse].
    Example: codex-telemetry export clickhouse --to clickhouse://localhost/team
    """
    chosen, found, settings = form.chosen(), where.paths(), where.settings().clickhouse
    if since is not None and again:
        raise UsageError("--since and --again exclude each other", hint="take one")
    begun = moment("--since", since, zoned.zone(), _now()) if since is not None else None
    if to is None and settings.url is None:
        raise UsageError(
            "export clickhouse: no ClickHouse is named", hint="--to URL, or [clickhouse] url in the config"
        )  # fmt: skip
    target = address(
        *(("--to", to) if to is not None else (to_clickhouse.NAMED, settings.url or ""))
    )
    with store(where):
        pass  # what waits is taken in, and costs are those of today's prices
    sink = to_clickhouse.sink(found.database, settings, target)
    if again or begun is not None:
        sink.begin(begun)
    began = time.monotonic()
    if follow:
        _follow(sink, settings.every_seconds)
    else:
        _send(sink, target.shown)
    told = SentToClickHouse(
        target=target.shown,
        turns=sink.sent.turns,
        sessions=sink.sent.sessions,
        limits=sink.sent.limits,
        removed=sink.sent.removed,
        seconds=round(time.monotonic() - began, 3),
    )
    if chosen is not None:
        print_one(told, chosen)
    else:
        what = f"{counted(told.turns, 'turn')}, {counted(told.sessions, 'session')}"
        show.lines([[Span(f"sent {what} to {told.target}")]])


def _send(sink: Sink, target: str) -> None:
    deadline = time.monotonic() + PATIENCE_S

    def pause(seconds: float) -> bool:
        time.sleep(seconds)
        return True

    try:
        sink.send(pause, lambda: deadline - time.monotonic())
    except LaterError as error:
        raise UserError(
            f"cannot send to {target}: {error.why}",
            hint="what it has taken stays; the next export goes on from there",
        ) from None
    finally:
        sink.close()


def _follow(sink: Sink, every_s: float) -> None:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    show.note("sending what is new; Ctrl-C ends it")
    to_clickhouse.follow(sink, every_s, lambda seconds: not ended.wait(seconds))


def _now() -> int:
    return time.time_ns() // 1_000_000
