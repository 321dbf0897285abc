"""How far each rollout file is read. A cursor moves in the transaction that saves what was read."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from codex_telemetry.store.bodies import squeezed, unpacked
from codex_telemetry.store.queries import Store

if TYPE_CHECKING:
    import aiosqlite  # what names an origin, reports read: they take nothing heavy

KEY_BETWEEN = "|"


class OvertakenError(Exception):
    """Someone else has read on in this file meanwhile: what we read of it isn't saved."""


class Place(NamedTuple):
    """What of a cursor changes with every save."""

    size: int
    mtime_ns: int
    read_to: int


class AsFound(NamedTuple):
    """What of a file tells whether it may be another than it was."""

    size: int
    mtime_ns: int
    path: str


class Cursor(Struct):
    """One file: as it was found, and how far it is read."""

    home: str
    path: str
    """Relative to its home."""
    size: int
    mtime_ns: int
    read_to: int
    """Bytes (uncompressed), at the end of a line."""
    head: bytes
    tail: bytes
    state: bytes
    lines: int
    skipped_lines: int
    since: Place | None = None
    """Where the stored cursor was when this reading began; None if there was none."""

    @property
    def place(self) -> Place:
        return Place(self.size, self.mtime_ns, self.read_to)


def origin_name(home: str, stem: str) -> str:
    """The name of a rollout's origin: archiving, moving or compressing the file doesn't change it."""
    return f"{home}{KEY_BETWEEN}{stem}"


_COLUMNS: Final = "home path size mtime_ns read_to head tail state lines skipped_lines".split()

ALL: Final = """
SELECT o.name, f.size, f.mtime_ns, f.path
FROM rollout_files AS f JOIN origins AS o USING (origin) WHERE o.kind = 'rollout' AND f.home = ?
"""
ONE: Final = f"""
SELECT {", ".join(f"f.{column}" for column in _COLUMNS)}
FROM rollout_files AS f JOIN origins AS o USING (origin) WHERE o.kind = 'rollout' AND o.name = ?
"""
PLACE: Final = "SELECT size, mtime_ns, read_to FROM rollout_files WHERE origin = ?"
ANY: Final = """
SELECT 1 FROM rollout_files WHERE origin IN (SELECT value FROM json_each(?)) LIMIT 1
"""
SAVE: Final = f"""
INSERT INTO rollout_files ({", ".join(_COLUMNS)}, origin)
VALUES ({", ".join("?" * len(_COLUMNS))}, ?)
ON CONFLICT (origin) DO UPDATE SET {", ".join(f"{c} = excluded.{c}" for c in _COLUMNS)}
"""


async def load(db: "aiosqlite.Connection", home: str) -> dict[str, AsFound]:
    """The files of one home as they were last found, by the name of their origin."""
    return _by_origin(await db.execute_fetchall(ALL, (home,)))


def load_now(db: Store, home: str) -> dict[str, AsFound]:
    """The same, for who only reads."""
    return _by_origin(db.execute(ALL, (home,)))


def _by_origin(rows: Iterable[Any]) -> dict[str, AsFound]:
    return {name: AsFound._make(found) for name, *found in rows}


async def load_one(db: "aiosqlite.Connection", origin: str) -> Cursor | None:
    """The cursor of one file, with its reader's state."""
    rows = list(await db.execute_fetchall(ONE, (origin,)))
    if not rows:
        return None
    cursor = Cursor(*rows[0])
    cursor.state = unpacked(cursor.state)
    return cursor


async def save_new(db: "aiosqlite.Connection", cursors: Mapping[int, Cursor]) -> None:
    """Those of files that had none when the reading began. Raises as `save`."""
    origins = msgspec.json.encode(list(cursors)).decode()
    if list(await db.execute_fetchall(ANY, (origins,))):
        raise OvertakenError
    await db.executemany(SAVE, [_row(origin, cursor) for origin, cursor in cursors.items()])


async def save(db: "aiosqlite.Connection", origin: int, cursor: Cursor) -> None:
    """Raises `OvertakenError` if the stored one isn't where it was when the reading began."""
    rows = list(await db.execute_fetchall(PLACE, (origin,)))
    if (Place(*rows[0]) if rows else None) != cursor.since:
        raise OvertakenError
    await db.execute(SAVE, _row(origin, cursor))


def _row(origin: int, cursor: Cursor) -> tuple[Any, ...]:
    stored = replace(cursor, state=squeezed(cursor.state))
    return (*(getattr(stored, column) for column in _COLUMNS), origin)
