"""Carry the bytes between two terminals, keep them alike, and stop and go on as the child does.

What reaches the screen is copied for the collector; what is typed is nobody's business.
"""

import errno
import os
import select
import signal
import struct
import threading
import time
from collections.abc import Callable

from codex_telemetry.frames import END, SCREEN, SIZE, WINDOW, frame, monotonic_ns
from codex_telemetry.relay import QUIET_STEPS, STEP_MS, Flow, nothing_on_its_way, read, signal_group
from codex_telemetry.tee import Tee
from codex_telemetry.terminal import Session, copy_size
from codex_telemetry.terminal_leader import BACKGROUND, FOREGROUND, STATUS

LAST_WORDS_MS = 10
MOST_LAST_WORDS = 100
"""What the child said before it stopped is shown before we stop: looked for in such steps, so many."""

LOST_LEADER = 128 + signal.SIGHUP
"""The code when the process between is killed: the child was told to hang up."""


def relay(
    session: Session,
    copies: int | None,
    wake: tuple[int, int],
    collector: Callable[[], int | None] | None = None,
) -> int:
    """Carry everything until there is nothing more to carry; the exit code to leave with.

    `collector` starts another in the place of one that died.
    """
    try:
        return _Relay(session, copies, wake, collector).run()
    finally:
        # Whatever happened: but only who has the terminal may set it.
        if session.outer.in_foreground():
            session.outer.restore()


class _Keys(Flow):
    """What is typed, as long as the terminal is ours to read."""

    def __init__(self, session: Session, sink: int, wake: int) -> None:
        super().__init__(0, 0, sink, Tee(None), wake)
        self._outer = session.outer
        self.may_read = threading.Event()

    def read(self) -> bytes:
        while True:
            foreground = self._outer.in_foreground()
            try:
                return read(self.source)
            except OSError as error:
                # To a group in the background, with SIGTTIN ignored, a read says the same as a
                # terminal that is gone.
                if error.errno != errno.EIO or (foreground and self._outer.in_foreground()):
                    raise
            self.may_read.wait(1)
            self.may_read.clear()


class _Relay:
    def __init__(
        self,
        session: Session,
        copies: int | None,
        wake: tuple[int, int],
        collector: Callable[[], int | None] | None,
    ) -> None:
        self._session = session
        self._start_another = collector
        self._wake = wake[0]
        # Who reads the terminal in the background is stopped: all of us, for what one thread did.
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)
        for number in (signal.SIGWINCH, signal.SIGCONT):
            signal.signal(number, lambda *_: None)
        # No other thread takes it, so that the one that stops us goes no further until we go on.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTSTP])
        self._tee = Tee(copies, self._another_collector if collector is not None else None)
        self._keys = _Keys(session, os.dup(session.inner), wake[1])
        self._screen = Flow(SCREEN, session.inner, 1, self._tee, wake[1])
        self._resize()
        self._screen.start()
        self._keys.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTSTP])
        self._exit_code: int | None = None
        self._told_to_leave = False
        self._hung_up = False

    def run(self) -> int:
        self._until_delivered()
        assert self._exit_code is not None
        self._tee.close(END, f'{{"exit_code":{self._exit_code}}}'.encode())
        return self._exit_code

    def _until_delivered(self) -> None:
        news = select.poll()
        for fd in (self._wake, self._session.from_leader):
            news.register(fd, select.POLLIN)
        quiet, carried = 0, 0
        while self._exit_code is None or not (self._screen.ended or quiet >= QUIET_STEPS):
            heard = news.poll(None if self._exit_code is None else STEP_MS)
            for fd, _ in heard:
                if fd == self._wake:
                    for number in os.read(fd, 4096):
                        self._act_on(number)
                elif not self._hear_of_child(os.read(fd, STATUS.size)):
                    news.unregister(fd)
            if self._screen.carried != carried:
                quiet, carried = 0, self._screen.carried
            elif not heard and (self._told_to_leave or nothing_on_its_way(self._screen)):
                quiet += 1

    def _act_on(self, number: int) -> None:
        if number == signal.SIGWINCH:
            self._resize()
        elif number == signal.SIGCONT:
            self._take_up()
        elif number == signal.SIGTSTP:
            # Whether that stops us is for the child to say.
            signal_group(self._session.child, number)
        elif number in _PASSED_ON:
            self._told_to_leave |= self._exit_code is not None
            signal_group(self._session.child, number)
        if self._keys.ended and not self._hung_up:
            self._hung_up = True
            # Our terminal was closed: the child hears of it as it would without us.
            signal_group(self._session.child, signal.SIGHUP)
            signal_group(self._session.child, signal.SIGCONT)

    def _hear_of_child(self, told: bytes) -> bool:
        """Act on what the leader tells; False if it tells nothing any more."""
        if len(told) < STATUS.size:
            if self._exit_code is None:
                self._exit_code = LOST_LEADER
            return False
        (status,) = STATUS.unpack(told)
        if not os.WIFSTOPPED(status):
            code = os.waitstatus_to_exitcode(status)
            self._exit_code = code if code >= 0 else 128 - code
            return True
        background = os.WSTOPSIG(status) in (signal.SIGTTIN, signal.SIGTTOU)
        if not (background and self._session.outer.in_foreground()):
            self._stop()
        self._take_up()
        signal_group(self._session.child, signal.SIGCONT)
        return True

    def _stop(self) -> None:
        """As the child has: with all that is in our group, for whose shell we are one job. If there is
        no shell to resume us, the kernel doesn't stop us, and the child goes on."""
        self._show_last_words()
        if self._session.outer.in_foreground():
            self._session.outer.restore()
        noted = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.killpg(os.getpgrp(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, noted)

    def _show_last_words(self) -> None:
        quiet = 0
        for _ in range(MOST_LAST_WORDS):
            quiet = quiet + 1 if nothing_on_its_way(self._screen) else 0
            if quiet > 2:
                return
            time.sleep(LAST_WORDS_MS / 1000)

    def _take_up(self) -> None:
        """Have the terminal as the child needs it, if it is ours."""
        if self._session.outer.in_foreground():
            self._session.outer.make_raw()
            self._resize()
            self._tell_leader(FOREGROUND)
            self._keys.may_read.set()
        else:
            self._tell_leader(BACKGROUND)

    def _tell_leader(self, what: bytes) -> None:
        try:
            os.write(self._session.to_leader, what)
        except OSError:  # it was killed
            pass

    def _another_collector(self) -> int | None:
        """One that knows how large the terminal is."""
        copies = self._start_another() if self._start_another is not None else None
        if copies is not None:
            size = copy_size(self._session.outer.fd, self._session.inner)
            os.write(copies, frame(SIZE, time.time_ns(), monotonic_ns(), _window(size)))
        return copies

    def _resize(self) -> None:
        size = copy_size(self._session.outer.fd, self._session.inner)
        self._tee.put(SIZE, time.time_ns(), monotonic_ns(), _window(size))


def _window(size: bytes) -> bytes:
    rows, columns, _, _ = struct.unpack("4H", size)
    return WINDOW.pack(rows, columns)


_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
