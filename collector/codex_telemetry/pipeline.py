"""The one place where inputs, formats and the store meet: what is heard is read, and kept."""

import math
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from time import time

import anyio
import anyio.to_thread
import msgspec

from codex_telemetry import formats, log
from codex_telemetry.config import Paths
from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import Drift, Gap
from codex_telemetry.core.identity import LaunchId
from codex_telemetry.errors import UserError
from codex_telemetry.formats.base import Stamp, StreamReader
from codex_telemetry.inputs import live
from codex_telemetry.store import spool
from codex_telemetry.store.writer import Writer

GATHER_S = 0.1
"""Facts heard within this time are saved together; a finished turn is there well within a second."""

RETRY_S = 0.5
PATIENCE_S = 60.0
"""How long a database that can't be written is tried again before a spool file is written."""

MOST_UNSAVED = 200_000
"""Facts held while nothing can be written; then they are spooled early, or lost and counted."""

UNWRITABLE = (sqlite3.Error, OSError, UserError)


def collect(paths: Paths, log_level: str | None = None) -> None:
    """Be the collector: hear the pump on stdin until it ends, keep what is heard. Never raises for
    what Codex says or the disk does."""
    log.configure(log_level, paths.log)
    anyio.run(_collect, paths)


def take_in_spool(paths: Paths) -> int:
    """Take in what an earlier collector couldn't write; how many files. Raises what a `Writer` does."""
    if not any(spool.waiting(paths.spool)):
        return 0
    return anyio.run(_take_in, paths)


async def _take_in(paths: Paths) -> int:
    writer = await Writer.open(paths.database)
    try:
        return await spool.take_in(writer, paths.spool)
    finally:
        await writer.close()


async def _collect(paths: Paths) -> None:
    hearing = Hearing()
    log.event(log.COLLECTOR_STARTED)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_keep, hearing, paths)
        async for heard in live.listen(0):
            for what in heard:
                hearing.hear(what)
            hearing.wake()
        hearing.ended = True
        hearing.wake()
    log.event(log.COLLECTOR_STOPPED)


class Hearing:
    """What one launch says, as far as it isn't kept yet."""

    def __init__(self) -> None:
        self.ended = False
        self._launch = LaunchId("")
        self._reader: StreamReader | None = None
        self._batch = Batch("live", "")
        self._news = anyio.Event()

    def hear(self, heard: live.Heard) -> None:
        match heard:
            case live.Meta(started=True, body=body):
                self._launch = LaunchId(_launch(body))
                self._batch.origin = self._launch
            case live.Line():
                self._read(heard)
            case live.Lost(from_codex=from_codex, wall_ms=at, dropped_bytes=n, reason=reason):
                self._batch.add(Gap(at, n, reason), at)
                if self._reader is not None:
                    self._reader.lost("server" if from_codex else "client")

    @property
    def is_over(self) -> bool:
        """Nothing will be heard any more, and all that was is taken."""
        return self.ended and not self._batch

    def wake(self) -> None:
        """Let the keeper look whether there is something to keep."""
        if self.ended or self._batch:
            self._news.set()

    async def news(self) -> None:
        await self._news.wait()

    def take(self) -> Batch:
        """What isn't kept yet; from now on it is the taker's."""
        taken, self._batch = self._batch, Batch("live", self._launch)
        taken.codex_version = self._reader.codex_version if self._reader is not None else None
        if not self.ended:
            self._news = anyio.Event()
        return taken

    def _read(self, line: live.Line) -> None:
        if self._reader is None:
            # Until a line is one of a stream we know, this is some other program.
            self._reader = formats.recognise(line.text, self._launch)
        if self._reader is None:
            return
        at = Stamp(line.wall_ms, line.utc_offset_min)
        try:
            for fact in self._reader.read("server" if line.from_codex else "client", line.text, at):
                self._batch.add(fact, line.wall_ms)
        except Exception as error:  # noqa: BLE001 - a mistake of ours may cost a line, never the rest
            drift = Drift(self._reader.codex_version, "(reader)", type(error).__name__)
            self._batch.add(drift, line.wall_ms)


async def _keep(hearing: Hearing, paths: Paths) -> None:
    keeper = Keeper(paths.database, paths.spool)
    try:
        while not (hearing.is_over and keeper.is_done):
            with anyio.move_on_after(None if keeper.is_done else RETRY_S):
                await hearing.news()
            if not hearing.ended:
                await anyio.sleep(GATHER_S)
            elif not keeper.is_done:
                await anyio.sleep(RETRY_S)
            await keeper.keep(hearing.take(), last=hearing.ended)
    finally:
        await keeper.close()


class Keeper:
    """Keeps batches of one launch: in the database, else, after a while, in a spool file."""

    def __init__(self, database: Path, folders: Sequence[Path]) -> None:
        self._database = database
        self._folders = folders
        self._writer: Writer | None = None
        self._unsaved: Batch | None = None
        self._failing_since: float | None = None
        self._spool_after = 0.0

    @property
    def is_done(self) -> bool:
        return self._unsaved is None

    async def keep(self, batch: Batch, *, last: bool) -> None:
        """Save a batch with what couldn't be saved before. `last`: nothing will come after it."""
        if self._unsaved is not None:
            batch.take(self._unsaved)
        self._unsaved = batch or None
        if self._unsaved is None:
            return
        try:
            await self._save(self._unsaved)
        except UNWRITABLE as error:
            await self._failed(error, self._unsaved, last=last)
        except Exception as error:  # noqa: BLE001 - one batch may be lost, not all after it
            log.event(log.LOST, error=type(error).__name__)
            await self.close()
            self._unsaved = self._nothing_but_a_gap(batch, "could not be saved")
        else:
            self._unsaved = self._failing_since = None

    async def close(self) -> None:
        if self._writer is not None:
            await self._writer.close()
            self._writer = None

    async def _save(self, batch: Batch) -> None:
        if self._writer is not None and not self._writer.is_current():
            await self.close()
        if self._writer is None:
            with anyio.fail_after(PATIENCE_S):
                self._writer = await Writer.open(self._database)
            await spool.take_in(self._writer, self._folders)
        await self._writer.save(batch)

    async def _failed(self, error: Exception, batch: Batch, *, last: bool) -> None:
        await self.close()
        now = anyio.current_time()
        if self._failing_since is None:
            self._failing_since, self._spool_after = now, now + PATIENCE_S
            log.event(log.SAVE_FAILED, error=type(error).__name__)
        # Trying again mends no file that is newer than we are, or another program's.
        hopeless = isinstance(error, UserError)
        out_of_patience = now >= (self._failing_since + PATIENCE_S if last else self._spool_after)
        full = batch.facts > MOST_UNSAVED
        if not (hopeless or out_of_patience or full):
            return
        kept = await anyio.to_thread.run_sync(spool.put, batch, self._folders)
        self._spool_after = now + PATIENCE_S
        if kept is not None:
            log.event(log.SPOOLED)
            self._unsaved = None
        elif last and (hopeless or out_of_patience):
            log.event(log.LOST)
            self._unsaved = None
        elif full:
            self._unsaved = self._nothing_but_a_gap(batch, "nowhere to keep what was heard")

    @staticmethod
    def _nothing_but_a_gap(batch: Batch, reason: str) -> Batch:
        """That something was lost, to be said at the next chance."""
        at = math.floor(time() * 1000)
        gap = Batch(batch.kind, batch.origin)
        gap.add(Gap(at, None, reason), at)
        return gap


def _launch(body: bytes) -> str:
    try:
        told = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        return ""
    launch = told.get("launch") if isinstance(told, dict) else None
    return launch if isinstance(launch, str) else ""
