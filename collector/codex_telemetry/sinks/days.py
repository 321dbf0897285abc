"""Export by day: which days of a folder are written anew, and how far that folder then is.

A day is written whole, under another name, and takes its place when it is complete. Only when all days
are there does the folder's cursor move. So whatever is killed or done twice doubles nothing; the next
export writes the same days again.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import msgspec
from msgspec import Struct

from codex_telemetry import private_files
from codex_telemetry.errors import UsageError, UserError
from codex_telemetry.store import changes
from codex_telemetry.store.by_day import LAST_DAY
from codex_telemetry.store.changes import Kind, Place
from codex_telemetry.store.db import make_folder
from codex_telemetry.store.queries import Store

CURSOR: Final = "_export.json"
"""Readers of partitioned folders pass over what begins with `_` or `.`."""

UNDATED: Final = "__HIVE_DEFAULT_PARTITION__"
"""What Hive, and all who read as it does, call the day of what has none."""

AT_ONCE: Final = 10_000

Day = int | None
"""Since 1970, UTC."""

Write = Callable[[BinaryIO, Sequence[Sequence[Any]]], None]
"""Write rows into a file."""


class Table(NamedTuple):
    name: str
    rows: Callable[[Day], Iterator[Sequence[Any]]]
    of: Sequence[Kind]
    """What it changes with."""
    write: Write


class Done(NamedTuple):
    table: str
    written: int
    removed: int
    waiting: int
    rows: int
    bytes: int


class _Reached(Struct):
    """How far a table is."""

    number: int
    waiting: list[Day]
    """Days that changed since, or before, and weren't asked for."""


class _Cursor(Struct, forbid_unknown_fields=True):
    format: str
    database: str
    history: str
    look: str
    """What else makes all rows others: the columns, and how names are shown."""
    tables: dict[str, _Reached]


class Folder:
    """A folder that is exported into, while nobody else does."""

    def __init__(self, path: Path, ending: str, db: Store, look: str) -> None:
        self._path = path
        self._ending = ending
        self._db = db
        # Before anything is read: what changes meanwhile is written anew by the next export.
        self._now = changes.state(db)
        self._cursor = self._read(look)

    def export(self, table: Table, wanted: Callable[[Day], bool]) -> Done:
        """Write the days that changed and are wanted."""
        changed = self._changed(table)
        written = removed = rows = size = 0
        for day in sorted(filter(wanted, changed), key=lambda day: (day is not None, day)):
            of_day = list(table.rows(day))
            if of_day:
                size += self._put(self._file(table.name, day), of_day, table.write)
                written, rows = written + 1, rows + len(of_day)
            else:
                removed += self._remove(self._file(table.name, day))
        waiting = [day for day in changed if not wanted(day)]
        self._cursor.tables[table.name] = _Reached(self._now.number, waiting)
        return Done(table.name, written, removed, len(waiting), rows, size)

    def finish(self) -> None:
        """From here on, what is written now isn't written again."""
        body = msgspec.json.format(msgspec.json.encode(self._cursor), indent=2) + b"\n"
        private_files.write(self._path / CURSOR, body, anew=True)

    def _changed(self, table: Table) -> set[Day]:
        reached = self._cursor.tables.get(table.name)
        if reached is None or reached.number > self._now.number:
            return {*self._days_since(0, table.of), *self._days_there(table.name)}
        return {*self._days_since(reached.number, table.of), *reached.waiting}

    def _days_since(self, number: int, kinds: Sequence[Kind]) -> Iterator[Day]:
        place = changes.after(number) if number else Place()
        while found := changes.changes_since(self._db, place, AT_ONCE):
            for change in found:
                if change.kind in kinds:
                    yield from _days_of(change.day)
            place = found[-1].place

    def _days_there(self, table: str) -> Iterator[Day]:
        for path in (self._path / table).glob(f"day=*/part.{self._ending}"):
            yield _day(path.parent.name.partition("=")[2])

    def _file(self, table: str, day: Day) -> Path:
        return self._path / table / f"day={_named(day)}" / f"part.{self._ending}"

    def _put(self, path: Path, rows: Sequence[Sequence[Any]], write: Write) -> int:
        make_folder(path.parent)
        draft = path.with_name(f".{path.name}.draft")
        try:
            flags = os.O_CREAT | os.O_TRUNC | os.O_WRONLY
            with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
                write(file, rows)
                file.flush()
                os.fsync(file.fileno())
            size = draft.stat().st_size
            draft.replace(path)
        except OSError:
            # On a full disk what is half written would only be in the way.
            draft.unlink(missing_ok=True)
            raise
        return size

    def _remove(self, path: Path) -> int:
        try:
            path.unlink()
            path.parent.rmdir()
        except FileNotFoundError:
            return 0
        return 1

    def _read(self, look: str) -> _Cursor:
        fresh = _Cursor(self._ending, self._now.database, self._now.history, look, {})
        try:
            body = (self._path / CURSOR).read_bytes()
        except FileNotFoundError:
            return fresh
        try:
            found = msgspec.json.decode(body, type=_Cursor)
        except msgspec.MsgspecError:
            raise UserError(
                f"{self._path / CURSOR} isn't what an export left there",
                hint="delete it, and all days are written anew",
            ) from None
        if found.database != fresh.database or found.format != fresh.format:
            other = "another database" if found.database != fresh.database else found.format
            raise UsageError(
                f"what lies in {self._path} is of {other}", hint="name another folder with --out"
            )
        is_same = (found.history, found.look) == (fresh.history, fresh.look)
        return found if is_same else fresh


@contextmanager
def folder(path: Path, ending: str, db: Store, look: str) -> Iterator[Folder]:
    """Raises `UserError`, `OSError`."""
    make_folder(path)
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another export is writing into {path}", hint="try again when it is done"
            ) from None
        yield Folder(path, ending, db, look)
    finally:
        os.close(lock)


_EPOCH: Final = date(1970, 1, 1)


def _days_of(day: Day) -> Iterator[Day]:
    # An id may claim any time; SQLite counts the last day before 1970 as 0 too.
    if day is not None and 0 <= day <= LAST_DAY:
        yield day
    if not day or not 0 <= day <= LAST_DAY:
        yield None


def _named(day: Day) -> str:
    return UNDATED if day is None else (_EPOCH + timedelta(days=day)).isoformat()


def _day(name: str) -> Day:
    try:
        return (date.fromisoformat(name) - _EPOCH).days
    except ValueError:
        return None
