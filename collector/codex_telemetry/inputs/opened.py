"""A rollout file held open: whether it is the one we know, its lines from where we stopped, and by
what to know it again.

Whatever takes its place or is written to it meanwhile: what is remembered of it is what was read.
"""

import contextlib
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from codex_telemetry.inputs.files import RolloutFile

BUFFER = 1 << 18
MOST_IN_A_LINE = 32 << 20
"""A longer line is skipped and counted (the longest seen: 1 MiB)."""

HEAD = 4096
TAIL = 256
"""How much of what was read is compared to tell an appended file from another in its place."""

NEWLINE = 0x0A


class Mark(NamedTuple):
    """How far a file is read, and what was there: enough to know whether it is still so."""

    offset: int
    """Bytes (uncompressed), at the end of a line."""
    head: bytes
    tail: bytes


class UnreadableError(Exception):
    """From here on the file can't be read. `broken`: it will be so until it changes."""

    def __init__(self, *, broken: bool) -> None:
        super().__init__()
        self.broken = broken


class OpenedRollout:
    """One file, read forwards. `size` and `mtime_ns` are what they were before a byte was read."""

    def __init__(self, stream: BinaryIO, size: int, mtime_ns: int, *, compressed: bool) -> None:
        self.size = size
        self.mtime_ns = mtime_ns
        self._stream = stream
        self._compressed = compressed
        self.end = 0
        """The offset behind the last line that was read."""
        self._head = b""
        self._tail = b""
        self._torn = False

    def goes_on(self, before: Mark) -> bool:
        """Whether it is the file that was read up to `before`, or that with more at its end. If so,
        its lines go on from there; if not (it was truncated, replaced, rewritten), it is of no more
        use, and has to be opened anew. Raises `UnreadableError`."""
        with self._reading():
            head = self._stream.read(min(HEAD, before.offset))
            tail = head[-TAIL:]
            if before.offset > len(head) == HEAD:
                tail = self._tail_at(before.offset, tail)
        if (_digest(head), _digest(tail)) != (before.head, before.tail):
            return False
        self.end, self._head, self._tail = before.offset, head, tail
        return True

    def _tail_at(self, offset: int, tail: bytes) -> bytes:
        if not self._compressed:
            self._stream.seek(offset - TAIL)
            return self._stream.read(TAIL)
        left = offset - HEAD
        while left > 0 and (chunk := self._stream.read(min(left, BUFFER))):
            left -= len(chunk)
            tail = (tail + chunk)[-TAIL:]
        return b"" if left else tail

    def lines(self) -> Iterator[bytes | None]:
        """The whole lines from here on, as they are written; None for one too long to be read. Raises
        `UnreadableError`.

        What stands behind the last newline is still being written, and isn't read; in a compressed
        file, which nobody writes on, it is a line.
        """
        head_is_read = len(self._head) == HEAD
        with self._reading():
            while raw := self._stream.readline(MOST_IN_A_LINE):
                size = len(raw)
                if raw[-1] != NEWLINE:
                    if size >= MOST_IN_A_LINE and self._skipped(raw):
                        yield None
                        continue
                    if size < MOST_IN_A_LINE and self._compressed:
                        self._torn = True
                        self.end += size
                        yield raw
                    # Not a look further: more may have been written just now.
                    return
                if head_is_read and size >= TAIL:
                    self.end += size
                    self._tail = raw
                else:
                    self._read(raw, size)
                    head_is_read = len(self._head) == HEAD
                yield raw

    @property
    def mark(self) -> Mark:
        """By what to know it again, as far as it is read by now."""
        if self._torn:
            # In the middle of a line there is no going on: anything else there is another file.
            return Mark(self.end, b"", b"")
        return Mark(self.end, _digest(self._head), _digest(self._tail[-TAIL:]))

    def _read(self, raw: bytes, size: int) -> None:
        self.end += size
        if len(self._head) < HEAD:
            self._head = (self._head + raw)[:HEAD]
        self._tail = raw if len(raw) >= TAIL else self._tail[-TAIL:] + raw

    def _skipped(self, start: bytes) -> bool:
        """Read to the end of a line too long; False if it is still being written."""
        tail, size = start[-TAIL:], len(start)
        while raw := self._stream.readline(BUFFER):
            size += len(raw)
            tail = (tail + raw)[-TAIL:]
            if raw.endswith(b"\n"):
                if len(self._head) < HEAD:
                    self._head = (self._head + start)[:HEAD]
                self._read(tail, size)
                return True
        return False

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            raise UnreadableError(broken=not isinstance(error, OSError)) from error


@contextlib.contextmanager
def opened(file: RolloutFile) -> Iterator[OpenedRollout]:
    """Open a rollout. Raises `FileNotFoundError` if it is gone, `UnreadableError` if it can't be."""
    with contextlib.ExitStack() as stack:
        try:
            # Not waiting, should it have become a pipe meanwhile.
            descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            stream: BinaryIO = stack.enter_context(os.fdopen(descriptor, "rb", BUFFER))
            found = os.fstat(descriptor)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise UnreadableError(broken=False) from error
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableError(broken=False)
        if file.compressed:
            import zstandard  # noqa: PLC0415 - few files are compressed

            unpacking = zstandard.ZstdDecompressor().stream_reader(
                stream, read_size=BUFFER, read_across_frames=True
            )
            stream = stack.enter_context(io.BufferedReader(_AsItComes(unpacking), BUFFER))
        yield OpenedRollout(stream, found.st_size, found.st_mtime_ns, compressed=file.compressed)


class _AsItComes(io.RawIOBase):
    """Gives what is unpacked so far, where the reader itself would go on till there is as much as
    asked for, and lose it all when it comes to a broken place."""

    def __init__(self, unpacking: Any) -> None:
        self._unpacking = unpacking

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size: int = self._unpacking.readinto1(buffer)
        return size


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
