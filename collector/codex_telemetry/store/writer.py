"""Save what was told: load what is known of the same things, join, settle, save. One transaction."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from time import time
from typing import Self

import aiosqlite
import anyio
import anyio.to_thread

from codex_telemetry import log
from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import Gap
from codex_telemetry.core.veil import Veil
from codex_telemetry.errors import UserError
from codex_telemetry.store import (
    changes,
    content,
    cursors,
    merge,
    milestones,
    noted,
    ours,
    prune,
    pruned,
    veiling,
)
from codex_telemetry.store import db as database
from codex_telemetry.store import statements as sql
from codex_telemetry.store.begun import begin
from codex_telemetry.store.cursors import Cursor
from codex_telemetry.store.price_list import PriceList, Shelf, replace
from codex_telemetry.store.settled import save_rows
from codex_telemetry.store.told import NONE, Orphans, forget, json_rows, tell

MOST_UNSOUND = 100
"""So many facts that can't be saved are left out of a batch; with more, the mistake is ours."""

NOT_SAVED = "could not be saved"
"""The reason of the gap that stands for such a fact."""

_UNSOUND = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


class UnsoundError(Exception):
    """So much of a batch can't be saved that the mistake must be ours."""


class Writer:
    """One connection that writes. Others may write at once: each save is one transaction."""

    def __init__(
        self,
        path: Path,
        file: tuple[int, int],
        connection: aiosqlite.Connection,
        busy_ms: int,
        patience_s: float,
    ) -> None:
        self._path = path
        self._file = file
        self._db = connection
        self._busy_ms = busy_ms
        self._patience_s = patience_s
        self._shelf = Shelf()
        self._twins: dict[str, str] = {}
        """Of the save under way: turns of logs that are known by the stream's id."""

    @classmethod
    async def open(
        cls,
        path: Path,
        busy_ms: int = ours.BUSY_MS,
        prices: PriceList | None = None,
        *,
        patience_s: float = 0,
    ) -> Self:
        """Open the database, making or migrating it. Raises what `db.prepare` raises.

        `busy_ms`: how long a save waits for another writer. `patience_s`: how long among many of them.
        `prices`: those it shall hold; where they can't be had, it keeps those it has."""
        await anyio.to_thread.run_sync(_prepare, path, prices, abandon_on_cancel=True)
        # Before it is opened: whatever takes its place from now on is seen to be another.
        file = _identity(path)
        connection = await aiosqlite.connect(
            f"{path.as_uri()}?mode=rw", uri=True, timeout=busy_ms / 1000, isolation_level=None
        )
        try:
            await connection.executescript(
                "PRAGMA foreign_keys=ON; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
            )
            return cls(path, file, connection, busy_ms, patience_s)
        except BaseException:
            await connection.close()
            raise

    async def close(self) -> None:
        await self._db.close()

    def is_current(self) -> bool:
        """Whether the file we write is still the one at its path: it may be deleted or replaced."""
        try:
            return _identity(self._path) == self._file
        except OSError:
            return False

    @property
    def connection(self) -> aiosqlite.Connection:
        """For what else of the store reads and writes by it."""
        return self._db

    async def save(
        self,
        batch: Batch,
        spool: str | None = None,
        *,
        cursor: Cursor | None = None,
        afresh: bool = False,
        more_follows: bool = False,
    ) -> bool:
        """Save all of a batch or nothing. Raises `sqlite3.Error`, `OSError`, `NewerDatabaseError`,
        `UnsoundError`. A few facts that can't be saved anywhere are left out: a gap says so.

        `spool`: the name of the spool file it comes from; False if that was taken in before.
        `cursor`: how far the batch's rollout file is read with it. `afresh`: forget first all that
        this origin told before. `more_follows`: leave milestones to `write_milestones`."""
        async with self._transaction():
            fresh = spool is None or await self._is_fresh(spool)
            if fresh:
                (left,) = await pruned.without(self._db, [batch])
                await self._save(left, cursor, afresh=afresh, more_follows=more_follows)
        return fresh

    async def save_new(self, logs: Sequence[tuple[Batch, Cursor]]) -> None:
        """Save what logs told that were never read before, all of it or nothing: a hundred take not much
        longer than one. Milestones are left to `write_milestones`. Raises as `save` does, and
        `UnsoundError` if any of it can't be saved."""
        async with self._transaction():
            batches = await pruned.without(self._db, [batch for batch, _ in logs])
            origins = await self._origins(batches)
            told = dict(zip(origins, batches, strict=True))
            windows = milestones.told_of(sample for batch in batches for sample in batch.limits)
            turns = {key: turn for batch in batches for key, turn in batch.turns.items()}
            windows |= await milestones.counting(self._db, turns, ())
            self._twins.clear()
            try:
                await self._save_facts(told)
            except Exception as error:
                if _is_unsound(error):
                    raise UnsoundError(type(error).__name__) from None
                raise
            if self._twins:
                await content.save(self._db, [], self._twins)
            await milestones.put_off(self._db, windows)
            await cursors.save_new(
                self._db, dict(zip(origins, (cursor for _, cursor in logs), strict=True))
            )

    async def write_milestones(self) -> None:
        """Write those of all windows that were left to it. Raises as `save` does."""
        more = True
        while more:
            async with self._transaction():
                more = await milestones.write_due(self._db)

    async def veil_all(self, veil: Veil) -> None:
        """Keep what is stored as it would be kept now, in one transaction. Raises what `save` does."""
        async with self._transaction():
            await veiling.veil_bodies(self._db, veil)
            async for told in veiling.told_anew(self._db):
                await save_rows(self._db, told, await self._shelf.book(self._db))
            await pruned.veil(self._db, veil)
            await veiling.veil_snapshots(self._db, veil)
            await veiling.forget_unused(self._db)

    async def prune(self, before: int) -> None:
        """Let the details go of what ended before a moment (ms UTC). Raises as `save` does."""
        async with self._transaction():
            await prune.prune(self._db, await self._shelf.book(self._db), before)

    async def merge(self, other: sqlite3.Connection) -> None:
        """Take in all that another database was told. Raises as `save` does."""
        async with self._transaction():
            book = await self._shelf.book(self._db)
            ends = await merge.take_pruned(self._db, book, other)
            for batch in merge.told(other):
                left = await pruned.turns_without(self._db, batch, ends)
                await self._save(left, None, afresh=False, more_follows=True)
            await milestones.write_all_due(self._db)
            await merge.take_rest(self._db, book, other)

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        try:
            await begin(self._db, self._busy_ms, self._patience_s)
            await self._check_version()
            await self._db.execute(changes.NEXT)
            yield
            await self._db.execute("COMMIT")
        except BaseException:
            # A failed COMMIT may have rolled back by itself.
            with anyio.CancelScope(shield=True):
                if self._db.in_transaction:
                    await self._db.execute("ROLLBACK")
            raise
        # What went into a file that is gone has to be saved again.
        if not self.is_current():
            raise sqlite3.OperationalError("the database was moved away or replaced")

    async def _check_version(self) -> None:
        """A newer program may have upgraded the database since we opened it."""
        ((application, found),) = await self._db.execute_fetchall(sql.VERSION)
        if application != ours.APPLICATION_ID:
            raise sqlite3.OperationalError("the database was replaced")
        if found > database.version():
            raise ours.newer(self._path, found, database.version())

    async def _is_fresh(self, spool: str) -> bool:
        taken = await self._db.execute(sql.TAKE_SPOOL, (spool,))
        return taken.rowcount > 0

    async def _save(
        self, batch: Batch, cursor: Cursor | None, *, afresh: bool, more_follows: bool
    ) -> None:
        (origin,) = await self._origins([batch])
        windows = milestones.told_of(batch.limits)
        if afresh:
            windows |= await milestones.told_by(self._db, origin)
        orphans = await forget(self._db, origin) if afresh else NONE
        windows |= await milestones.counting(self._db, batch.turns, orphans.turns)
        self._twins.clear()
        if await self._save_sound(origin, batch, orphans):
            gap = Gap(int(time() * 1000), None, NOT_SAVED)
            await noted.note_gap(self._db, origin, gap)
        if batch.cleared or self._twins:
            await content.save(self._db, batch.cleared, self._twins)
        await (milestones.put_off if more_follows else milestones.write)(self._db, windows)
        if cursor is not None:
            await cursors.save(self._db, origin, cursor)

    async def _origins(self, batches: Iterable[Batch]) -> list[int]:
        told = [(batch.kind, batch.origin, batch.codex_version) for batch in batches]
        rows = await self._db.execute_fetchall(sql.ORIGINS, (json_rows(told),))
        known = {(kind, name): origin for origin, kind, name in rows}
        return [known[kind, name] for kind, name, _ in told]

    async def _save_sound(self, origin: int, batch: Batch, orphans: Orphans) -> int:
        """Save all facts but those that can't be, whatever the state of the database: numbers out of
        its range, say. How many those are."""
        waiting, unsound = [batch], 0
        while waiting:
            part = waiting.pop()
            await self._db.execute("SAVEPOINT part")
            try:
                await self._save_facts({origin: part}, orphans)
            except Exception as error:
                if not _is_unsound(error):
                    raise
                await self._db.execute("ROLLBACK TO part")
                halves = part.halves()
                unsound += halves is None
                if unsound > MOST_UNSOUND:
                    raise UnsoundError(type(error).__name__) from None
                waiting += reversed(halves or ())
            await self._db.execute("RELEASE part")
        return unsound

    async def _save_facts(self, batches: Mapping[int, Batch], orphans: Orphans = NONE) -> None:
        told = await tell(self._db, batches, orphans)
        await save_rows(self._db, told, await self._shelf.book(self._db))
        self._twins |= told.twins
        await noted.note(self._db, batches)


def _prepare(path: Path, prices: PriceList | None) -> None:
    database.prepare(path)
    if prices is not None:
        try:
            replace(path, prices)
        except Exception as error:  # noqa: BLE001 - what is saved without a price can have one later
            log.crash(error)


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _is_unsound(error: Exception) -> bool:
    """Whether it's the fault of what is saved, not of where."""
    elsewhere = (sqlite3.Error, OSError, MemoryError, UserError)
    return isinstance(error, _UNSOUND) or not isinstance(error, elsewhere)
