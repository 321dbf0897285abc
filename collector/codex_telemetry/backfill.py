"""Read what Codex has written to disk: each rollout file once, only what is new of it."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import Captured, Drift, Said, SessionFacts, TurnFacts, Weight
from codex_telemetry.formats.rollout import Hasher, RolloutName, RolloutReader, rollout_name
from codex_telemetry.inputs import files
from codex_telemetry.inputs.files import Mark, RolloutFile
from codex_telemetry.store import cursors
from codex_telemetry.store.cursors import Cursor
from codex_telemetry.store.writer import Writer

SAVE_EVERY = 32 << 20
"""Bytes of one file after which what was read so far is saved: memory stays flat."""

NOT_A_LINE = "not a message"
"""The reason of drift that stands for a line of which nothing could be read."""


class Tally:
    """What a backfill did, counted as it goes (contract: `backfill`)."""

    def __init__(self) -> None:
        self.taken_in = 0
        """Files of the spool."""
        self.files = 0
        self.files_read = 0
        self.bytes_read = 0
        self.lines = 0
        self.skipped_lines = 0
        self.unreadable = 0
        self.drift = 0
        self.sessions: set[str] = set()
        self.turns: set[str] = set()
        self.responses: set[tuple[str, int]] = set()


class Progress(NamedTuple):
    done: int
    files: int


async def backfill(
    writer: Writer,
    homes: Iterable[Path],
    *,
    rebuild: bool = False,
    since_ns: int = 0,
    hasher: Hasher | None = None,
    tally: Tally | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Tally:
    """Read all rollouts under the homes that are new or have changed.

    `hasher`: for names that are kept as hashes; without one they aren't kept. `rebuild`: forget what each file told, and read it anew. `since_ns`: leave out files that
    weren't changed since (Unix time, ns). Raises `OSError` if a home can't be looked at,
    `sqlite3.Error` if what was read can't be saved; a file that can't be read is counted.
    """
    tally = tally or Tally()
    for home in homes:
        found = files.find(home)
        tally.unreadable += found.unreadable
        tally.files += len(found.files)
        known = await cursors.load(writer.connection, str(home))
        wanted = [file for file in found.files if file.mtime_ns >= since_ns]
        for n, file in enumerate(wanted):
            before = known.get(cursors.origin_name(str(home), file.stem))
            if rebuild or before is None or _differs(file, before):
                name = rollout_name(file.path.name)
                try:
                    if name is not None:
                        reading = _Reading(
                            writer, tally, file, name, before, rebuild=rebuild, hasher=hasher
                        )
                        await reading.read()
                except OSError:
                    tally.unreadable += 1
                except Exception as error:
                    if not _is_broken_file(error):
                        raise
                    tally.unreadable += 1
            progress(Progress(n + 1, len(wanted)))
    return tally


def _differs(file: RolloutFile, before: Cursor) -> bool:
    return (file.size, file.mtime_ns, file.relative) != (before.size, before.mtime_ns, before.path)


def _is_broken_file(error: Exception) -> bool:
    # zstandard is imported only where a file is compressed, so its error can't be named here.
    return type(error).__module__.startswith("zstandard") or isinstance(error, EOFError)


class _Reading:
    """One file, from where we stopped, or from its start if it isn't what it was."""

    def __init__(
        self,
        writer: Writer,
        tally: Tally,
        file: RolloutFile,
        name: RolloutName,
        before: Cursor | None,
        *,
        rebuild: bool,
        hasher: Hasher | None,
    ) -> None:
        self._writer = writer
        self._tally = tally
        self._file = file
        self._name = name
        self._hasher = hasher
        self._before = before
        self._afresh = rebuild
        self._origin = cursors.origin_name(str(file.home), file.stem)

    async def read(self) -> None:
        reader, cursor = await self._start()
        batch = self._batch()
        saved_to = cursor.read_to
        captured = Captured(int(time.time() * 1000), _utc_offset_min())
        for line in files.lines(self._file, cursor.read_to):
            cursor.read_to = line.end
            cursor.lines += 1
            self._tally.lines += 1
            if line.text is None:
                cursor.skipped_lines += 1
                self._tally.skipped_lines += 1
                continue
            for fact in reader.read(line.text, captured):
                if isinstance(fact, Drift):
                    self._drifted(fact, cursor)
                batch.add(fact, captured.at)
            if cursor.read_to - saved_to >= SAVE_EVERY:
                await self._save(reader, batch, cursor)
                batch, saved_to = self._batch(), cursor.read_to
        await self._save(reader, batch, cursor)
        self._tally.files_read += 1

    async def _start(self) -> tuple[RolloutReader, Cursor]:
        file, hashed = self._file, self._hasher
        before = None if self._afresh else self._before
        if before is not None:
            state = await cursors.state(self._writer.connection, self._origin)
            mark = Mark(before.read_to, before.head, before.tail)
            if state is not None and files.continues(self._file, mark):
                return RolloutReader.restore(
                    state, self._name, file.archived, hasher=hashed
                ), before
            self._afresh = True
        return RolloutReader(self._name, file.archived, hasher=hashed), Cursor(
            str(file.home), file.relative, 0, 0, 0, b"", b"", b"", 0, 0
        )

    async def _save(self, reader: RolloutReader, batch: Batch, cursor: Cursor) -> None:
        """Save what was read with the place up to which it was, in one transaction."""
        at = int(time.time() * 1000)
        for fact in reader.finish():
            if isinstance(fact, SessionFacts):
                fact.rollout_path = Said(self._file.relative, Weight.ROLLOUT, at)
            batch.add(fact, at)
        batch.codex_version = reader.codex_version
        file = self._file
        read_from = 0 if self._before is None or self._afresh else self._before.read_to
        mark = files.mark(file, cursor.read_to)
        cursor.path, cursor.size, cursor.mtime_ns = file.relative, file.size, file.mtime_ns
        cursor.head, cursor.tail, cursor.state = mark.head, mark.tail, reader.state()
        await self._writer.save(batch, cursor=cursor, afresh=self._afresh)
        self._tally.bytes_read += cursor.read_to - read_from
        self._before, self._afresh = cursor, False
        self._count(batch)

    def _batch(self) -> Batch:
        return Batch("rollout", self._origin)

    def _drifted(self, drift: Drift, cursor: Cursor) -> None:
        self._tally.drift += 1
        if drift.reason == NOT_A_LINE:
            cursor.skipped_lines += 1
            self._tally.skipped_lines += 1

    def _count(self, batch: Batch) -> None:
        self._tally.sessions |= batch.sessions.keys()
        for turn in batch.turns.values():
            self._count_turn(turn)

    def _count_turn(self, turn: TurnFacts) -> None:
        self._tally.turns.add(turn.turn_id)
        self._tally.responses |= {(turn.turn_id, total) for total in turn.responses}


def _utc_offset_min() -> int:
    return time.localtime().tm_gmtoff // 60
