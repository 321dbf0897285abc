"""At most one watch for each home and database: a lock that goes with its process, however that ends."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from codex_telemetry.errors import UserError
from codex_telemetry.store.db import make_folder

LOOKED_AT_S = 0.5
"""Who only looks whether somebody watches holds the lock, too: for an instant."""


class Watcher(NamedTuple):
    pid: int | None
    """None: it hasn't said so yet."""


class _TakenError(Exception):
    """Another holds it."""


@contextlib.contextmanager
def held(database: Path, homes: Sequence[Path]) -> Iterator[None]:
    """Be the only one that follows these homes into that database.

    Raises `UserError` where another does, or the lock can't be made.
    """
    with contextlib.ExitStack() as locks:
        for home in dict.fromkeys(os.path.realpath(home) for home in homes):
            path = _path(database, home)
            try:
                locks.callback(os.close, _taken(path))
            except _TakenError:
                watcher = _said(path)
                who = "" if watcher.pid is None else f" (process {watcher.pid})"
                raise UserError(
                    f"another watch{who} follows {home} already",
                    hint="codex-telemetry service status says more",
                ) from None
            except OSError as error:
                raise UserError(
                    f"cannot lock {path}: {error.strerror}",
                    hint="make its folder writable, or name another database with --db",
                ) from None
        yield


def watcher(database: Path, home: Path) -> Watcher | None:
    """Who follows a home into that database; None if nobody does."""
    path = _path(database, os.path.realpath(home))
    try:
        lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _said(path)
    except OSError:  # a file system without locks
        return None
    finally:
        os.close(lock)
    return None


def _path(database: Path, home: str) -> Path:
    import hashlib  # noqa: PLC0415 - a backfill that doesn't watch needs none

    # Two databases may follow one home: they share nothing.
    key = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return database.with_name(f"{database.name}.watch-{key}.lock")


def _taken(path: Path) -> int:
    """The descriptor that holds it. Not inherited: a child would hold it after us."""
    make_folder(path.parent)
    flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    lock = os.open(path, flags, 0o600)
    try:
        deadline = time.monotonic() + LOOKED_AT_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise _TakenError from None
            time.sleep(0.02)
        os.ftruncate(lock, 0)
        os.pwrite(lock, b"%d\n" % os.getpid(), 0)
    except BaseException:
        os.close(lock)
        raise
    return lock


def _said(path: Path) -> Watcher:
    try:
        told = path.read_bytes()[:20].strip()
    except OSError:
        told = b""
    return Watcher(int(told) if told.isdigit() else None)
