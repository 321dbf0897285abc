"""What the watch in the background sends to OpenTelemetry."""

from contextlib import suppress
from pathlib import Path

from codex_telemetry import log
from codex_telemetry.errors import UserError
from codex_telemetry.settings import Settings
from codex_telemetry.sinks.beside import beside
from codex_telemetry.sinks.retry import Pause

AGAIN_S = 60.0


async def send_on(database: Path, settings: Settings) -> None:
    """Until cancelled. Never raises: whatever goes wrong is in the log and in `doctor`."""
    await beside("otlp", lambda pause: _send(database, settings, pause))


def _send(database: Path, settings: Settings, pause: Pause) -> None:
    from codex_telemetry.sinks.otlp import export  # noqa: PLC0415 - heavy

    while pause(0):
        with suppress(UserError):  # another export runs, or the config is wrong: it is tried again
            try:
                with export.opened(database, settings, pause) as ready:
                    log.event(log.SINK_STARTED)
                    export.follow(ready, pause, from_now=True)
            except Exception as error:
                log.event(log.SINK_FAILED, error=type(error).__name__)
                if not isinstance(error, UserError):
                    log.crash(error)
                    return
                raise
        pause(AGAIN_S)
