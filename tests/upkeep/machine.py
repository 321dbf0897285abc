"""What tests of the commands share: where each database is, and how one is hurt."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

DAMAGE = b"\xff" * 4096


@contextmanager
def writing(database: Path) -> Iterator[None]:
    """Another process is at it."""
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE origins SET last_at = 0")
        yield
        db.execute("ROLLBACK")


def hurt(database: Path) -> Path:
    """Pages in its middle hold nothing that makes sense."""
    with database.open("r+b") as file:
        for page in range(3, database.stat().st_size // 4096, 2):
            file.seek(page * 4096)
            file.write(DAMAGE)
    return database


def made_newer(database: Path) -> Path:
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA user_version=999")
    return database


def not_ours(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (a)")
        db.execute("PRAGMA application_id=7")
        db.commit()
    return path
