"""Hand copies of the traffic to the collector without ever making the traffic wait.

What the pipe doesn't take at once is kept up to a bound. Past it a copy is dropped, and the place and
size of the loss are told as soon as there is room.
"""

import fcntl
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable

from codex_telemetry.frames import (
    CLIENT,
    COUNT,
    GAP_CLIENT,
    GAP_SCREEN,
    GAP_SERVER,
    HEADER,
    SCREEN,
    SERVER,
    frame,
    monotonic_ns,
)

BOUND = 64 * 1024 * 1024
"""Bytes of frames kept for a collector that doesn't keep up."""
IN_THE_PIPE = 1024 * 1024
"""Bytes that the pipe itself shall keep, where the system lets us (Linux): to whom nothing waits here,
nothing has to be done beside the traffic."""
BLOCK = 64 * 1024
"""Waiting frames share blocks of about this size: a million small ones are no million objects."""

AGAIN_S = 5.0
"""How long after a collector died another is started."""
MOST_AGAIN = 5
"""Then it is the collector's own fault, and the next would die too."""

GAP = {CLIENT: GAP_CLIENT, SERVER: GAP_SERVER, SCREEN: GAP_SCREEN}


class Tee:
    """The writing end of the collector's pipe. With None as its descriptor it swallows everything.

    `again` starts another collector in the place of one that died, and tells it so.
    """

    def __init__(self, copies: int | None, again: Callable[[], int | None] | None = None) -> None:
        self._copies = copies
        self._again = again if copies is not None else None
        self._left = MOST_AGAIN
        self._closed = False
        self._lock = threading.Lock()
        self._change = threading.Condition(self._lock)
        self._waiting: deque[bytearray] = deque()
        self._size = 0
        self._lost: dict[int, tuple[int, int, int]] = {}
        if copies is not None:
            _make_ready(copies)
            threading.Thread(target=self._drain, daemon=True).start()

    def put(self, kind: int, wall_ns: int, mono_ns: int, payload: bytes) -> None:
        """Copy what was read at that time; returns without waiting, whatever the collector does."""
        with self._lock:  # its own way into it is faster than through the condition
            if self._copies is None:
                return
            if self._size + HEADER.size + len(payload) > BOUND:
                since_wall, since_mono, dropped = self._lost.get(kind, (wall_ns, mono_ns, 0))
                self._lost[kind] = (since_wall, since_mono, dropped + len(payload))
                return
            try:
                if self._lost:
                    self._tell_losses()
                self._add(frame(kind, wall_ns, mono_ns, payload))
            except MemoryError:  # rather no copies than no traffic
                self._copies = self._again = None
                self._waiting.clear()

    def close(self, kind: int, payload: bytes) -> None:
        """Add the last frame and see to it that all that waits arrives, without waiting for it.

        What the pipe takes now is written now. If something is left (the collector may still be
        starting, or be slow), a fork stays behind to write it, so that we can leave with the child's
        code at once and still lose nothing: any bound on waiting here would be too long for a client
        and too short for a busy machine. The fork ends with the collector at the latest, by EPIPE.
        """
        with self._change:
            self._say_last(frame(kind, time.time_ns(), monotonic_ns(), payload))
            if self._copies is None and self._again is not None:
                # Nobody was told yet that something is missing.
                self._begin_again(self._again())
                self._say_last(frame(kind, time.time_ns(), monotonic_ns(), payload))
            self._closed = True
            copies, self._copies = self._copies, None
            waiting, self._waiting = self._waiting, deque()
        if copies is not None and waiting:
            _leave_behind(copies, waiting)

    def _say_last(self, data: bytes) -> None:
        self._tell_losses()
        self._add(data)
        while self._waiting and self._send():
            pass

    def _tell_losses(self) -> None:
        """Queue the pending gaps. They are a few bytes, so they may exceed the bound."""
        for kind, (wall_ns, mono_ns, dropped) in self._lost.items():
            self._add(frame(GAP[kind], wall_ns, mono_ns, COUNT.pack(dropped)))
        self._lost.clear()

    def _add(self, data: bytes) -> None:
        """Write a frame now if nothing is before it; what isn't taken waits, a torn tail first."""
        sent = 0 if self._waiting else self._write(data)
        if sent == len(data):
            return
        if self._waiting and len(self._waiting[-1]) < BLOCK:
            self._waiting[-1] += data
        else:
            self._waiting.append(bytearray(data[sent:]))
        self._size += len(data) - sent
        self._change.notify()

    def _send(self) -> int:
        """Write from the oldest block; how much of it the pipe took."""
        block = self._waiting[0]
        sent = self._write(block)
        if sent == len(block):
            self._waiting.popleft()
        else:
            del block[:sent]
        self._size -= sent
        return sent

    def _write(self, data: bytes | bytearray) -> int:
        if self._copies is None:
            return len(data)
        try:
            return os.write(self._copies, data)
        except BlockingIOError:
            return 0
        except OSError:  # the collector is gone: until there is another, there is nobody to tell
            os.close(self._copies)
            self._copies = None
            self._change.notify()
            return len(data)

    def _begin_again(self, copies: int | None) -> None:
        """With another collector. What waited may begin in the middle of a frame."""
        self._waiting.clear()
        self._size = 0
        self._copies = copies
        self._left -= 1
        if not self._left:
            self._again = None
        if copies is not None:
            _make_ready(copies)

    def _drain(self) -> None:
        """A thread that is awake only while something waits, and holds the lock for one write."""
        while True:
            with self._change:
                while self._copies is not None and not self._waiting:
                    self._change.wait()
                copies = self._copies
            if copies is None:
                if not self._start_another():
                    return
                continue
            room = select.poll()
            room.register(copies, select.POLLOUT)
            room.poll()
            with self._change:
                if self._copies is not None and self._waiting and self._send():
                    self._tell_losses()

    def _start_another(self) -> bool:
        """After a while, in the place of the collector that died; False if there is to be none."""
        with self._change:
            self._waiting.clear()
            self._size = 0
            again = self._again
        if again is None:
            return False
        time.sleep(AGAIN_S)
        copies = again()
        with self._change:
            if not self._closed:
                self._begin_again(copies)
            elif copies is not None:
                os.close(copies)
        return not self._closed


def _make_ready(pipe: int) -> None:
    """So that it never blocks, and holds what is said while the collector waits for more."""
    os.set_blocking(pipe, False)
    try:  # noqa: SIM105  contextlib takes longer to import than all the rest of this
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, IN_THE_PIPE)
    except (AttributeError, OSError):  # not Linux, or this user's pipes are large enough already
        pass


def _leave_behind(copies: int, waiting: deque[bytearray]) -> None:
    """Fork a process that writes what waits. If that can't be done, it is lost with us.

    Forking beside threads is safe here only because the fork takes no lock and imports nothing: all
    it does is write. Untested on macOS.
    """
    import warnings  # noqa: PLC0415  rarely needed

    warnings.simplefilter("ignore")  # from 3.12 on Python warns of what is weighed up above
    try:
        pid = os.fork()
    except OSError:
        return
    if pid != 0:
        return
    try:
        # Not the terminal's any more, and nothing that the client or the child waits to see closed.
        os.setsid()
        for name in os.listdir("/dev/fd"):  # noqa: PTH208  nothing may be imported here
            try:
                if int(name) != copies:
                    os.close(int(name))
            except OSError:  # the listing's own descriptor
                pass
        os.set_blocking(copies, True)
        for block in waiting:
            view = memoryview(block)
            while view:
                view = view[os.write(copies, view) :]
    finally:
        os._exit(0)
