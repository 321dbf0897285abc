"""Tell pages that the database has changed: one look at it for all of them, and none while nobody listens."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from codex_telemetry.store.watched import Watched

EVERY_S = 0.5
ALIVE_S = 15.0
"""A stream that says nothing for so long says that it lives, or nobody would notice that it doesn't."""

MOST = 32
"""Pages that listen at once."""


class Changes:
    """One for each server."""

    def __init__(self, database: Path) -> None:
        self._watched = Watched(database)
        self._listeners: set[asyncio.Event] = set()
        self._looking: asyncio.Task[None] | None = None
        # A connection is of the thread that opened it.
        self._thread = ThreadPoolExecutor(1)
        self.closing: Callable[[], bool] = lambda: False
        """Whether the server wants to end: a stream would keep it."""

    async def answer(self, request: Request) -> Response:
        if len(self._listeners) >= MOST:
            return PlainTextResponse("Too many pages listen.\n", 503, {"retry-after": "30"})
        heard = asyncio.Event()
        self._listeners.add(heard)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        return StreamingResponse(self._told(request, heard), media_type="text/event-stream")

    async def _told(self, request: Request, heard: asyncio.Event) -> AsyncIterator[str]:
        try:
            # The page may have been made before it began to listen.
            yield "retry: 2000\nevent: hello\ndata:\n\n"
            quiet = 0.0
            while not self.closing() and not await request.is_disconnected():
                try:
                    await asyncio.wait_for(heard.wait(), EVERY_S)
                except TimeoutError:
                    quiet += EVERY_S
                    if quiet >= ALIVE_S:
                        quiet = 0.0
                        yield ":\n\n"
                    continue
                heard.clear()
                quiet = 0.0
                yield "event: changed\ndata:\n\n"
        finally:
            self._listeners.discard(heard)

    async def _look(self) -> None:
        """Until the last page is gone."""
        loop = asyncio.get_running_loop()
        try:
            while self._listeners and not self.closing():
                if await loop.run_in_executor(self._thread, self._watched.has_changed):
                    for heard in self._listeners:
                        heard.set()
                await asyncio.sleep(EVERY_S)
        finally:
            self._looking = None
            self._thread.submit(self._watched.close)
