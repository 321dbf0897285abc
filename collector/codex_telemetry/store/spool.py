"""What couldn't be written waits in a file: made by the collector, taken in by the next who can.

A spool file is one batch (msgpack): facts, so no content. It is 0600 in a folder of 0700. What the
user granted is left out too, though it is sealed: Codex's own logs have it, and will be read.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from codex_telemetry.core.batch import Batch
from codex_telemetry.store.db import make_folder
from codex_telemetry.store.writer import UnsoundError, Writer

SUFFIX = ".spool"

_decode = msgspec.msgpack.Decoder(Batch).decode
_encode = msgspec.msgpack.encode


def put(batch: Batch, folders: Iterable[Path]) -> Path | None:
    """Keep a batch in the first folder that takes it; None if none does. Never raises `OSError`."""
    body = _encode(batch.without_content().sifted(_can_be_encoded))
    for folder in folders:
        name = f"{time.time_ns():x}-{os.getpid()}{SUFFIX}"
        draft = folder / f".{name}"
        try:
            make_folder(folder)
            if not _is_private(folder):
                continue
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as f:
                f.write(body)
                f.flush()
                os.fsync(f.fileno())
            # Only a whole file gets the name under which it is looked for.
            return draft.rename(folder / name)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink()
    return None


def waiting(folders: Iterable[Path]) -> Iterator[Path]:
    """The spool files that wait to be taken in, the oldest first in each folder."""
    for folder in folders:
        with contextlib.suppress(OSError):
            if _is_private(folder):
                yield from sorted(folder.glob(f"[!.]*{SUFFIX}"))


async def take_in(writer: Writer, folders: Iterable[Path]) -> int:
    """Save what waits, each file once, and remove it; how many were. Raises as `Writer.save`.

    A file that can't be read, or saved, stays where it is, for `doctor` to show.
    """
    taken = 0
    for path in list(waiting(folders)):
        try:
            batch = _decode(path.read_bytes())
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            continue
        try:
            taken += await writer.save(batch, spool=path.name)
        except UnsoundError:
            continue
        # One that can't be removed isn't taken in again: the database knows its name.
        with contextlib.suppress(OSError):
            path.unlink()
    return taken


def _can_be_encoded(batch: Batch) -> bool:
    try:
        _encode(batch)
    except (msgspec.MsgspecError, UnicodeEncodeError, OverflowError):
        return False
    return True


def _is_private(folder: Path) -> bool:
    """Ours, and nobody else can write there: the temp folder is everybody's."""
    found = folder.stat(follow_symlinks=False)
    return found.st_uid == os.getuid() and not found.st_mode & 0o022
