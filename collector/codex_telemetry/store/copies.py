"""Whole copies of a database: as it was at one moment, private, and looked at before they count."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from codex_telemetry.errors import UsageError, UserError
from codex_telemetry.store import db as database
from codex_telemetry.store import ours

BESIDE = ("", "-wal", "-shm", "-journal", ".lock")
"""What SQLite and we leave beside a database."""

STEP_S = 0.05


class Copied(NamedTuple):
    path: Path
    bytes: int
    rows: dict[str, int]
    """Of each table."""


class BusyError(Exception):
    """Another process is writing, and went on doing so for too long."""


def backup(source: Path, target: Path, *, force: bool) -> Copied:
    """A copy of the database in a file of its own, which is there whole or not at all.

    `force`: in the place of an older one. Raises `UserError`."""
    if target.exists() and target.samefile(source):
        raise UsageError("that is the database itself", hint="name another file")
    try:
        _may_be_written(target, force=force)
        with contextlib.closing(database.open_reader(source)) as db, draft(target) as path:
            db.execute("BEGIN")
            rows = counted(db)
            copy(db, path)
            check(path, rows)
            _flush(path)
            _name(path, target, force=force)
            _flush(target.parent)
    except FileExistsError:
        raise _is_there(target) from None
    except (OSError, sqlite3.Error) as error:
        raise UserError(
            f"cannot write the copy {target}: {ours.unquoted(error)}",
            hint="nothing was changed; see to its folder and to free space there",
        ) from None
    return Copied(target, target.stat().st_size, rows)


@contextlib.contextmanager
def opened(path: Path, scratch: Path) -> Iterator[sqlite3.Connection]:
    """Another database of ours, as it is at one moment; one of an older version as a copy in
    `scratch` that was brought up to date. The file isn't changed. Raises `UserError`."""
    with contextlib.ExitStack() as open_until_then:
        try:
            db = _opened(path, scratch, open_until_then)
        except OSError as error:
            raise UserError(
                f"cannot read {path}: {error.strerror or 'it is no file'}",
                hint="check its permissions",
            ) from None
        except sqlite3.OperationalError as error:
            raise UserError(
                f"cannot read {path}: {ours.unquoted(error)}", hint="check its permissions"
            ) from None
        except sqlite3.DatabaseError:
            raise damaged(path) from None
        yield db


def _opened(path: Path, scratch: Path, until_then: contextlib.ExitStack) -> sqlite3.Connection:
    db = until_then.enter_context(contextlib.closing(database.open_of_any_version(path)))
    db.execute("BEGIN")
    _sound(db, path)
    if db.execute("PRAGMA user_version").fetchone()[0] == database.version():
        return db
    newer = until_then.enter_context(draft(scratch / path.name))
    copy(db, newer)
    database.prepare(newer)
    return until_then.enter_context(contextlib.closing(database.open_reader(newer)))


@contextlib.contextmanager
def draft(target: Path) -> Iterator[Path]:
    """A private file beside the target, gone in the end unless it was renamed."""
    path = target.with_name(f".{target.name}.{os.urandom(4).hex()}")
    database.make_folder(target.parent)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    try:
        yield path
    finally:
        for ending in BESIDE:
            path.with_name(path.name + ending).unlink(missing_ok=True)


def copy(source: sqlite3.Connection, path: Path) -> None:
    """All pages, into one file that needs nothing beside it."""
    with contextlib.closing(ours.connect(path, "mode=rw")) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")


def put_into(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """All pages, into a database that others have open, in one transaction of SQLite's own.

    Raises `BusyError` if one of them is writing for too long."""
    deadline = time.monotonic() + ours.BUSY_MS / 1000

    def still(status: int, *_: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > deadline:
            raise BusyError

    source.backup(target, progress=still, sleep=STEP_S)


def check(path: Path, rows: dict[str, int] | None, *, called: Path | None = None) -> None:
    """Raises `UserError` if a copy isn't sound, or has other rows than it should."""
    with contextlib.closing(ours.connect(path, "mode=ro")) as db:
        _sound(db, called or path)
        if rows is not None and counted(db) != rows:
            raise UserError("the copy isn't what was copied", hint="nothing was changed; try again")


def counted(db: sqlite3.Connection) -> dict[str, int]:
    """How many rows each table has."""
    tables = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    names = [row[0] for row in tables if not row[0].startswith("sqlite_")]
    return {n: int(db.execute(f'SELECT count(*) FROM "{n}"').fetchone()[0]) for n in names}


def damaged(path: Path) -> UserError:
    return UserError(f"{path} is damaged", hint="nothing was changed; take another copy")


def _sound(db: sqlite3.Connection, path: Path) -> None:
    whole = db.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
    if not whole or db.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise damaged(path)


def _may_be_written(target: Path, *, force: bool) -> None:
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {target.parent}", hint="make it, or name another")
    if not target.exists():
        return
    if not force:
        raise _is_there(target)
    # Only what is a copy of ours is replaced.
    ours.look(target, database.version())


def _name(path: Path, target: Path, *, force: bool) -> None:
    if not force:
        try:
            os.link(path, target)
            return
        except FileExistsError:
            raise
        except OSError:  # there are no links where it is: on a stick, say
            if target.exists():
                raise FileExistsError(target) from None
    path.replace(target)


def _is_there(target: Path) -> UserError:
    return UsageError(f"{target} is there already", hint="name a new file, or say --force")


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
