"""A thread that sends on what is new, beside who reads it: nobody waits for it, and it holds nobody at the end."""

import threading
from collections.abc import Callable
from typing import Final

import anyio
import anyio.to_thread

from codex_telemetry.sinks.retry import Pause

LEAVES_WITHIN_S: Final = 5.0
"""What is under way when it is to end may take so long; then it is sent again next time."""


async def beside(name: str, work: Callable[[Pause], None]) -> None:
    """Do it until cancelled; then its pauses end, and say so. `work` has to see to its own errors."""
    ended = threading.Event()

    def pause(seconds: float) -> bool:
        return not ended.wait(seconds)

    # A daemon, as no thread of a pool is: a receiver that doesn't answer must not hold the process.
    thread = threading.Thread(target=work, args=(pause,), name=name, daemon=True)
    thread.start()
    try:
        await anyio.sleep_forever()
    finally:
        ended.set()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(thread.join, LEAVES_WITHIN_S)
