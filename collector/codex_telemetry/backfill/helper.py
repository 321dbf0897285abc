"""A second process that reads files where there are many: it decodes while this one saves.

Both take the numbers of the files from one pipe, so neither waits for the other, and what the second
has read it tells through another. It is a fork: it knows the files already. It never touches the
database, and it ends with this process, however that ends. A file that it was at when it was killed is
read by this one.
"""

import contextlib
import fcntl
import gc
import os
import signal
import struct
import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Never

import anyio
import msgspec

from codex_telemetry.backfill.log_files import LogFile
from codex_telemetry.backfill.one_file import Piece

WORTH_IT = 16 << 20
"""Bytes to be read from which on there is a second process: to start it takes some 20 ms."""

MOST = 4_000
"""Files that are shared at once: their numbers have to fit into a pipe."""

_NUMBER = struct.Struct("=I")
_HEAD = struct.Struct("=II")
"""A file's number, and how many bytes follow: none for one that this process has to read."""

_ROOM = 1 << 20
"""Bytes that may wait in the pipe: the most that Linux lets everybody have."""

Read = Callable[[LogFile], Piece | None]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Piece).decode


class Share:
    """Files that two processes read, or one where that isn't worth it, as the first sees it."""

    def __init__(self, logs: Sequence[LogFile], read: Read) -> None:
        self._logs = logs
        self._left = set(range(len(logs)))
        self._read = read
        self._numbers: int | None = None
        self._told = _Told()

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """While it lasts, there is a second process, if there can be one."""
        opened: list[int] = []
        helper = 0
        try:
            with contextlib.suppress(OSError):
                helper = self._start(opened)
            yield
        finally:
            for descriptor in opened:
                os.close(descriptor)
            if helper:
                os.kill(helper, signal.SIGKILL)
                os.waitpid(helper, 0)

    def _start(self, opened: list[int]) -> int:
        """The second process. `opened`: what has to be closed in the end. Raises `OSError`."""
        numbers, offer = os.pipe()
        opened += numbers, offer
        told, tell = os.pipe()
        opened += told, tell
        _make_room(told)
        os.set_blocking(told, False)
        os.write(offer, b"".join(map(_NUMBER.pack, range(len(self._logs)))))
        parent = os.getpid()
        with warnings.catch_warnings():
            # Python 3.12 warns of other threads' locks: the fork decodes, and takes none of them.
            warnings.simplefilter("ignore", DeprecationWarning)
            helper = os.fork()
        for end in (offer, tell) if helper else (offer, told):
            os.close(end)
            opened.remove(end)
        if helper == 0:
            self._help(numbers, tell, parent)
        self._numbers, self._told = numbers, _Told(told)
        return helper

    def mine(self) -> Iterator[tuple[LogFile, Piece | None]]:
        """Files that this process reads: whichever is next; None for one to be read with more care."""
        for number in _each(self._numbers) if self._numbers is not None else range(len(self._logs)):
            self._left.discard(number)
            yield self._logs[number], self._read(self._logs[number])

    def arrived(self) -> Iterator[tuple[LogFile, Piece | None]]:
        """Those that the second has read by now."""
        for number, piece in self._told.arrived():
            self._left.discard(number)
            yield self._logs[number], piece

    async def rest(self) -> AsyncIterator[tuple[LogFile, Piece | None]]:
        """Those that it is still at, and at last those that nobody has read: it was killed."""
        while await self._told.more():
            for each in self.arrived():
                yield each
        for number in sorted(self._left):
            yield self._logs[number], None

    def _help(self, numbers: int, tell: int, parent: int) -> Never:
        """Be the second process."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)  # it is the first one's loop that would be woken
            for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
                signal.signal(ending, signal.SIG_DFL)
            gc.disable()  # what the first one left isn't this one's to clear away
            with os.fdopen(tell, "wb") as file:
                for number in _each(numbers):
                    if os.getppid() != parent:
                        break
                    body = self._encoded(number)
                    file.write(_HEAD.pack(number, len(body)))
                    file.write(body)
                    file.flush()
            code = 0
        finally:
            os._exit(code)

    def _encoded(self, number: int) -> bytes:
        try:
            piece = self._read(self._logs[number])
            return b"" if piece is None else _encode(piece)
        except Exception:  # noqa: BLE001 - the first one will meet it too, and say so
            return b""


class _Told:
    """What comes through the pipe."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = descriptor
        self._waiting = bytearray()

    def arrived(self) -> Iterator[tuple[int, Piece | None]]:
        while self._descriptor is not None:
            try:
                chunk = os.read(self._descriptor, _ROOM)
            except BlockingIOError:
                return
            if not chunk:
                self._descriptor = None
            self._waiting += chunk
            yield from self._whole()

    async def more(self) -> bool:
        """Wait until something has come; False once nothing will."""
        if self._descriptor is not None:
            await anyio.wait_readable(self._descriptor)
        return self._descriptor is not None

    def _whole(self) -> Iterator[tuple[int, Piece | None]]:
        start = 0
        while len(self._waiting) - start >= _HEAD.size:
            number, length = _HEAD.unpack_from(self._waiting, start)
            end = start + _HEAD.size + length
            if len(self._waiting) < end:
                break
            body = bytes(self._waiting[start + _HEAD.size : end])
            yield number, _decode(body) if body else None
            start = end
        del self._waiting[:start]


def _each(numbers: int) -> Iterator[int]:
    """Each to one process only: so few bytes are read from a pipe at once, or not at all."""
    while number := os.read(numbers, _NUMBER.size):
        yield _NUMBER.unpack(number)[0]


def _make_room(descriptor: int) -> None:
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _ROOM)
