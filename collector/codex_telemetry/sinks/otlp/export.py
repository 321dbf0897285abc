"""One export to one receiver, from the settings: all that is new, a stretch of time, or on and on."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from codex_telemetry import privacy
from codex_telemetry.errors import NewerDatabaseError, UserError
from codex_telemetry.sections import Otlp
from codex_telemetry.settings import Settings
from codex_telemetry.sinks.alone import alone
from codex_telemetry.sinks.otlp.target import Target, target
from codex_telemetry.sinks.retry import LaterError, Pause
from codex_telemetry.store import changes
from codex_telemetry.store.queries import reading

if TYPE_CHECKING:
    from codex_telemetry.sinks.otlp.content import Open
    from codex_telemetry.sinks.otlp.receivers import Receiver
    from codex_telemetry.sinks.otlp.sending import Exporter, Sent

SINK: Final = "otlp"
STRETCH: Final = "otlp --since"
LOOK_S: Final = 1.0
AGAIN_S: Final = 30.0
SPARED: Final = 50
"""Totals are read again after so many times as long as reading them took."""


class Wanted(NamedTuple):
    """What of it is to be sent."""

    since: int | None = None
    until: int | None = None
    asked: str = ""
    """The stretch in the user's words: the same, asked again, goes on where it was."""
    open_row: "Open | None" = None
    """Both locks of content are open."""

    @property
    def is_stretch(self) -> bool:
        return self.since is not None or self.until is not None


class Export(NamedTuple):
    """Ready to be sent."""

    database: Path
    exporter: "Exporter"
    metrics: "Receiver | None"
    target: Target
    settings: Otlp
    stretch: bytes | None


def available() -> None:
    """Raises `UserError` where what it takes isn't installed."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it says its troubles on stderr by itself
    try:
        import grpc  # noqa: F401, PLC0415 - an extra, and heavy
        from opentelemetry.proto.trace.v1 import trace_pb2  # noqa: F401, PLC0415
        from opentelemetry.sdk import resources  # noqa: F401, PLC0415
    except ImportError:
        raise UserError(
            "OpenTelemetry takes opentelemetry-sdk and grpcio, which aren't installed",
            hint="pip install 'codex-telemetry[otel]'",
        ) from None


@contextmanager
def opened(
    database: Path, settings: Settings, pause: Pause, wanted: Wanted = Wanted(), *,  # noqa: B008
    environ: Mapping[str, str] = os.environ,
    left_s: Callable[[], float] = lambda: float("inf"),
    told: "Callable[[Sent], None]" = lambda _: None,
    complained: Callable[[str], None] = lambda _: None,
) -> Iterator[Export]:  # fmt: skip
    """Raises `UserError`: what it takes is missing, a setting is wrong, another export runs."""
    to = target(environ, settings.otlp)
    available()
    from codex_telemetry.sinks.otlp import content, sending, spans  # noqa: PLC0415 - heavy
    from codex_telemetry.sinks.otlp.receivers import receiver  # noqa: PLC0415

    otlp = settings.otlp
    labels = privacy.labels(settings, database, redact=otlp.names != "shown")
    chosen = sending.Chosen(
        _spelt(otlp.projects, database),
        _spelt(otlp.except_projects, database),
        wanted.since,
        wanted.until,
    )
    sink = STRETCH if wanted.is_stretch else SINK
    lock = database.with_name(f"{database.name}.{sink.replace(' ', '')}.lock")
    with alone(lock, "export otlp"), closing(receiver("traces", to.traces)) as traces:
        exporter = sending.Exporter(
            database, sink, to.traces.public(), traces, chosen,
            spans.Shown(labels, otlp.names), pause, left_s=left_s, told=told,
            complained=complained,
            content=None if wanted.open_row is None else content.Opened(wanted.open_row),
        )  # fmt: skip
        stretch = wanted.asked.encode() if wanted.is_stretch else None
        if not otlp.metrics or wanted.is_stretch:
            yield Export(database, exporter, None, to, otlp, stretch)
            return
        with closing(receiver("metrics", to.metrics)) as metrics:
            yield Export(database, exporter, metrics, to, otlp, stretch)


def once(export: Export) -> None:
    """All that is stored now and wasn't sent. Raises `LaterError` where the receiver doesn't take it."""
    export.exporter.begin(from_now=False, state=export.stretch)
    export.exporter.send_up_to(_number(export.database))
    _totals(export)
    if export.stretch is not None:
        export.exporter.forget()


def follow(export: Export, pause: Pause, *, from_now: bool) -> None:
    """What changes, once it hasn't changed for a while, until it is to end.

    `from_now`: if nothing was ever sent there, what was before stays where it is.
    """
    marks: deque[tuple[float, int]] = deque()
    done, totals_at, totals_of = 0, 0.0, -1
    begun = False
    wait_s = LOOK_S
    while True:
        try:
            if not begun:
                export.exporter.begin(from_now=from_now)
                begun = True
            now, number = time.monotonic(), _number(export.database)
            if not marks or marks[-1][1] != number:
                marks.append((now, number))
            settled = _settled(marks, now - export.settings.settle_seconds)
            if settled is not None and settled != done:
                export.exporter.send_up_to(settled)
                done = settled
            if number != totals_of and now >= totals_at:
                _totals(export)
                took = time.monotonic() - now
                totals_of, totals_at = number, now + max(export.target.interval_s, SPARED * took)
            wait_s = LOOK_S
        except NewerDatabaseError:
            raise
        except (LaterError, UserError):
            # It is to end, the receiver has to be seen to, or the database can't be had for a while.
            wait_s = AGAIN_S
        if not pause(wait_s):
            return


def _settled(marks: deque[tuple[float, int]], before: float) -> int | None:
    """Up to which save everything is as it was for long enough."""
    settled = None
    while marks and marks[0][0] <= before:
        settled = marks[0][1]
        if len(marks) == 1:
            break
        marks.popleft()
    return settled


def _totals(export: Export) -> None:
    if export.metrics is not None:
        export.exporter.send_totals(
            delta=export.target.temporality != "cumulative", receiver=export.metrics
        )


def _number(database: Path) -> int:
    with reading(database) as db:
        return changes.state(db).number


def _spelt(folders: tuple[str, ...], database: Path) -> tuple[str, ...]:
    """As they are called, as they really are, and as they are stored where names are hashed."""
    named = [os.path.abspath(os.path.expanduser(folder)) for folder in folders]  # noqa: PTH100, PTH111
    return privacy.spelt(tuple(dict.fromkeys([*named, *map(os.path.realpath, named)])), database)
