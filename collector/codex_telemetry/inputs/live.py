"""The frames of the pump, brought back to lines: in the order they were heard, each with its time."""

import fcntl
import heapq
import os
from collections.abc import AsyncIterator, Iterator
from time import localtime, mktime
from typing import NamedTuple

import anyio

from codex_telemetry import frames
from codex_telemetry.frames import COUNT, HEADER, WINDOW

READ = 1 << 20
PAUSE_S = 0.1
"""How long we leave alone what has come, for more to come: to be woken by each message would cost us,
and the pump, more than to read it does."""
FLOOD = 1 << 16
"""What comes in such pieces is read without a pause, lest the pump has to keep it."""
HOLD_NS = 30_000_000
"""How long a copy waits for an earlier one of the other direction: each thread of the pump hands
over its own, so a request may come after its answer. The rest of us sees 30 ms later."""

JUMP_MS = 250
"""Our wall clock was set when it is further than this from where the monotonic one says. What is
less may be no more than a busy machine, which read one a while after the other."""

MOST_IN_A_LINE = 64 << 20
"""A longer line isn't kept to be read (the longest seen: 1,059,840 bytes)."""

MOST_IN_A_FRAME = 64 << 20
"""The pump's frames hold 64 KiB at most: what says it is longer than this is no frame."""

TOO_LONG = "line too long"
DROPPED = {
    frames.GAP_CLIENT: "copies to Codex dropped",
    frames.GAP_SERVER: "copies from Codex dropped",
    frames.GAP_SCREEN: "copies of the screen dropped",
}


class Frame(NamedTuple):
    """What the pump handed over. Ordered by `mono_ns`, then as it came."""

    mono_ns: int
    number: int
    kind: int
    wall_ns: int
    payload: bytes


class Line(NamedTuple):
    """One whole line, without its end."""

    from_codex: bool
    wall_ms: int
    utc_offset_min: int
    text: bytes
    set_by_ms: int = 0
    """By how much the wall clock was set since the first line."""


class Lost(NamedTuple):
    """Bytes of one direction that weren't heard; what is left of their line isn't read either."""

    from_codex: bool
    wall_ms: int
    dropped_bytes: int
    reason: str


class Meta(NamedTuple):
    """The pump's own words: how the child was started, how it ended (JSON)."""

    started: bool
    wall_ms: int
    body: bytes


class Shown(NamedTuple):
    """Bytes that reached the terminal of a person."""

    wall_ms: int
    utc_offset_min: int
    data: bytes


class Sized(NamedTuple):
    """How large that terminal is from here on."""

    rows: int
    columns: int


Heard = Line | Lost | Meta | Shown | Sized


async def listen(fd: int) -> AsyncIterator[list[Heard]]:
    """All that is heard on the pump's pipe until it ends, a batch at a time.

    Raises `OSError`, `TornError`, once all that came before is told.
    """
    os.set_blocking(fd, False)
    pending = Pending()
    lines = Lines()
    came, flood = 0, _flood(fd)
    while True:
        with anyio.move_on_after(HOLD_NS / 1e9 if pending else None) as pause:
            await anyio.wait_readable(fd)
        if pause.cancelled_caught:
            yield list(lines.of(pending.all()))
            continue
        if came < flood:
            await anyio.sleep(PAUSE_S)
        try:
            chunk = os.read(fd, READ)
            pending.feed(chunk)
        except BlockingIOError:
            continue
        except (OSError, TornError):
            yield list(lines.of(pending.all()))
            raise
        if not chunk:
            yield list(lines.of(pending.all()))
            return
        came = len(chunk)
        yield list(lines.of(pending.ripe()))


def _flood(pipe: int) -> int:
    """So many bytes at once are no calm traffic: more of them are there by now, or soon will be. A
    pipe that the pump couldn't widen never holds more than its size."""
    try:
        return min(FLOOD, fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) // 2)
    except (AttributeError, OSError):  # not Linux, whose pipes hold 16 KiB at first; no pipe
        return FLOOD // 8


class TornError(Exception):
    """What comes through the pipe isn't what a pump sends."""


class Pending:
    """Frames put back in the order in which they were heard."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._heap: list[Frame] = []
        self._count = 0
        self._newest = 0

    def __bool__(self) -> bool:
        return bool(self._heap)

    def feed(self, chunk: bytes) -> None:
        """Take bytes of the pipe, cut anywhere."""
        held = self._bytes
        held += chunk
        start = 0
        while len(held) - start >= HEADER.size:
            kind, length, wall_ns, mono_ns = HEADER.unpack_from(held, start)
            if length > MOST_IN_A_FRAME:
                raise TornError
            end = start + HEADER.size + length
            if len(held) < end:
                break
            payload = bytes(held[start + HEADER.size : end])
            self._count += 1
            self._newest = max(self._newest, mono_ns)
            heapq.heappush(self._heap, Frame(mono_ns, self._count, kind, wall_ns, payload))
            start = end
        del held[:start]

    def ripe(self) -> Iterator[Frame]:
        """Those that no earlier one can still overtake."""
        while self._heap and self._heap[0].mono_ns <= self._newest - HOLD_NS:
            yield heapq.heappop(self._heap)

    def all(self) -> Iterator[Frame]:
        while self._heap:
            yield heapq.heappop(self._heap)


class Lines:
    """Cuts each direction into lines. After a gap it goes on at the next line's start."""

    def __init__(self) -> None:
        self._clock = SteadyClock()
        self._halves = {False: _Half(), True: _Half()}

    def of(self, heard: Iterator[Frame]) -> Iterator[Heard]:
        for frame in heard:
            if frame.kind in (frames.CLIENT, frames.SERVER):
                yield from self._lines(frame, self._clock.wall_ms(frame))
            elif frame.kind in DROPPED:
                from_codex = frame.kind != frames.GAP_CLIENT
                (dropped,) = COUNT.unpack(frame.payload[: COUNT.size].ljust(COUNT.size, b"\0"))
                self._halves[from_codex].torn()
                yield Lost(from_codex, self._clock.wall_ms(frame), dropped, DROPPED[frame.kind])
            elif frame.kind == frames.SCREEN:
                wall_ms = frame.wall_ns // 1_000_000
                yield Shown(wall_ms, utc_offset_min(wall_ms), frame.payload)
            elif frame.kind == frames.SIZE and len(frame.payload) == WINDOW.size:
                yield Sized(*WINDOW.unpack(frame.payload))
            elif frame.kind in (frames.START, frames.END):
                yield Meta(frame.kind == frames.START, frame.wall_ns // 1_000_000, frame.payload)

    def _lines(self, frame: Frame, wall_ms: int) -> Iterator[Line | Lost]:
        from_codex = frame.kind == frames.SERVER
        offset = utc_offset_min(wall_ms)
        for text in self._halves[from_codex].lines(frame.payload):
            if isinstance(text, int):
                yield Lost(from_codex, wall_ms, text, TOO_LONG)
            else:
                yield Line(from_codex, wall_ms, offset, text, self._clock.set_by_ms)


class _Half:
    """One direction: the line that isn't whole yet. Of one that is too long only the size is kept."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._skipping = False

    def lines(self, payload: bytes) -> Iterator[bytes | int]:
        """The lines that are whole now; of one that was too long its number of bytes."""
        *whole, rest = payload.split(b"\n")
        for text in whole:
            self._add(text)
            if self._size > MOST_IN_A_LINE:
                yield self._size
            elif not self._skipping:
                yield b"".join(self._parts)
            self._start(skipping=False)
        self._add(rest)

    def torn(self) -> None:
        """The rest of this line isn't one."""
        self._start(skipping=True)

    def _add(self, text: bytes) -> None:
        if self._skipping:
            return
        self._size += len(text)
        if self._size > MOST_IN_A_LINE:
            self._parts.clear()
        elif text:
            self._parts.append(text)

    def _start(self, *, skipping: bool) -> None:
        self._parts.clear()
        self._size = 0
        self._skipping = skipping


class SteadyClock:
    """Wall time that runs with the monotonic clock, until somebody sets the wall clock."""

    def __init__(self) -> None:
        self._offset_ns: int | None = None
        self.set_by_ms = 0
        """By how much it was set, all in all."""

    def wall_ms(self, frame: Frame) -> int:
        offset = frame.wall_ns - frame.mono_ns
        if self._offset_ns is None:
            self._offset_ns = offset
        set_by_ms = round((offset - self._offset_ns) / 1_000_000)
        if abs(set_by_ms - self.set_by_ms) > JUMP_MS:
            self.set_by_ms = set_by_ms
        return (frame.mono_ns + self._offset_ns) // 1_000_000 + self.set_by_ms


def utc_offset_min(wall_ms: int) -> int:
    """This machine's offset from UTC at that time."""
    try:
        return localtime(wall_ms / 1000).tm_gmtoff // 60
    except (OverflowError, ValueError, OSError):  # no such year
        return 0


def ms_of_local(year: int, month: int, day: int, hour: int, minute: int) -> int | None:
    """When it is, or was, that by this machine's clock (ms UTC); None if it never is."""
    try:
        seconds = mktime((year, month, day, hour, minute, 0, 0, 0, -1))
        told = localtime(seconds)
    except (OverflowError, ValueError, OSError):
        return None
    # `mktime` takes the 30th of February for the 2nd of March.
    return int(seconds * 1000) if (told.tm_mon, told.tm_mday) == (month, day) else None
