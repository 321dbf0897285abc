"""A stub of the Responses API on 127.0.0.1, for a Codex that must not need an account.

A prompt picks its script with `[[script:NAME]]`; how far the script is follows from the outputs
of tools the request brings back. What the stub said, and when, is in `calls`: the truth that
tests compare telemetry with. As a proxy it refuses everyone: see `home.py`.
"""

import json
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, cast

from codex_telemetry.demo import dialects, sse
from codex_telemetry.demo.dialects import Item
from codex_telemetry.demo.place import Place, in_background, place
from codex_telemetry.demo.scripts import SCRIPTS, Response, fill


@dataclass(slots=True)
class Call:
    """One request and what became of it. Times are Unix time in nanoseconds."""

    method: str
    path: str
    started_ns: int
    status: int | None = None
    thread: str | None = None
    model: str | None = None
    script: str | None = None
    step: int | None = None
    first_ns: int | None = None
    """When the first token was about to be sent."""
    called_ns: int | None = None
    """When the first call of a tool was about to be whole: from here on that tool may run."""
    told_ns: int | None = None
    """When the last event was about to be sent: until here the model was busy."""
    ended_ns: int | None = None
    response_id: str | None = None
    usage: Item | None = None
    items: list[str] = field(default_factory=list)
    """The types of what was said, in order."""
    tools: list[str] = field(default_factory=list)
    """What the request offered to the model."""
    complete: bool = False
    """The whole response was sent."""


def usage_of(number: int) -> Item:
    """Tokens of the n-th response: no two are alike, and every kind is a part of its whole."""
    given, said = 1000 + 10 * number, 50 + number
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": 400 + number, "cache_write_tokens": 5 * number},
        "output_tokens": said,
        "output_tokens_details": {"reasoning_tokens": 20 + number},
        "total_tokens": given + said,
    }


class ModelStub:
    """The server, from `with` to the end of it."""

    def __init__(self, *, command_seconds: float = 1.0, log: Path | None = None) -> None:
        self.command_seconds = command_seconds
        self.calls: list[Call] = []
        self._log = log
        self._lock = threading.Lock()
        self._tries: Counter[tuple[str | None, Place]] = Counter()
        self._responses = 0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.stub = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    @property
    def answered(self) -> list[Call]:
        """Responses that were told to their end, in order."""
        return [call for call in self.calls if call.complete]

    @property
    def refused(self) -> list[str]:
        """What was asked of the stub as if it were a way to the network."""
        return [call.path for call in self.calls if call.status == 403]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def began(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)

    def ended(self, call: Call) -> None:
        call.ended_ns = time.time_ns()
        if self._log is not None:
            with self._lock, self._log.open("a") as log:
                log.write(json.dumps(asdict(call)) + "\n")

    def answer(
        self, call: Call, at: Place, body: Mapping[str, Any]
    ) -> tuple[Response, list[Item], bool, int | None]:
        """What to say to a request: the response, its items, whether to break it off, and the
        status to refuse it with."""
        steps = SCRIPTS[at.script]
        response = steps[min(at.step, len(steps) - 1)]
        call.script, call.step, call.model = at.script, at.step, body.get("model")
        call.thread = body.get("prompt_cache_key")
        tools = dialects.advertised(body)
        call.tools = sorted(tools)
        with self._lock:
            self._tries[call.thread, at] += 1
            first = self._tries[call.thread, at] == 1
            cut = first and response.cut_first
            refused = (response.refuse_first if first else None) or response.refuse
            if not refused:
                self._responses += 1
                call.usage = None if cut else usage_of(self._responses)
        items = [dialects.item(part, at.call_id(i), tools) for i, part in enumerate(response.parts)]
        session = in_background(body)
        filled = json.loads(fill(json.dumps(items), at.n, self.command_seconds, session))
        return response, filled, cut, refused


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stub: ModelStub

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing: stderr belongs to the person watching."""

    def do_GET(self) -> None:
        self._refuse()

    def do_CONNECT(self) -> None:
        self._refuse()

    def do_POST(self) -> None:
        if self.path.partition("?")[0] != "/v1/responses":
            self._refuse()
            return
        call = self._began()
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        at = place(body)
        response, items, cut, refused = self._stub.answer(call, at, body)
        try:
            if refused is not None:
                self._send_error(call, refused, f"CANARY-ANSWER-{at.n} refused")
            else:
                self._stream(call, response, items, cut)
        except ConnectionError:
            pass  # An interrupted turn hangs up; `complete` stays false.
        finally:
            self._stub.ended(call)

    @property
    def _stub(self) -> ModelStub:
        return cast(_Server, self.server).stub

    def _began(self) -> Call:
        call = Call(self.command, self.path, time.time_ns())
        self._stub.began(call)
        return call

    def _refuse(self) -> None:
        call = self._began()
        self._send_error(call, 404 if self.path.startswith("/") else 403, "not here")
        self._stub.ended(call)

    def _send_error(self, call: Call, status: int, message: str) -> None:
        call.status = status
        text = json.dumps({"error": {"message": message, "type": "invalid_request_error"}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _stream(self, call: Call, response: Response, items: list[Item], cut: bool) -> None:
        call.response_id = "resp_" + uuid.uuid4().hex[:24]
        call.status = 200
        head: Item = {
            "id": call.response_id,
            "object": "response",
            "model": call.model,
            "output": [],
        }
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        for name, value in _limits():
            self.send_header(name, value)
        self.end_headers()
        self._tell(call, sse.opening({**head, "status": "in_progress"}, response.first_token_s))
        call.first_ns = time.time_ns()
        call.items = [item["type"] for item in items]
        telling = sse.telling(items, response.word_s)
        if cut:
            self._tell(call, (step for step, _ in zip(telling, range(6), strict=False)))
            return
        self._tell(call, telling)
        self._tell(call, sse.closing(head, items, call.usage or {}))
        call.complete = True

    def _tell(self, call: Call, steps: Iterator[sse.Step]) -> None:
        for step in steps:
            if isinstance(step, float | int):
                time.sleep(step)
            else:
                kind, fields = step
                if call.called_ns is None and sse.calls_a_tool(kind, fields):
                    call.called_ns = time.time_ns()
                if kind == sse.LAST:
                    call.told_ns = time.time_ns()
                data = json.dumps({"type": kind, **fields})
                self.wfile.write(f"event: {kind}\ndata: {data}\n\n".encode())


def _limits() -> Iterator[tuple[str, str]]:
    now = int(time.time())
    for window, percent, minutes in (("primary", 11, 300), ("secondary", 41, 10_080)):
        yield f"x-codex-{window}-used-percent", str(percent)
        yield f"x-codex-{window}-window-minutes", str(minutes)
        yield f"x-codex-{window}-reset-at", str(now + 60 * minutes)
    yield "x-codex-plan-type", "pro"
