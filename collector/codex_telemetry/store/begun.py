"""Begin a transaction that writes, among others who write: who is in no hurry waits until it has its turn."""

import sqlite3
from typing import Final

import aiosqlite
import anyio
from anyio.lowlevel import checkpoint

from codex_telemetry.store import ours

BEGIN: Final = "BEGIN IMMEDIATE"

ASKS_FOR_MS: Final = 5


async def begin(db: aiosqlite.Connection, busy_ms: int, patience_s: float) -> None:
    """Wait `busy_ms` as SQLite does; before that, where there is `patience_s`, so long for a turn.

    SQLite lets whoever waits sleep the longer the longer it waits, and serves nobody in turn: among many
    who write all the time, who asks often is served, and who sleeps isn't. Raises `sqlite3.Error`.
    """
    if patience_s:
        await db.execute(f"PRAGMA busy_timeout={ASKS_FOR_MS}")
        with anyio.move_on_after(patience_s):
            while not await _has_begun(db):
                await checkpoint()  # where time is up, or somebody wants it to end
        await db.execute(f"PRAGMA busy_timeout={busy_ms}")
    if not db.in_transaction:
        await db.execute(BEGIN)


async def _has_begun(db: aiosqlite.Connection) -> bool:
    try:
        # Given up half-way, nobody would know whether it has.
        with anyio.CancelScope(shield=True):
            await db.execute(BEGIN)
    except sqlite3.OperationalError as error:
        if not ours.is_busy(error):
            raise
        return False
    return True
