"""What the watch in the background sends on: in a thread of its own, so that no reader waits for it."""

import threading
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.to_thread

from codex_telemetry import log
from codex_telemetry.errors import UserError
from codex_telemetry.settings import Settings

LEAVES_WITHIN_S = 5.0
"""A request that is under way when it is to end may take so long; then it is sent again next time."""

AGAIN_S = 60.0


async def send_on(database: Path, settings: Settings) -> None:
    """Until cancelled. Never raises: whatever goes wrong is in the log and in `doctor`."""
    ended = threading.Event()
    # A daemon, as no thread of a pool is: a receiver that doesn't answer must not hold the process.
    thread = threading.Thread(
        target=_send, args=(database, settings, ended), name="otlp", daemon=True
    )
    thread.start()
    try:
        await anyio.sleep_forever()
    finally:
        ended.set()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(thread.join, LEAVES_WITHIN_S)


def _send(database: Path, settings: Settings, ended: threading.Event) -> None:
    from codex_telemetry.sinks.otlp import export  # noqa: PLC0415 - heavy

    def pause(seconds: float) -> bool:
        return not ended.wait(seconds)

    while not ended.is_set():
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
