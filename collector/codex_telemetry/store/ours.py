"""Whether a file is our database, told without touching it: a file that isn't ours is left alone."""

import contextlib
import re
import sqlite3
import stat
import time
from pathlib import Path

from codex_telemetry.errors import NewerDatabaseError, UserError

APPLICATION_ID = 0x43585454
"""`PRAGMA application_id` of our files: "CXTT"."""

BUSY_MS = 5_000
"""How long one statement waits for another writer, and a process for one that migrates."""

TORN_S = 1.0
"""How long a file that looks damaged is looked at again."""

_BESIDE = {
    "-wal": (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"),
    "-shm": (b"\x18\xe2\x2d\x00", b"\x00\x2d\xe2\x18", bytes(4)),
    "-journal": (b"\xd9\xd5\x05\xf9", bytes(4)),
}
"""What SQLite keeps beside a database, and how such a file begins where it isn't empty."""


class NotOursError(UserError):
    """The file is a database of another program, or no database at all."""


def look(path: Path, known: int) -> int | None:
    """The version by the file's own first page, which may be behind; None where there is no file, or
    an empty one. Raises where it isn't ours or is newer.

    As immutable, so that nothing is written: to open another program's database as usual would
    already bring its journal to an end. And by SQLite itself: to close a file of our own opening
    would drop the locks of every connection this process has to it (POSIX).
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise NotOursError(f"{path} is not a file", hint="name another file with --db")
    if found.st_size == 0:
        return None
    # While another process puts its journal into the file, that says more than is there yet.
    deadline = time.monotonic() + TORN_S
    while True:
        try:
            with contextlib.closing(connect(path, "mode=ro&immutable=1")) as db:
                # A kill or a full disk may have cut short what brings the journal into the file, which
                # is then shorter than its first page says for as long as nobody opens it. That is no
                # damage, as the journal has the rest; so the length isn't looked at here.
                db.execute("PRAGMA writable_schema=ON")
                return version_of(db, path, known)
        except sqlite3.DatabaseError as error:
            if not _is(error, sqlite3.SQLITE_CORRUPT) or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def version_of(db: sqlite3.Connection, path: Path, known: int) -> int:
    """The schema's version. Raises where it isn't ours or is newer than `known`."""
    try:
        application = db.execute("PRAGMA application_id").fetchone()[0]
        found = int(db.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.DatabaseError as error:
        if not _is(error, sqlite3.SQLITE_NOTADB):
            raise
        raise NotOursError(
            f"{path} is not a SQLite database",
            hint="move it away, or name another file with --db",
        ) from None
    if application != APPLICATION_ID and not _is_empty(db, application):
        raise NotOursError(
            f"{path} is a database of another program",
            hint="name another file with --db",
        )
    if found > known:
        raise newer(path, found, known)
    return found


def _is_empty(db: sqlite3.Connection, application: int) -> bool:
    """Whether a process was killed while it began the file, and SQLite has taken that back."""
    return application == 0 and db.execute("PRAGMA page_count").fetchone()[0] == 0


def unquoted(error: Exception) -> str:
    """What SQLite says, without what it may quote after a colon, in quotes, or as a text."""
    return re.split("[:'\"`]| - ", str(error))[0].strip()


def newer(path: Path, found: int, known: int) -> NewerDatabaseError:
    return NewerDatabaseError(
        f"{path} was written by a newer version (schema {found}, this reads {known})",
        hint="upgrade codex-telemetry, or name another file with --db",
    )


def connect(path: Path, how: str, busy_ms: int = BUSY_MS) -> sqlite3.Connection:
    """Never creates a file: that is for `db.prepare`, which sees to its mode."""
    return sqlite3.connect(
        f"{path.as_uri()}?{how}", uri=True, timeout=busy_ms / 1000, isolation_level=None
    )


def clear_beside(path: Path) -> None:
    """Remove what a deleted database has left behind. A process that still has it open would
    otherwise share its memory with ours, and both would be damaged."""
    for ending, beginnings in _BESIDE.items():
        beside = path.with_name(path.name + ending)
        try:
            with beside.open("rb") as file:
                begins = file.read(4)
        except FileNotFoundError:
            continue
        if begins and begins not in beginnings:
            raise NotOursError(
                f"{beside} is in the way, and not ours",
                hint="move it away, or name another file with --db",
            )
        beside.unlink()


def is_busy(error: sqlite3.Error) -> bool:
    """Another holds what is wanted, for now."""
    return _is(error, sqlite3.SQLITE_BUSY)


def _is(error: sqlite3.Error, code: int) -> bool:
    """Whether it's that error, or one of its kinds."""
    found: int = error.sqlite_errorcode
    return found & 0xFF == code
