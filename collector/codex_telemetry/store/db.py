"""Open the database: make it where there is none, bring it up to date, or read it as it is."""

import contextlib
import errno
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from codex_telemetry.errors import UserError
from codex_telemetry.store import ours


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
    installed = Path(__file__).parents[1] / "_schema"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "schema"


def version() -> int:
    return len(migrations())


def prepare(path: Path, steps: Sequence[str] | None = None) -> None:
    """Make the file if it isn't there (0600, its folder 0700) and bring it up to date.

    `steps`: all migrations, if not our own. Raises `NewerDatabaseError`, `NotOursError`, or
    `OSError`/`sqlite3.Error` where it can't be opened, is damaged, or another process is at it for too
    long.
    """
    steps = migrations() if steps is None else steps
    make_folder(path.parent)
    if ours.look(path, len(steps)) is not None:
        with contextlib.closing(_connect(path)) as db:
            if ours.version_of(db, path, len(steps)) == len(steps):
                return
    with _locked(path):
        if ours.look(path, len(steps)) is None:
            _begin(path)
        with contextlib.closing(_connect(path)) as db:
            _migrate(db, ours.version_of(db, path, len(steps)), steps)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that aren't there, each 0700."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def open_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection with `sqlite3.Row` rows, for reports.

    Raises `UserError` where there is no database yet or it isn't ours, `NewerDatabaseError`.
    A database of an older version is migrated first where it can be written.
    """
    if not path.exists():
        raise UserError(
            f"there is no database yet at {path}",
            hint="fill it: codex-telemetry backfill, or codex-telemetry run -- codex app-server",
        )
    try:
        if ours.look(path, version()) is not None:
            db = _connect_to_read(path)
            if db is not None:
                return db
    except (OSError, sqlite3.OperationalError) as error:
        raise UserError(
            f"cannot open the database {path}: {ours.unquoted(error)}",
            hint="check its permissions, or name another with --db",
        ) from None
    try:
        prepare(path)
    except (OSError, sqlite3.Error) as error:
        raise UserError(
            f"the database {path} is of an older version and can't be upgraded: {ours.unquoted(error)}",
            hint="make it writable, or run any command once as its owner",
        ) from None
    return open_reader(path)


def open_to_write(path: Path) -> sqlite3.Connection:
    """A connection that writes, for what isn't a save. Raises `OSError` or `sqlite3.Error` where it
    can't be written, `NewerDatabaseError`."""
    prepare(path)
    db = _connect(path)
    db.execute("PRAGMA synchronous=NORMAL")
    return db


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def open_as_it_is(path: Path, busy_ms: int = ours.BUSY_MS) -> sqlite3.Connection | None:
    """A read-only connection; None where there is no database of this version. It changes nothing.

    Raises `UserError` for a file that isn't ours or is newer, `OSError`, `sqlite3.Error`.
    """
    if ours.look(path, version()) != version():
        return None
    return _connect_to_read(path, busy_ms=busy_ms)


def open_of_any_version(path: Path) -> sqlite3.Connection:
    """A read-only connection, also to a database of an older version; it changes nothing.

    Raises `UserError` where there is no file, it isn't ours or is newer, `OSError`, `sqlite3.Error`.
    """
    if ours.look(path, version()) is None:
        raise UserError(f"there is no database at {path}", hint="name another file")
    db = _connect_to_read(path, any_version=True)
    assert db is not None
    return db


def _connect(path: Path) -> sqlite3.Connection:
    # SQLite would open it to be read, and leave files beside it that can't be written later either.
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "it can't be written", str(path))
    db = ours.connect(path, "mode=rw")
    db.execute("PRAGMA foreign_keys=ON")
    return db


def _connect_to_read(
    path: Path, *, any_version: bool = False, busy_ms: int = ours.BUSY_MS
) -> sqlite3.Connection | None:
    """None if its version is an older one, and only this one is wanted."""
    # Where we may not write, SQLite can't make what it shares with other processes, or makes it such
    # that nobody can write it later; on a full disk neither. With nothing in the journal, the file is
    # all there is.
    journal = path.with_name(f"{path.name}-wal")
    alone = not (journal.exists() and journal.stat().st_size)
    writable = os.access(path.parent, os.W_OK) and os.access(path, os.W_OK)
    if writable or not alone:
        try:
            return _reader(path, "mode=ro", busy_ms, any_version=any_version)
        except sqlite3.OperationalError:
            if not alone:
                raise
    return _reader(path, "mode=ro&immutable=1", busy_ms, any_version=any_version)


def _reader(path: Path, how: str, busy_ms: int, *, any_version: bool) -> sqlite3.Connection | None:
    db = ours.connect(path, how, busy_ms)
    try:
        found = ours.version_of(db, path, version())
        db.execute("PRAGMA query_only=ON")
    except BaseException:
        db.close()
        raise
    if found != version() and not any_version:
        db.close()
        return None
    db.row_factory = sqlite3.Row
    return db


def _begin(path: Path) -> None:
    ours.clear_beside(path)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)  # it may have been there, empty


def _migrate(db: sqlite3.Connection, found: int, steps: Sequence[str]) -> None:
    if found == 0:
        # Ours before anything else is in it, so that every other file is known not to be.
        db.execute(f"PRAGMA application_id={ours.APPLICATION_ID}")
        # Before the first table: a wrapper, a backfill and reports work on it at once.
        db.execute("PRAGMA journal_mode=WAL")
    # A table that is made anew goes and comes again: what belongs to its rows shall not go with them.
    db.execute("PRAGMA foreign_keys=OFF")
    for number, sql in enumerate(steps[found:], start=found + 1):
        # One transaction each: a kill in between leaves the last whole version.
        db.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version={number};\nCOMMIT;")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time makes or migrates; the lock goes with its process."""
    flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    lock = os.open(path.with_name(path.name + ".lock"), flags, 0o600)
    try:
        deadline = time.monotonic() + ours.BUSY_MS / 1000
        while not _is_taken(lock):
            if time.monotonic() > deadline:
                raise sqlite3.OperationalError("another process is upgrading it")
            time.sleep(0.02)
        yield
    finally:
        os.close(lock)


def _is_taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
