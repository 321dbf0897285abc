"""Open the database, make it ours, bring it up to date. Never touch a file that isn't ours."""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path

from codex_telemetry.errors import NewerDatabaseError, UserError

APPLICATION_ID = 0x43585454
"""`PRAGMA application_id` of our files: "CXTT"."""

BUSY_MS = 5_000
"""How long one statement waits for another writer."""


class NotOursError(UserError):
    """The file is a database of another program, or no database at all."""


@cache
def migrations() -> tuple[str, ...]:
    """The SQL of each migration, in order; the schema's version is their number."""
    folder = schema_folder() / "sql"
    return tuple(
        path.read_text() for path in sorted(folder.iterdir()) if path.name.endswith(".sql")
    )


@cache
def schema_folder() -> Path:
    """Where the contracts lie: in the package where it is installed, else in the checkout."""
    installed = Path(str(resources.files("codex_telemetry"))) / "_schema"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "schema"


def version() -> int:
    return len(migrations())


def prepare(path: Path) -> None:
    """Make the file if it isn't there (0600, its folder 0700) and bring it up to date.

    Raises `NewerDatabaseError`, `NotOursError`, or `OSError`/`sqlite3.Error` where it can't be opened.
    Blocking: it may wait for another process that migrates.
    """
    if not path.parent.is_dir():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    with contextlib.closing(_connect(path)) as db:
        found = _check(db, path)
        if found == version():
            return
    with _locked(path), contextlib.closing(_connect(path)) as db:
        _migrate(db, _check(db, path))


def open_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection with `sqlite3.Row` rows, for reports.

    Raises `UserError` where there is no database yet or it isn't ours, `NewerDatabaseError`.
    A database of an older version is migrated first where it can be written.
    """
    if not path.exists():
        raise UserError(
            f"there is no database yet at {path}",
            hint="record something: codex-telemetry run -- codex app-server",
        )
    try:
        db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=BUSY_MS / 1000)
        db.execute("PRAGMA query_only=ON")
        found = _check(db, path)
    except sqlite3.OperationalError as error:
        raise UserError(
            f"cannot open the database {path}: {error}",
            hint="check its permissions, or name another with --db",
        ) from None
    if found < version():
        db.close()
        try:
            prepare(path)
        except (OSError, sqlite3.Error) as error:
            raise UserError(
                f"the database {path} is of an older version and can't be upgraded: {error}",
                hint="make it writable, or run any command once as its owner",
            ) from None
        return open_reader(path)
    db.row_factory = sqlite3.Row
    return db


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)
    db.execute("PRAGMA foreign_keys=ON")
    return db


def _check(db: sqlite3.Connection, path: Path) -> int:
    """The schema's version; 0 for a fresh file. Raises where it isn't ours or is newer."""
    try:
        application = db.execute("PRAGMA application_id").fetchone()[0]
        found = int(db.execute("PRAGMA user_version").fetchone()[0])
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise NotOursError(
            f"{path} is not a SQLite database",
            hint="move it away, or name another file with --db",
        ) from None
    if application != APPLICATION_ID and (tables or application):
        raise NotOursError(
            f"{path} is a database of another program",
            hint="name another file with --db",
        )
    if found > version():
        raise NewerDatabaseError(
            f"{path} was written by a newer version (schema {found}, this reads {version()})",
            hint="upgrade codex-telemetry, or name another file with --db",
        )
    return found


def _migrate(db: sqlite3.Connection, found: int) -> None:
    if found == 0:
        # Before the first table: a wrapper, a backfill and reports work on it at once.
        db.execute("PRAGMA journal_mode=WAL")
    for number, sql in enumerate(migrations()[found:], start=found + 1):
        # One transaction each: a kill in between leaves the last whole version.
        db.executescript(
            f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA application_id={APPLICATION_ID};\n"
            f"PRAGMA user_version={number};\nCOMMIT;"
        )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time migrates; the lock goes with its process."""
    lock = os.open(
        path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600
    )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
