"""Write rows at once. Where there are none, SQLite's thread isn't woken: that takes as long as a few rows."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import aiosqlite  # what is shown of a turn comes from a module that can write, too: that takes nothing heavy


async def write(
    db: "aiosqlite.Connection", statement: str, rows: Collection[Sequence[Any]]
) -> None:
    if rows:
        await db.executemany(statement, rows)
