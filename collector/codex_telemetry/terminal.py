"""Start the wrapped program on a terminal of its own, made after the one we are in.

Standard library only, and no more of it than has to be there before the child starts.
"""

import errno
import fcntl
import os
import signal
import termios

from codex_telemetry.terminal_leader import STATUS, lead

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes longer to import than all that is done here
    from typing import NoReturn

Modes = list[int | list[bytes | int]]


class Outer:
    """The terminal we were started in."""

    def __init__(self) -> None:
        self.fd = os.dup(0)
        """Of our own: 0 may be closed on us."""
        self.modes: Modes = termios.tcgetattr(self.fd)
        """As we found them."""

    def in_foreground(self) -> bool:
        """Whether it is ours to read and to set; also where nobody can say."""
        try:
            return os.tcgetpgrp(self.fd) == os.getpgrp()
        except OSError:  # not our controlling terminal, or gone
            return True

    def make_raw(self) -> None:
        """Every byte passes as it is, both ways: what bytes mean is for the inner one to say."""
        self._set(_raw(self.modes))

    def restore(self) -> None:
        self._set(self.modes)

    def restore_if_raw(self) -> None:
        """For who is left behind: a shell may have set it meanwhile."""
        try:
            if termios.tcgetattr(self.fd) == _raw(self.modes):
                self.restore()
        except termios.error:
            pass

    def _set(self, modes: Modes) -> None:
        try:
            termios.tcsetattr(self.fd, termios.TCSANOW, modes)
        except termios.error:  # it is gone
            pass


class Session:
    """A child on a terminal of its own, of which `inner` is our side."""

    def __init__(
        self, outer: Outer, inner: int, child: int, to_leader: int, from_leader: int
    ) -> None:
        self.outer, self.inner, self.child = outer, inner, child
        self.to_leader, self.from_leader = to_leader, from_leader


def start(
    command: list[str],
    environment: dict[str, str],
    mask: set[int],
    by_default: tuple[signal.Signals, ...],
) -> Session | None:
    """Start `command` in it; None if there is no terminal to be had. Raises `OSError` if it is the
    program that can't be started. The child has `by_default` restored and `mask` blocked."""
    outer = Outer()
    try:
        inner, slave = os.openpty()
    except OSError:
        return None
    copy_size(outer.fd, slave)
    termios.tcsetattr(slave, termios.TCSANOW, outer.modes)
    name = os.ttyname(slave)
    foreground = outer.in_foreground()
    if foreground:
        outer.make_raw()

    commands, to_leader = os.pipe()
    from_leader, reports = os.pipe()
    failed, failure = os.pipe()

    def become() -> "NoReturn":
        os.dup2(terminal := os.open(name, os.O_RDWR), 0)
        os.dup2(terminal, 1)
        if os.isatty(2):
            os.dup2(terminal, 2)
        # In the background of its terminal from the start, if we are in that of ours.
        if foreground:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
            os.tcsetpgrp(0, os.getpid())
        for number in by_default:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.execvpe(command[0], command, environment)

    if os.fork() == 0:
        for fd in (inner, slave, to_leader, from_leader, failed):
            os.close(fd)
        lead(name, commands, reports, failure, become, outer.restore_if_raw)
    for fd in (commands, reports, failure):
        os.close(fd)
    # Its end is the child's beginning: exec closes the child's own.
    error = os.read(failed, 16)
    os.close(failed)
    os.close(slave)
    child = os.read(from_leader, STATUS.size)
    if error or not child:
        outer.restore()
        number = int(error or errno.EAGAIN)
        raise OSError(number, os.strerror(number))
    return Session(outer, inner, STATUS.unpack(child)[0], to_leader, from_leader)


def copy_size(of: int, to: int) -> bytes:
    """Make one terminal as large as another: that is its rows and columns, and pixels if known."""
    try:
        size = fcntl.ioctl(of, termios.TIOCGWINSZ, bytes(8))
        fcntl.ioctl(to, termios.TIOCSWINSZ, size)
    except OSError:  # one of them is gone
        return bytes(8)
    return size


def _raw(modes: Modes) -> Modes:
    iflag, oflag, cflag, lflag, *speeds, characters = modes
    assert isinstance(iflag, int) and isinstance(oflag, int) and isinstance(lflag, int)  # noqa: PT018
    assert isinstance(characters, list)
    read_at_once = list(characters)
    read_at_once[termios.VMIN], read_at_once[termios.VTIME] = 1, 0
    t = termios
    iflag &= ~(t.IGNBRK | t.BRKINT | t.PARMRK | t.ISTRIP | t.INLCR | t.IGNCR | t.ICRNL | t.IXON)
    lflag &= ~(t.ECHO | t.ECHONL | t.ICANON | t.ISIG | t.IEXTEN)
    return [iflag, oflag & ~t.OPOST, cflag, lflag, *speeds, read_at_once]
