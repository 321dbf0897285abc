"""Rollout files: where they are, which have changed, and their lines from where we stopped."""

import contextlib
import hashlib
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

FOLDERS = (("sessions", False), ("archived_sessions", True))
"""Under a home of Codex; archiving moves a file flat into the second."""

_NAME = re.compile(r"(rollout-.+)\.jsonl(\.zst)?")

BUFFER = 1 << 18
MOST_IN_A_LINE = 64 << 20
"""A longer line is skipped and counted (the longest seen: 1 MiB)."""

HEAD = 4096
TAIL = 256
"""How much of what was read is compared to tell an appended file from another in its place."""


class RolloutFile(NamedTuple):
    """A file as it was found."""

    path: Path
    home: Path
    stem: str
    """Its name without folder and endings: moving, archiving or compressing doesn't change it."""
    archived: bool
    compressed: bool
    size: int
    mtime_ns: int

    @property
    def relative(self) -> str:
        """Its path within its home."""
        return str(self.path.relative_to(self.home))


class Found(NamedTuple):
    files: list[RolloutFile]
    """One a rollout, the oldest name first: plain wins over compressed, sessions over archived."""
    unreadable: int
    """Folders and files that couldn't be looked at."""


class Mark(NamedTuple):
    """How far a file is read, and what was there: enough to know whether it is still so."""

    offset: int
    """Bytes (uncompressed), at the end of a line."""
    head: bytes
    tail: bytes


START = Mark(0, b"", b"")


class FileLine(NamedTuple):
    text: bytes | None
    """Without its end; None for a line too long to be read."""
    end: int
    """The offset behind it."""


def find(home: Path) -> Found:
    """Every rollout under a home. Raises `OSError` if the home itself can't be looked at."""
    os.scandir(home).close()
    best: dict[str, RolloutFile] = {}
    unreadable = 0
    for folder, archived in FOLDERS:
        for entry in _walk(home / folder):
            if entry is None:
                unreadable += 1
                continue
            match = _NAME.fullmatch(entry.name)
            if match is None:
                continue
            try:
                stat = entry.stat()
            except OSError:
                unreadable += 1
                continue
            file = RolloutFile(
                Path(entry.path),
                home,
                match[1],
                archived,
                match[2] is not None,
                stat.st_size,
                stat.st_mtime_ns,
            )
            other = best.get(file.stem)
            if other is None or (file.archived, file.compressed) < (
                other.archived,
                other.compressed,
            ):
                best[file.stem] = file
    return Found([best[stem] for stem in sorted(best)], unreadable)


def _walk(folder: Path) -> Iterator["os.DirEntry[str] | None"]:
    """All files below; None for what can't be read. A link to a folder is followed once."""
    seen: set[tuple[int, int]] = set()
    waiting = [str(folder)]
    while waiting:
        here = waiting.pop()
        try:
            stat = os.stat(here)  # noqa: PTH116 - a hot path: thousands of files
            if (stat.st_dev, stat.st_ino) in seen:
                continue
            seen.add((stat.st_dev, stat.st_ino))
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.is_dir():
                        waiting.append(entry.path)
                    elif entry.is_file():
                        yield entry
        except FileNotFoundError:
            continue
        except OSError:
            yield None


def mark(file: RolloutFile, offset: int) -> Mark:
    """The mark of a file read up to `offset`. Raises `OSError`, `zstandard.ZstdError`."""
    with _open(file) as stream:
        head = stream.read(min(HEAD, offset))
        tail = head[-TAIL:]
        if offset > len(head):
            if stream.seekable():
                stream.seek(offset - TAIL)
                tail = stream.read(TAIL)
            else:
                for chunk in _next(stream, offset - len(head)):
                    tail = (tail + chunk)[-TAIL:]
        return Mark(offset, _digest(head), _digest(tail))


def _next(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0 and (chunk := stream.read(min(size, BUFFER))):
        size -= len(chunk)
        yield chunk


def continues(file: RolloutFile, before: Mark) -> bool:
    """Whether a file is the one that was read up to `before`, or that with more at its end.

    False for one that was truncated, replaced or rewritten. Raises as `mark`.
    """
    if not file.compressed and file.size < before.offset:
        return False
    return mark(file, before.offset) == before


def lines(file: RolloutFile, offset: int) -> Iterator[FileLine]:
    """The whole lines of a file from `offset` on. Raises as `mark`.

    What stands behind the last newline is still being written, and isn't read; in a compressed
    file, which nobody writes on, it is a line.
    """
    with _open(file) as stream:
        if stream.seekable():
            stream.seek(offset)
        else:
            for _ in _next(stream, offset):
                pass
        end = offset
        while line := stream.readline(MOST_IN_A_LINE):
            if line.endswith(b"\n"):
                end += len(line)
                yield FileLine(line[:-2] if line.endswith(b"\r\n") else line[:-1], end)
            elif len(line) == MOST_IN_A_LINE:
                size, whole = _skip_line(stream)
                if not whole:
                    return
                end += len(line) + size
                yield FileLine(None, end)
            elif file.compressed:
                yield FileLine(line, end + len(line))


def _skip_line(stream: BinaryIO) -> tuple[int, bool]:
    size = 0
    while line := stream.readline(BUFFER):
        size += len(line)
        if line.endswith(b"\n"):
            return size, True
    return size, False


@contextlib.contextmanager
def _open(file: RolloutFile) -> Iterator[BinaryIO]:
    if not file.compressed:
        with file.path.open("rb", buffering=BUFFER) as plain:
            yield plain
        return
    import zstandard  # noqa: PLC0415 - few files are compressed

    with (
        file.path.open("rb") as packed,
        zstandard.ZstdDecompressor().stream_reader(packed, read_size=BUFFER) as stream,
        io.BufferedReader(stream, BUFFER) as unpacked,
    ):
        yield unpacked


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
