"""Notice that the database was written to, replaced or taken away, without reading it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from codex_telemetry.store import ours
from codex_telemetry.store.db import version
from codex_telemetry.store.queries import Store


class Noticed(NamedTuple):
    """Whatever differs from one look to the next has changed."""

    file: tuple[int, int] | None
    """Device and inode of what lies at the path now, which may not be what is open; None: nothing."""
    writes: int
    """SQLite's own count of what others have committed since it was opened."""
    disk: tuple[int, ...]
    """Sizes and times of the file and its journal. Where these change and that count doesn't, it may
    have been opened as if nobody wrote to it (`db.open_reader`), and says nothing of what they do."""


def look(db: Store, path: Path) -> Noticed:
    """Of a database that is open."""
    try:
        found = path.stat()
    except OSError:
        return Noticed(None, 0, ())
    count: int = db.execute("PRAGMA data_version").fetchone()[0]
    disk = (*_changed(path), *_changed(path.with_name(f"{path.name}-wal")))
    return Noticed((found.st_dev, found.st_ino), count, disk)


def _changed(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_size, found.st_mtime_ns)


@contextlib.contextmanager
def one_moment(db: Store, path: Path) -> Iterator[None]:
    """All that is read meanwhile is of one moment. Raises `NewerDatabaseError` where another has
    upgraded it since it was opened."""
    db.execute("BEGIN")
    try:
        ours.version_of(db, path, version())
        yield
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
