"""Write rows at once. Where there are none, SQLite's thread isn't woken: that takes as long as a few rows."""

from collections.abc import Sequence
from typing import Any

import aiosqlite


async def write(db: aiosqlite.Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        await db.executemany(statement, rows)
