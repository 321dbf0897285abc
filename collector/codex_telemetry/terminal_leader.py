"""Lead the session of the wrapped program's terminal, between it and us: start it, tell how it fares.

Were the program itself the leader, its group would be an orphan, and the kernel would let no Ctrl-Z
stop it. A fork of the pump before it has threads; standard library only.
"""

import os
import select
import signal
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes longer to import than all that is done here
    from collections.abc import Callable
    from typing import NoReturn

FOREGROUND, BACKGROUND = b"f", b"b"
"""What the leader is told: the child shall have its terminal, or find itself in the background."""
STATUS = struct.Struct("i")
"""What the leader tells: first the child's pid, then each wait status."""


def lead(
    name: str,
    commands: int,
    reports: int,
    failure: int,
    become: "Callable[[], NoReturn]",
    abandoned: "Callable[[], None]",
) -> "NoReturn":
    """Have the terminal of that name as the session's, and `become` the child in a process of its own;
    then report, and do as commanded, until our parent ends."""
    try:
        os.setsid()
        # The first terminal that a leader without one opens is its own from then on.
        terminal = os.open(name, os.O_RDWR)
        wake = os.pipe()
        child = os.fork()
        if child == 0:
            _try(become, failure)
        os.close(failure)
        _hear_of_children(wake)
        os.write(reports, STATUS.pack(child))
        _serve(terminal, child, commands, reports, wake[0])
        abandoned()
    finally:
        # With their leader gone the child's group is told to hang up, as when a terminal is closed.
        os._exit(0)


def _try(become: "Callable[[], NoReturn]", failure: int) -> "NoReturn":
    try:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        become()
    except OSError as error:
        os.write(failure, str(error.errno).encode())
    finally:
        os._exit(127)


def _hear_of_children(wake: tuple[int, int]) -> None:
    os.set_blocking(wake[1], False)
    signal.set_wakeup_fd(wake[1], warn_on_full_buffer=False)
    for number in signal.valid_signals() - {signal.SIGCHLD, signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):  # those that the C library keeps for itself
            pass
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):  # those of the terminal that we were started in
        os.dup2(null, fd)


def _serve(terminal: int, child: int, commands: int, reports: int, wake: int) -> None:
    """Until our parent is gone, or has closed its end."""
    # The child may have handed the terminal on to somebody it started: that one gets it back.
    had_it = child
    news = select.poll()
    news.register(commands, select.POLLIN)
    news.register(wake, select.POLLIN)
    alive = _report(child, reports)
    while True:
        for fd, _ in news.poll():
            if fd == wake:
                os.read(wake, 4096)
                alive = alive and _report(child, reports)
                continue
            told = os.read(commands, 1)
            if not told:
                return
            try:
                has_it, ours = os.tcgetpgrp(terminal), os.getpgrp()
                if told == FOREGROUND and has_it == ours:
                    os.tcsetpgrp(terminal, had_it)
                elif told == BACKGROUND and has_it != ours:
                    had_it = has_it
                    os.tcsetpgrp(terminal, ours)
            except OSError:  # that group is gone
                pass
        if not alive and terminal >= 0:
            # The last to close it tells our parent that all there was to read is read.
            os.close(terminal)
            terminal = -1


def _report(child: int, reports: int) -> bool:
    """Tell of all that became of the child; False once that is its end."""
    while True:
        pid, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
        if pid == 0:
            return True
        try:
            os.write(reports, STATUS.pack(status))
        except OSError:  # nobody to tell: `_serve` hears of it
            pass
        if not os.WIFSTOPPED(status):
            return False
