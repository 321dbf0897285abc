"""A terminal that somebody sits at: a program in it, a screen that shows it, keys that are typed."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyte

RUN = [sys.executable, "-P", "-m", "codex_telemetry", "run"]

PATIENCE = 30.0
"""Seconds after which something that should have happened is taken for hanging."""

# What pyte has no notion of, and would draw: kitty's keyboard protocol, and strings to the terminal.
_NOT_DRAWN = re.compile(
    rb"\x1b\[[<=>][0-9;:]*[ -/]*[@-~]|\x1b[P_^X][^\x1b]*\x1b\\|\x1b\[\?[0-9;]*u"
)


class _Screen(pyte.Screen):
    """Answers what a program asks its terminal."""

    def __init__(self, columns: int, lines: int, answer: Callable[[str], None]) -> None:
        super().__init__(columns, lines)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        self._answer(data)

    def report_device_status(self, mode: int, **_: Any) -> None:
        super().report_device_status(mode)


class Terminal:
    """One terminal with one program in its foreground, a session of its own."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (40, 100),
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stderr: int | None = None,
        stdout: int | None = None,
    ) -> None:
        self.raw = bytearray()
        """All that reached the terminal."""
        self.chunks: list[tuple[float, bytes]] = []
        self._began = time.monotonic()
        self.screen = _Screen(size[1], size[0], self.type)
        self._stream = pyte.ByteStream(self.screen)
        self.status: int | None = None
        self.pid, self.side = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
                if stderr is not None:
                    os.dup2(stderr, 2)
                if stdout is not None:
                    os.dup2(stdout, 1)
                if cwd is not None:
                    os.chdir(cwd)
                os.execvpe(command[0], list(command), dict(os.environ if env is None else env))
            finally:
                os._exit(127)

    def type(self, keys: str | bytes) -> None:
        os.write(self.side, keys.encode() if isinstance(keys, str) else keys)

    def resize(self, lines: int, columns: int) -> None:
        self.screen.resize(lines, columns)
        fcntl.ioctl(self.side, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def listen(self, seconds: float = 0.05) -> bool:
        """Take in what comes within that time; False once the program has hung up."""
        if not select.select([self.side], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.side, 65536)
        except OSError:
            return False
        if not data:
            return False
        self.raw += data
        self.chunks.append((time.monotonic() - self._began, data))
        self._stream.feed(_NOT_DRAWN.sub(b"", data))
        if b"\x1b[?u" in data:  # a terminal of today: kitty's keyboard protocol, then what it is
            self.type("\x1b[?0u")
        return True

    def shows(self, what: str | Callable[[str], object], patience: float = PATIENCE) -> str:
        """Wait until the screen shows it; the screen."""
        deadline = time.monotonic() + patience
        seen = (lambda text: what in text) if isinstance(what, str) else what
        while not seen(self.text):
            assert self.listen() or seen(self.text), f"hung up; the screen:\n{self.text}"
            assert time.monotonic() < deadline, f"not shown: {what}; the screen:\n{self.text}"
        return self.text

    def hears(self, what: bytes, since: int = 0) -> int:
        """Wait until these bytes came; where they end."""
        deadline = time.monotonic() + PATIENCE
        while (at := self.raw.find(what, since)) < 0:
            assert self.listen() or what in self.raw[since:], f"hung up: {bytes(self.raw[-500:])!r}"
            assert time.monotonic() < deadline, f"not heard: {what!r} in {bytes(self.raw[-500:])!r}"
        return at + len(what)

    def settle(self, seconds: float = 0.4) -> None:
        """Listen until it was quiet for so long, or has hung up."""
        while select.select([self.side], [], [], seconds)[0]:
            if not self.listen():
                return

    def leave(self) -> int:
        """Wait for its end; its exit code, a signal negative."""
        deadline = time.monotonic() + PATIENCE
        while True:
            alive = self.listen()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
                self.settle(0.1)
                return os.waitstatus_to_exitcode(status)
            if not alive:
                time.sleep(0.01)
            assert time.monotonic() < deadline, f"does not end; the screen:\n{self.text}"

    def close(self) -> None:
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
        with contextlib.suppress(OSError):
            os.close(self.side)


@contextlib.contextmanager
def terminal(command: Sequence[str], **more: Any) -> Iterator[Terminal]:
    at = Terminal(command, **more)
    try:
        yield at
    finally:
        at.close()


def eventually(at: Terminal | None, happened: Callable[[], object]) -> None:
    """Wait for what no screen tells of, and listen meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        if at is not None:
            at.listen(0.01)
        time.sleep(0.01)
        assert time.monotonic() < deadline, at and at.text


def program(folder: Path, code: str) -> list[str]:
    """A small program as a command."""
    file = folder / "program.py"
    file.write_text(code)
    return [sys.executable, "-IS", str(file)]
