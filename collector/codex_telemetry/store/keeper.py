"""Keep what is heard: in the database, else, after a while, in a spool file. It never gives up early
and never waits for ever."""

import math
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from time import time
from typing import TypeVar

import anyio
import anyio.to_thread

from codex_telemetry import log
from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import Gap, SessionFacts, TurnFacts
from codex_telemetry.core.identity import SessionId, TurnId
from codex_telemetry.core.join import join
from codex_telemetry.errors import UserError
from codex_telemetry.store import ours, spool
from codex_telemetry.store.price_list import PriceList
from codex_telemetry.store.writer import Writer

PATIENCE_S = 60.0
"""How long a database that can't be written is tried again before a spool file is written."""

HURRY_S = 2.0

MOST_UNSAVED = 20_000
"""Facts held while nothing can be written; then they are spooled early, or lost and counted."""

MOST_GAPS = 100
"""Gaps remembered of what is lost."""

MOST_RUNNING = 200
"""Turns, and as many threads, that are remembered while they run."""

NOWHERE = "nowhere to keep what was heard"
OUR_MISTAKE = "could not be kept"

K = TypeVar("K")
V = TypeVar("V")

UNWRITABLE = (sqlite3.Error, OSError, UserError)


class Keeper:
    """Keeps batches of one launch, each with what couldn't be saved before."""

    def __init__(
        self,
        path: Path,
        folders: Sequence[Path],
        *,
        patience_s: float = PATIENCE_S,
        prices: PriceList | None = None,
    ) -> None:
        self._path = path
        self._folders = folders
        self._patience_s = patience_s
        self._prices = prices
        self._writer: Writer | None = None
        self._unsaved: Batch | None = None
        self._running = Running()
        self._failing_since: float | None = None
        self._spool_at = 0.0

    @property
    def is_done(self) -> bool:
        """Nothing waits to be tried again."""
        return self._unsaved is None

    def hurry(self) -> None:
        """The machine won't wait for us much longer."""
        self._patience_s = min(self._patience_s, HURRY_S)

    async def keep(self, batch: Batch, *, last: bool) -> None:
        """Save a batch. `last`: nothing will come after it. Never raises for what the disk does."""
        if self._unsaved is None:
            self._unsaved = batch or None
        else:
            self._unsaved.take(batch)
        if self._unsaved is None:
            return
        try:
            await self._save(self._unsaved)
        except UNWRITABLE as error:
            await self._failed(error, self._unsaved, last=last)
        except Exception as error:  # noqa: BLE001 - a mistake of ours may cost a batch, never the rest
            log.crash(error)
            await self.close()
            # Perhaps a later version of us can save it.
            kept = await self._put(self._unsaved)
            self._unsaved = None if kept else _only_a_gap(self._unsaved, OUR_MISTAKE)
        else:
            self._unsaved = self._failing_since = None

    async def close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            try:
                await writer.close()
            except Exception as error:  # noqa: BLE001 - it is over, one way or another
                log.crash(error)

    async def _save(self, batch: Batch) -> None:
        if self._writer is not None and not self._writer.is_current():
            await self.close()
        if self._writer is not None:
            await self._writer.save(batch)
        else:
            busy_ms = min(ours.BUSY_MS, math.ceil(self._patience_s * 1000))
            self._writer = await Writer.open(self._path, busy_ms, self._prices)
            # It may be another file than before.
            await self._writer.save(self._running.again_with(batch))
            await self._take_in(self._writer)
        self._running.hear(batch)

    async def _take_in(self, writer: Writer) -> None:
        """What an earlier collector couldn't save must never hold up what is heard now."""
        try:
            await spool.take_in(writer, self._folders)
        except Exception as error:  # noqa: BLE001 - it waits for the next who can
            log.event(log.SAVE_FAILED, error=type(error).__name__)

    async def _failed(self, error: Exception, batch: Batch, *, last: bool) -> None:
        await self.close()
        now = anyio.current_time()
        if self._failing_since is None:
            self._failing_since, self._spool_at = now, now + self._patience_s
            log.event(log.SAVE_FAILED, error=type(error).__name__)
        # Trying again mends no file that is newer than we are, or another program's.
        hopeless = isinstance(error, UserError)
        over = last and (hopeless or now >= self._failing_since + self._patience_s)
        full = batch.facts > MOST_UNSAVED
        if not (over or full or now >= self._spool_at):
            return
        self._spool_at = now + self._patience_s
        if await self._put(batch):
            self._unsaved = None
        elif over or full:
            self._unsaved = _only_a_gap(batch, NOWHERE)
            if over:  # a disk without room for all of it may have some for this
                await self._put(self._unsaved)
                self._unsaved = None

    async def _put(self, batch: Batch) -> bool:
        try:
            kept = await anyio.to_thread.run_sync(spool.put, batch, self._folders)
        except Exception as error:  # noqa: BLE001 - this was the last resort
            log.crash(error)
            return False
        if kept is not None:
            log.event(log.SPOOLED)
        return kept is not None


class Running:
    """What was saved of turns that haven't ended, and of the latest threads. It is told again to a
    database that takes the place of one that was deleted: half a turn would be a wrong one."""

    def __init__(self) -> None:
        self._turns: dict[TurnId, TurnFacts] = {}
        self._sessions: dict[SessionId, SessionFacts] = {}

    def hear(self, batch: Batch) -> None:
        for turn_id, turn in batch.turns.items():
            known = self._turns.pop(turn_id, None)
            told = turn if known is None else join(known, turn)
            if told.status is None:
                _put_last(self._turns, turn_id, told)
        for session_id, session in batch.sessions.items():
            met = self._sessions.pop(session_id, None)
            _put_last(self._sessions, session_id, session if met is None else join(met, session))

    def again_with(self, batch: Batch) -> Batch:
        """A batch that tells all of it with what is new."""
        told = Batch(batch.kind, batch.origin, turns=self._turns.copy())
        told.sessions = self._sessions.copy()
        told.take(batch)
        return told


def _put_last(remembered: dict[K, V], key: K, value: V) -> None:
    remembered[key] = value
    if len(remembered) > MOST_RUNNING:
        del remembered[next(iter(remembered))]


def _only_a_gap(batch: Batch, reason: str) -> Batch:
    """What is left to be said of a batch that is lost, at the next chance."""
    log.event(log.LOST)
    at = math.floor(time() * 1000)
    rest = Batch(batch.kind, batch.origin, batch.codex_version, drift=batch.drift)
    rest.gaps = [*batch.gaps[: MOST_GAPS - 1], Gap(at, None, reason)]
    return rest
