"""A client of an app-server: one message a line over the standard streams of a child.

Speaks the second protocol as releases from 0.63 to 0.169 know it. Every line is kept with its
time, so that what the wrapper passed can be compared with what was said.
"""

import contextlib
import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, Self

Message = dict[str, Any]
Answer = Callable[[Message], Message | None]
"""Given a request of the server, the result to send; None answers with an error."""
Wait = float | Callable[[Message], float]
"""Seconds before an answer, or what tells them of a request."""

PATIENCE = 60.0
"""Seconds before a silent server counts as hanging."""


class SilentError(Exception):
    """The server didn't say what was waited for, or ended first."""


class RefusedError(Exception):
    """The server answered a request with an error."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it went over the wire, without its newline."""

    way: Literal["sent", "heard"]
    wall_ns: int
    mono_ns: int
    text: bytes
    message: Message | None
    """None where the line isn't JSON."""


class Client:
    """A child that speaks the protocol, from `with` to its end."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stderr: IO[bytes] | int | None = subprocess.DEVNULL,
        pass_fds: Iterable[int] = (),
    ) -> None:
        self.lines: list[Line] = []
        self._answers: list[tuple[re.Pattern[str], Answer, Wait]] = []
        self._listeners: list[Callable[[Message], None]] = []
        self._ended = False
        self._last_id = 0
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._timers: list[threading.Timer] = []
        # A session of its own: a Ctrl-C at the terminal is for the one who started us to handle.
        self.child = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=env,
            cwd=cwd,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is not None:  # Ctrl-C, say: nobody wants to hear the rest.
            self._listeners.clear()
            self.child.terminate()
        self.close(patience=5.0)

    def initialize(self, name: str = "codex_telemetry_demo", **capabilities: Any) -> Message:
        """The handshake; what the server said of itself."""
        params: Message = {"clientInfo": {"name": name, "title": name, "version": "1.0"}}
        if capabilities:
            params["capabilities"] = capabilities
        result: Message = self.request("initialize", params)
        self.notify("initialized")
        return result

    def start_thread(self, cwd: Path, **params: Any) -> str:
        """A new thread's id."""
        started = self.request("thread/start", {"cwd": str(cwd), **params})
        return str(started["thread"]["id"])

    def start_turn(self, thread: str, text: str) -> str:
        """A new turn's id, as Codex gave it."""
        said = [{"type": "text", "text": text}]
        started = self.request("turn/start", {"threadId": thread, "input": said})
        return str(started["turn"]["id"])

    def run_turn(self, thread: str, text: str, *, patience: float = PATIENCE) -> Message:
        """A whole turn; the turn as `turn/completed` tells of it."""
        since = self.mark()
        self.start_turn(thread, text)
        return self.completed(thread, since=since, patience=patience)

    def completed(self, thread: str, *, since: int = 0, patience: float = PATIENCE) -> Message:
        """The first turn of `thread` that completed after `since`."""

        def its_own(params: Message) -> bool:
            return bool(params.get("threadId", thread) == thread)  # 0.63 doesn't say whose it is

        heard = self.wait("turn/completed", its_own, since=since, patience=patience)
        turn: Message = heard["params"]["turn"]
        return turn

    def mark(self) -> int:
        """Now, for `since`."""
        return len(self.lines)

    def request(self, method: str, params: Message | None = None, *, patience: float = 30) -> Any:
        """Ask, and wait for the result."""
        self._last_id += 1
        number, since = self._last_id, self.mark()
        self._send(
            {"id": number, "method": method} | ({} if params is None else {"params": params})
        )

        def answers(message: Message) -> bool:
            return message.get("id") == number and "method" not in message

        reply = self._await(answers, f"an answer to {method}", since, patience)
        if "error" in reply:
            raise RefusedError(f"{method}: {json.dumps(reply['error'])[:300]}")
        return reply["result"]

    def notify(self, method: str, params: Message | None = None) -> None:
        self._send({"method": method} | ({} if params is None else {"params": params}))

    def wait(
        self,
        method: str,
        where: Callable[[Message], bool] = lambda _: True,
        *,
        since: int = 0,
        patience: float = PATIENCE,
    ) -> Message:
        """The first message of that method after `since` whose params are as asked."""

        def fits(message: Message) -> bool:
            return message.get("method") == method and where(message.get("params") or {})

        return self._await(fits, method, since, patience)

    def on_request(self, methods: str, answer: Answer, *, after: Wait = 0.0) -> None:
        """Answer requests of the server whose method `methods` matches, after that many seconds."""
        self._answers.append((re.compile(methods), answer, after))

    def approve(self, *, after: float = 0.0, accept: bool = True) -> None:
        """Answer whatever asks for a permission."""
        new, old = ("accept", "approved") if accept else ("decline", "denied")
        self.on_request(r"/requestApproval$", lambda _: {"decision": new}, after=after)
        self.on_request(r"^(exec|apply).*Approval$", lambda _: {"decision": old}, after=after)

    def listen(self, listener: Callable[[Message], None]) -> None:
        """Have each message of the server told as it comes."""
        self._listeners.append(listener)

    def messages(self, method: str, *, since: int = 0) -> list[Message]:
        """All heard so far of one method."""
        return [
            line.message
            for line in self.lines[since:]
            if line.way == "heard" and line.message and line.message.get("method") == method
        ]

    def close(self, *, patience: float = 15.0) -> int:
        """Close the child's input and wait for its end; its exit code. A child that stays is killed."""
        for timer in self._timers:
            timer.cancel()
        child = self.child
        assert child.stdin is not None
        assert child.stdout is not None
        with contextlib.suppress(OSError):  # It may be gone before us.
            child.stdin.close()
        for leave in (child.terminate, child.kill):
            try:
                child.wait(patience)
                break
            except subprocess.TimeoutExpired:
                leave()
        code = child.wait()
        self._reader.join(patience)
        if not self._reader.is_alive():
            child.stdout.close()
        return code

    def _read(self) -> None:
        assert self.child.stdout is not None
        for raw in self.child.stdout:
            message = self._keep("heard", raw.rstrip(b"\n"))
            if message is None:
                continue
            for listener in self._listeners:
                listener(message)
            if "method" in message and "id" in message:
                self._reply(message)
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _reply(self, asked: Message) -> None:
        result, after = None, 0.0
        params = asked.get("params") or {}
        for methods, answer, wait in self._answers:
            if methods.search(asked["method"]):
                result, after = answer(params), wait(params) if callable(wait) else wait
                break
        said = (
            {"error": {"code": -32601, "message": "no"}} if result is None else {"result": result}
        )
        timer = threading.Timer(after, self._send, ({"id": asked["id"], **said},))
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _send(self, message: Message) -> None:
        assert self.child.stdin is not None
        text = json.dumps(message).encode()
        with self._writing:
            self._keep("sent", text)
            try:
                self.child.stdin.write(text + b"\n")
                self.child.stdin.flush()
            except (OSError, ValueError):
                pass  # The child is gone: whoever waits for its answer will hear.

    def _keep(self, way: Literal["sent", "heard"], text: bytes) -> Message | None:
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        message = message if isinstance(message, dict) else None
        with self._changed:
            self.lines.append(Line(way, time.time_ns(), time.monotonic_ns(), text, message))
            self._changed.notify_all()
        return message

    def _await(
        self, fits: Callable[[Message], bool], what: str, since: int, patience: float
    ) -> Message:
        end, seen = time.monotonic() + patience, since
        with self._changed:
            while True:
                for line in self.lines[seen:]:
                    if line.way == "heard" and line.message and fits(line.message):
                        return line.message
                seen = len(self.lines)
                if self._ended:
                    raise SilentError(f"waiting for {what}: the server ended")
                if not self._changed.wait(end - time.monotonic()):
                    raise SilentError(f"waiting for {what}: nothing in {patience:g} s")
