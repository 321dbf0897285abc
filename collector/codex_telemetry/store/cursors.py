"""How far each rollout file is read. A cursor moves in the transaction that saves what was read."""

from typing import Final

import aiosqlite
from msgspec import Struct

KEY_BETWEEN = "|"


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


def origin_name(home: str, stem: str) -> str:
    """The name of a rollout's origin: archiving, moving or compressing the file doesn't change it."""
    return f"{home}{KEY_BETWEEN}{stem}"


ALL: Final = """
SELECT o.name, f.home, f.path, f.size, f.mtime_ns, f.read_to, f.head, f.tail, x'', f.lines,
    f.skipped_lines
FROM rollout_files AS f JOIN origins AS o USING (origin) WHERE o.kind = 'rollout' AND f.home = ?
"""
STATE: Final = """
SELECT f.state FROM rollout_files AS f JOIN origins AS o USING (origin)
WHERE o.kind = 'rollout' AND o.name = ?
"""
SAVE: Final = """
INSERT INTO rollout_files (
    home, path, size, mtime_ns, read_to, head, tail, state, lines, skipped_lines, origin
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (origin) DO UPDATE SET
    home = excluded.home, path = excluded.path, size = excluded.size, mtime_ns = excluded.mtime_ns,
    read_to = excluded.read_to, head = excluded.head, tail = excluded.tail, state = excluded.state,
    lines = excluded.lines, skipped_lines = excluded.skipped_lines
"""


async def load(db: aiosqlite.Connection, home: str) -> dict[str, Cursor]:
    """The cursors of one home by the name of their origin, without the readers' states."""
    rows = await db.execute_fetchall(ALL, (home,))
    return {row[0]: Cursor(*row[1:]) for row in rows}


async def state(db: aiosqlite.Connection, origin: str) -> bytes | None:
    """What the reader of a file had to remember."""
    rows = list(await db.execute_fetchall(STATE, (origin,)))
    return rows[0][0] if rows else None


async def save(db: aiosqlite.Connection, origin: int, cursor: Cursor) -> None:
    await db.execute(SAVE, (*(getattr(cursor, f) for f in cursor.__struct_fields__), origin))
