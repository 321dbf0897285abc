"""Read one rollout file: on from where we stopped, or from its start if it isn't what it was."""

import time
from typing import NamedTuple, TypedDict

import msgspec

from codex_telemetry.backfill.tally import Tally
from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import Captured, Drift, Said, SessionFacts, TurnFacts, Weight
from codex_telemetry.core.gate import clear
from codex_telemetry.core.veil import OPEN, Hasher, Veil
from codex_telemetry.formats.rollout import RolloutName, RolloutReader
from codex_telemetry.inputs.files import RolloutFile, text_of
from codex_telemetry.inputs.opened import Mark, OpenedRollout, UnreadableError, opened
from codex_telemetry.store import cursors
from codex_telemetry.store.cursors import Cursor
from codex_telemetry.store.grants import NOTHING, Standing
from codex_telemetry.store.told import first_heard
from codex_telemetry.store.writer import Writer

SAVE_EVERY = 32 << 20
"""Bytes of one file after which what was read so far is saved: memory stays flat."""

NOT_A_LINE = "(line)"
"""The name of drift that stands for a line of which nothing could be read."""

UNFINISHED = -1
"""Instead of a file's size, as long as there is more of it to be read: so it is read on."""


class LogFile(NamedTuple):
    file: RolloutFile
    name: RolloutName
    newest: bool
    """Of its thread's files: a thread that was taken back goes on in another. It says where the
    thread's log is."""

    @property
    def origin(self) -> str:
        return cursors.origin_name(text_of(self.file.home), self.file.stem)

    def differs(self, before: Cursor) -> bool:
        """Whether it may not be what it was when it was last read."""
        now = (self.file.size, self.file.mtime_ns, self.file.relative)
        return now != (before.size, before.mtime_ns, before.path)


class Options(TypedDict):
    """What is kept as a keyed hash: nothing without a hasher, commands only if asked for. And whether
    content is looked at: only where some is granted."""

    hasher: Hasher | None
    hash_commands: bool
    repo_names: bool
    content: bool


class Reading:
    """A run through files, by one writer."""

    def __init__(
        self,
        writer: Writer,
        tally: Tally,
        *,
        rebuild: bool = False,
        veil: Veil = OPEN,
        hash_commands: bool = False,
        standing: Standing | None = None,
    ) -> None:
        self.writer = writer
        self.tally = tally
        self.rebuild = rebuild
        self.veil = veil
        self.grants = NOTHING
        self._standing = standing or Standing()
        self._options: Options = {
            "hasher": veil.hasher,
            "hash_commands": hash_commands,
            "repo_names": veil.repo_names,
            "content": False,
        }

    async def read(self, log_file: LogFile) -> None:
        """Read what is new of a file. Raises `FileNotFoundError` if it is gone, `UnreadableError` if
        it can't be opened, `OvertakenError` if another reads it, and what `Writer.save` raises."""
        self.grants = self._standing.now()
        self._options["content"] = bool(self.grants)
        before = await cursors.load_one(self.writer.connection, log_file.origin)
        if before is not None and not self.rebuild:
            if not log_file.differs(before):
                return
            with opened(log_file.file) as rollout:
                reader = self._reader(log_file, before.state)
                if reader is not None and _goes_on(rollout, before):
                    before.since = before.place
                    self.tally.add(await _OneFile(self, log_file, rollout, reader, before).read())
                    return
        with opened(log_file.file) as rollout:
            anew = Cursor(text_of(log_file.file.home), "", 0, 0, 0, b"", b"", b"", 0, 0)
            anew.since = before.place if before is not None else None
            fresh = self._reader(log_file, None)
            assert fresh is not None
            one = _OneFile(self, log_file, rollout, fresh, anew)
            if before is not None:
                await one.forget_first()
            self.tally.add(await one.read())

    def _reader(self, log_file: LogFile, state: bytes | None) -> RolloutReader | None:
        """The reader as it was; None if it was one of another version of ours."""
        if state is None:
            return RolloutReader(log_file.name, **self._options)
        try:
            return RolloutReader.restore(state, log_file.name, **self._options)
        except msgspec.MsgspecError:
            return None


def _goes_on(rollout: OpenedRollout, before: Cursor) -> bool:
    if rollout.size == before.size and rollout.mtime_ns != before.mtime_ns:
        return False  # written anew: nothing was added, and it needn't be its ends that changed
    return rollout.goes_on(Mark(before.read_to, before.head, before.tail))


class _OneFile:
    def __init__(
        self,
        reading: Reading,
        log_file: LogFile,
        rollout: OpenedRollout,
        reader: RolloutReader,
        cursor: Cursor,
    ) -> None:
        self._writer = reading.writer
        self._grants = reading.grants
        self._veil = reading.veil
        self._log_file = log_file
        self._rollout = rollout
        self._reader = reader
        self._cursor = cursor
        self._saved_to = cursor.read_to
        self._afresh = False
        self._first_heard: dict[str, Captured] = {}
        self._batch = Batch("rollout", log_file.origin)
        self._counts = Tally()
        self._turns: set[str] = set()
        self._responses: set[tuple[str, int]] = set()

    async def forget_first(self) -> None:
        """With what is saved first, forget all that the file told before."""
        self._first_heard = await first_heard(self._writer.connection, self._log_file.origin)
        self._afresh = True

    async def read(self) -> Tally:
        """What was read and saved. If something can't be read, what could be is kept."""
        cursor, counts = self._cursor, self._counts
        captured = Captured(_now(), _utc_offset_min())
        whole = True
        try:
            for line in self._rollout.lines():
                cursor.read_to = line.end
                cursor.lines += 1
                counts.lines += 1
                if line.text is None:
                    self._skipped()
                else:
                    self._take(line.text, captured)
                if line.end - self._saved_to >= SAVE_EVERY:
                    await self._save(whole=False)
        except UnreadableError as error:
            counts.unreadable += 1
            whole = error.broken  # until it changes; else it is tried again the next time
            if error.broken:
                self._skipped()
        await self._save(whole=whole)
        counts.files_read = 1
        counts.turns, counts.responses = self._turns, len(self._responses)
        return counts

    def _take(self, line: bytes, captured: Captured) -> None:
        try:
            for fact in self._reader.read(line, captured):
                if isinstance(fact, Drift):
                    self._drifted(fact)
                self._batch.add(self._veil.over(fact), captured.at)
            for heard in self._reader.take_content():
                self._batch.keep(clear(heard, self._grants.covering(heard), self._veil))
        except Exception as error:  # noqa: BLE001 - a mistake of ours may cost a line, never the rest
            drift = Drift(self._reader.codex_version, "(reader)", type(error).__name__)
            self._drifted(drift)
            self._batch.add(drift, captured.at)

    async def _save(self, *, whole: bool) -> None:
        """Save what was read with the place up to which it was, in one transaction."""
        at = _now()
        for fact in self._reader.finish():
            if isinstance(fact, SessionFacts):
                if self._log_file.newest:
                    file = self._log_file.file
                    fact.rollout_path = Said(file.relative, Weight.ROLLOUT, at)
                    # Where a file lies is so now: a later look counts more, whoever looks.
                    fact.archived = Said(file.archived, Weight.LIVE, at)
                self._heard_before(fact, fact.session_id)
            elif isinstance(fact, TurnFacts):
                self._heard_before(fact, fact.turn_id)
            self._batch.add(self._veil.over(fact), at)
        batch, self._batch = self._batch, Batch("rollout", self._log_file.origin)
        batch.codex_version = self._reader.codex_version
        cursor, rollout, mark = self._cursor, self._rollout, self._rollout.mark
        cursor.path = self._log_file.file.relative
        cursor.size = rollout.size if whole else UNFINISHED
        cursor.mtime_ns = rollout.mtime_ns
        cursor.head, cursor.tail, cursor.state = (
            mark.head,
            mark.tail,
            self._reader.state(self._veil),
        )
        await self._writer.save(batch, cursor=cursor, afresh=self._afresh, more_follows=True)
        cursor.since, self._afresh = cursor.place, False
        self._counts.bytes_read += cursor.read_to - self._saved_to
        self._saved_to = cursor.read_to
        self._counts.sessions |= batch.sessions.keys()
        self._turns |= batch.turns.keys()
        for turn in batch.turns.values():
            self._responses |= {(turn.turn_id, total) for total in turn.responses}

    def _heard_before(self, fact: SessionFacts | TurnFacts, identity: str) -> None:
        first = self._first_heard.get(identity)
        if first is not None and (fact.captured is None or first < fact.captured):
            fact.captured = first

    def _drifted(self, drift: Drift) -> None:
        self._counts.drift += 1
        if drift.name == NOT_A_LINE:
            self._skipped()

    def _skipped(self) -> None:
        self._cursor.skipped_lines += 1
        self._counts.skipped_lines += 1


def _now() -> int:
    return int(time.time() * 1000)


def _utc_offset_min() -> int:
    return time.localtime().tm_gmtoff // 60
