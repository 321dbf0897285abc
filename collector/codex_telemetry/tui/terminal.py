"""The terminal as textual drives it, but: nothing wakes up while no key is pressed, output goes where
stdout goes, and a terminal that is gone ends the program instead of hanging it.
"""

import contextlib
import os
import select
from codecs import getincrementaldecoder
from collections.abc import Callable
from typing import Any, cast

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

STDOUT = 1

ESCAPE_S = 0.1
"""After so long an Escape is one, and not the beginning of another key."""


class Terminal(LinuxDriver):
    """Of textual 8."""

    def __init__(self, app: Any, **more: Any) -> None:
        super().__init__(app, **more)
        self._file = cast("Any", _Output("utf-8" if app.unicode else "ascii", self._gone))
        self._wakes, self._wake = os.pipe()
        self._is_left = False

    def _get_terminal_size(self) -> tuple[int, int]:
        # Not as LINES and COLUMNS have it: where a shell exports these, they stay what they were.
        try:
            size = os.get_terminal_size(STDOUT)
        except OSError:
            return (80, 24)
        return (size.columns or 80, size.lines or 24)

    def write(self, data: str) -> None:
        # What textual draws while it closes would be drawn on the shell's own screen.
        if not self._is_left:
            super().write(data)

    def start_application_mode(self) -> None:
        self._is_left = False
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def stop_application_mode(self) -> None:
        super().stop_application_mode()
        self._is_left = True

    def run_input_thread(self) -> None:
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        pending = False
        while not self.exit_event.is_set():
            waited = select.select(
                [self.fileno, self._wakes], [], [], ESCAPE_S if pending else None
            )
            events: list[Message] = []
            if self.fileno in waited[0]:
                read = self._read()
                if not read:
                    return
                events += parser.feed(decode(read))
            events += parser.tick()
            pending = bool(waited[0])
            for event in events:
                self.process_message(event)

    def disable_input(self) -> None:
        os.write(self._wake, b"x")
        super().disable_input()
        with contextlib.suppress(BlockingIOError):
            os.set_blocking(self._wakes, False)
            os.read(self._wakes, 16)

    def _read(self) -> bytes:
        """b"" once the terminal is gone."""
        try:
            read = os.read(self.fileno, 4096)
        except OSError:
            read = b""
        if not read:
            self._gone()
        return read

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except Exception as error:  # noqa: BLE001 - the app says so, in one line
            self._app.call_later(self._app._handle_exception, error)

    def _gone(self) -> None:
        self._app.call_later(self._app.exit)


class _Output:
    """Where textual's thread writes. What can't be written is nobody's loss: the terminal is gone."""

    def __init__(self, encoding: str, gone: Callable[[], None]) -> None:
        self._encoding = encoding
        self._gone: Callable[[], None] | None = gone

    def write(self, text: str) -> None:
        rest = memoryview(text.encode(self._encoding, "replace"))
        try:
            while rest and self._gone is not None:
                rest = rest[os.write(STDOUT, rest) :]
        except OSError:
            gone, self._gone = self._gone, None
            if gone is not None:
                gone()

    def flush(self) -> None:
        """All is written already."""

    def fileno(self) -> int:
        return STDOUT
