"""A page goes out in pieces: its head is with the browser while a view works out the rest.

A status goes with the head, so whatever can be refused has to be refused before.
"""

from collections.abc import Callable, Generator, Iterator
from typing import Any

from anyio import from_thread
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response
from starlette.types import Message, Receive, Scope, Send

Made = Generator[None, None, dict[str, Any]]
"""What a view makes: names for its template. It yields once, as soon as nothing of what is asked for can
be refused any more: what it takes its time for comes after that."""


def finished(making: Made) -> dict[str, Any]:
    """Of a view that has yielded."""
    try:
        next(making)
    except StopIteration as end:
        told: dict[str, Any] = end.value
        return told
    raise AssertionError


class InPieces(HTMLResponse):
    """What `answer` finds: another answer, or the pieces of a page, each sent as soon as it's there."""

    def __init__(self, answer: Callable[[], Response | Iterator[str]]) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def tell(message: Message) -> None:
            await send(message)

        # One thread for all of it: SQLite keeps a connection to the one it was opened in.
        other = await run_in_threadpool(self._sent, lambda message: from_thread.run(tell, message))
        if other is not None:
            await other(scope, receive, send)

    def _sent(self, send: Callable[[Message], None]) -> Response | None:
        found = self._answer()
        if isinstance(found, Response):
            return found
        send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        for piece in found:
            send({"type": "http.response.body", "body": piece.encode(), "more_body": True})
        send({"type": "http.response.body", "body": b""})
        return None
