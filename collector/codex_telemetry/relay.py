"""Carry the bytes between client and child, pass signals on, and know when to leave.

One blocking thread per direction; the main thread sleeps until a signal or an end wakes it. Nothing
here looks at what the bytes say.
"""

import fcntl
import os
import select
import signal
import struct
import termios
import threading
import time
from collections.abc import Callable

from codex_telemetry.frames import CLIENT, END, SERVER, monotonic_ns
from codex_telemetry.tee import Tee

CHUNK = 64 * 1024

# Once the child is gone, somebody it started may keep its stdout open for ever. Then we leave after
# 250 ms without a byte; looked at in steps, so that a machine that slept doesn't look like silence.
STEP_MS = 50
QUIET_STEPS = 5

ENDED = 0
"""In the wake-up pipe, beside signal numbers: a direction has ended."""


class Flow:
    """One direction: what is read is passed on whole, and only then copied."""

    def __init__(self, kind: int, source: int, sink: int, tee: Tee, wake: int) -> None:
        self.source = source
        self.carrying = threading.Lock()
        self.carried = 0
        self.ended = False
        self._kind, self._sink, self._tee, self._wake = kind, sink, tee, wake

    def read(self) -> bytes:
        return read(self.source)

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:  # noqa: SIM105  contextlib takes longer to import than all the rest of this
            self._carry()
        except OSError:  # an end was closed on us
            pass
        # Both ends: a writer behind a reader that left must hear of it, not hang on a full pipe.
        _let_go(self._sink)
        _let_go(self.source)
        self.ended = True
        os.write(self._wake, bytes([ENDED]))

    def _carry(self) -> None:
        while data := self.read():
            wall_ns, mono_ns = time.time_ns(), monotonic_ns()
            with self.carrying:
                _write(self._sink, data)
                self._tee.put(self._kind, wall_ns, mono_ns, data)
                self.carried += 1


def read(fd: int) -> bytes:
    while True:
        try:
            return os.read(fd, CHUNK)
        except BlockingIOError:  # whoever shares our stdin may have made it non-blocking
            select.select([fd], [], [])


def _write(fd: int, data: bytes) -> None:
    sent = 0
    while sent < len(data):
        try:
            sent += os.write(fd, memoryview(data)[sent:] if sent else data)
        except BlockingIOError:
            select.select([], [fd], [])


def _let_go(fd: int) -> None:
    """Close; of our own stdin and stdout keep the number, lest another file gets it."""
    if fd > 2:
        os.close(fd)
        return
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, fd)
    os.close(null)


def relay(
    child: int,
    to_child: int,
    from_child: int,
    copies: int | None,
    wake: tuple[int, int],
    collector: Callable[[], int | None] | None = None,
) -> int:
    """Carry everything until there is nothing more to carry; the exit code to leave with.

    `collector` starts another in the place of one that died.
    """
    tee = Tee(copies, collector)
    requests = Flow(CLIENT, 0, to_child, tee, wake[1])
    answers = Flow(SERVER, from_child, 1, tee, wake[1])
    requests.start()
    answers.start()

    exit_code = _until_delivered(child, answers, wake[0])

    # What the child may have heard is copied before the last frame; a moment, unless it is stuck.
    requests.carrying.acquire(timeout=0.25)
    tee.close(END, f'{{"exit_code":{exit_code}}}'.encode())
    return exit_code


def _until_delivered(child: int, answers: Flow, wake: int) -> int:
    exit_code: int | None = None
    told_to_leave = False
    quiet, carried = 0, 0
    alarm = select.poll()
    alarm.register(wake, select.POLLIN)
    while True:
        if alarm.poll(None if exit_code is None else STEP_MS):
            for number in os.read(wake, 4096):
                if number not in (ENDED, signal.SIGCHLD):
                    told_to_leave |= exit_code is not None
                    _pass_on(number, child)
            if exit_code is None:
                exit_code = _reap(child)
        elif answers.carried != carried:
            quiet, carried = 0, answers.carried
        elif told_to_leave or nothing_on_its_way(answers):
            quiet += 1
        else:
            quiet = 0
        if exit_code is not None and (answers.ended or quiet >= QUIET_STEPS):
            return exit_code


def nothing_on_its_way(flow: Flow) -> bool:
    """False while a byte is still to be delivered: a slow client gets every one."""
    try:
        unread = fcntl.ioctl(flow.source, termios.FIONREAD, bytes(4))
    except OSError:  # closed this moment
        return False
    return not flow.carrying.locked() and struct.unpack("i", unread)[0] == 0


def _reap(child: int) -> int | None:
    """The child's exit code if it is gone. Others that ended are reaped too: the collector is ours."""
    exit_code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return exit_code
        if pid == 0:
            return exit_code
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            exit_code = code if code >= 0 else 128 - code


def _pass_on(number: int, group: int) -> None:
    """To the child's whole group: npm's shim may not tell the native program behind it.

    Their group isn't the terminal's foreground one, so a Ctrl-C reaches them through here, once.
    A program that reads /dev/tty from there is stopped by SIGTTIN; it would need a pty of its own.
    """
    if number != signal.SIGTSTP:
        signal_group(group, number)
        return
    # Ctrl-Z: the child stops as it would without us, then we do as anyone does. If the kernel
    # doesn't stop us (no shell is there to resume us), this falls through and the child goes on.
    signal_group(group, signal.SIGTSTP)
    noted = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTSTP)
    signal.signal(signal.SIGTSTP, noted)
    signal_group(group, signal.SIGCONT)


def signal_group(group: int, number: int) -> None:
    try:  # noqa: SIM105  as above
        os.killpg(group, number)
    except OSError:  # all of them are gone
        pass
