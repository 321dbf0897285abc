"""`export otlp`: turns as traces, and totals as metrics, to whatever speaks OpenTelemetry's protocol."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace

from codex_telemetry.cli import show
from codex_telemetry.cli.listing import print_one
from codex_telemetry.cli.options import Form, Narrow, Where, Zoned, options
from codex_telemetry.cli.reach import store
from codex_telemetry.cli.words import Span, counted
from codex_telemetry.errors import UsageError, UserError
from codex_telemetry.reports.shapes_export import ExportedTraces
from codex_telemetry.sinks.otlp import export
from codex_telemetry.sinks.otlp.export import Wanted
from codex_telemetry.sinks.otlp.target import is_disabled
from codex_telemetry.sinks.retry import LaterError

if TYPE_CHECKING:
    from codex_telemetry.keys import Opener
    from codex_telemetry.sinks.otlp.sending import Sent
    from codex_telemetry.store.queries import Row

Since = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help="turns that began from then on: 7d")
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="WHEN", help="turns that began up to then")
]
GIVES_UP_S = 60.0
"""So long without anything taken, and an export ends; the next one goes on from there."""


@options
def otlp(
    where: Where,
    form: Form,
    zoned: Zoned,
    since: Since = None,
    until: Until = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="go on with what changes, until Ctrl-C")
    ] = False,
    content: Annotated[
        bool, typer.Option("--content", help="with what was said, where both locks are open")
    ] = False,
) -> None:
    """Send turns as OpenTelemetry's traces, totals as its metrics.

    \b
    What wasn't sent yet; with --since or --until what began then, again.
    Where to: OTEL_EXPORTER_OTLP_ENDPOINT, else [otlp] in config.toml, else
    http://localhost:4318. It takes codex-telemetry[otel]; docs/OTEL.md says more.
    Example: codex-telemetry export otlp --since 7d
    """
    chosen, settings, database = form.chosen(), where.settings(), where.paths().database
    if follow and (since or until):
        raise UsageError("--follow and --since exclude each other", hint="take one after the other")
    if content and not settings.otlp.content:
        raise UsageError(
            "--content: the config doesn't allow it",
            hint="content = true under [otlp], if you mean it",
        )
    if form.redact and settings.otlp.names == "shown":
        settings = replace(settings, otlp=replace(settings.otlp, names="labels"))
    if is_disabled(os.environ):
        raise UserError("nothing is sent: OTEL_SDK_DISABLED is true", hint="unset it")
    bounds = Narrow(since, until).bounds(zoned.zone(), time.time_ns() // 1_000_000)
    open_row = partial(_opened, database, {}) if content else None
    wanted = Wanted(*bounds, f"{since or ''}..{until or ''}{' content' * content}", open_row)
    with store(where):
        pass  # it is there, and brought up to date
    ended = _Ended()
    taken_at = [time.monotonic()]

    def told(_: "Sent") -> None:
        taken_at[0] = time.monotonic()

    def left_s() -> float:
        return float("inf") if follow else GIVES_UP_S - (time.monotonic() - taken_at[0])

    complaints: list[str] = []

    def complained(why: str) -> None:
        if sys.stderr.isatty() and not complaints:
            complaints.append(why)
            show.note(f"{why}; it is tried again")

    began = time.monotonic()
    with (
        export.opened(
            database, settings, ended.pause, wanted, left_s=left_s, told=told, complained=complained
        ) as ready,
        ended.by_signals() if follow else nullcontext(),
    ):
        to = ready.target.traces.public()
        failed: LaterError | None = None
        try:
            if follow:
                show.note(f"sending to {to} what changes; Ctrl-C ends it")
                export.follow(ready, ended.pause, from_now=False)
            else:
                export.once(ready)
        except LaterError as error:
            failed = error
        sent, waiting = ready.exporter.sent, ready.exporter.waiting()
        wire_bytes = ready.exporter.wire_bytes
    report = ExportedTraces(
        target=to,
        turns=sent.turns,
        spans=sent.spans,
        rejected_turns=sent.rejected_turns,
        rejected_spans=sent.rejected_spans,
        waiting_turns=waiting,
        bytes=sent.bytes,
        wire_bytes=wire_bytes,
        seconds=round(time.monotonic() - began, 3),
    )
    if failed is not None:
        raise UserError(
            f"can't send to {to}: {failed.why}; {counted(sent.turns, 'turn')} sent, {waiting:,} wait",
            hint="the same command goes on from there; codex-telemetry config says where to",
        )
    if chosen is not None:
        print_one(report, chosen)
        return
    show.lines(
        [Span(f"{name.replace('_', ' '):14}  "), Span(f"{value:,}" if name != "target" else value)]
        for name in report.__struct_fields__
        if (value := getattr(report, name)) is not None
    )


class _Ended:
    """Whether it is to end: asked while it waits, so that it does so at once."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def pause(self, seconds: float) -> bool:
        return not self._event.wait(seconds)

    @contextmanager
    def by_signals(self) -> Iterator[None]:
        """Meanwhile Ctrl-C and SIGTERM let it finish the request that is under way."""
        before = {each: signal.signal(each, lambda *_: self._event.set()) for each in _ENDS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


_ENDS = (signal.SIGINT, signal.SIGTERM)


def _opened(database: Path, openers: "dict[int, Opener]", row: "Row") -> bytes | None:
    from codex_telemetry import keys  # noqa: PLC0415 - heavy
    from codex_telemetry.cli.consent import passphrase  # noqa: PLC0415

    key = row["key_id"]
    if key not in openers:
        openers[key] = keys.unlock(database, row["public"], row["kept_in"], passphrase)
    return openers[key](row["sealed"])
