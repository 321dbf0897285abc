"""Read one rollout file, into pieces that can be saved."""

import time
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypedDict

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from codex_telemetry.backfill.log_files import LogFile
from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import Captured, Drift, Fact, Said, SessionFacts, TurnFacts, Weight
from codex_telemetry.core.gate import clear
from codex_telemetry.core.veil import OPEN, Hasher, Veil
from codex_telemetry.formats.rollout.reader import RolloutReader
from codex_telemetry.inputs.files import text_of
from codex_telemetry.inputs.opened import OpenedRollout, UnreadableError
from codex_telemetry.store.cursors import Cursor
from codex_telemetry.store.grants import NOTHING, Grants

SAVE_EVERY = 32 << 20
"""Bytes of one file after which what was read so far is saved: memory stays flat."""

NOT_A_LINE = "(line)"
"""The name of drift that stands for a line of which nothing could be read."""

UNFINISHED = -1
"""Instead of a file's size, as long as there is more of it to be read: so it is read on."""


class Manner(NamedTuple):
    """How files are read: what is put over what they tell, and what else is looked at."""

    veil: Veil = OPEN
    hash_commands: bool = False
    grants: Grants = NOTHING
    """What content is granted: without any, none is looked at."""

    def reader(self, log_file: LogFile, state: bytes | None = None) -> RolloutReader | None:
        """A new one, or as it was; None if it was one of another version of ours."""
        options: Options = {
            "hasher": self.veil.hasher,
            "hash_commands": self.hash_commands,
            "repo_names": self.veil.repo_names,
            "content": bool(self.grants),
        }
        if state is None:
            return RolloutReader(log_file.name, **options)
        try:
            return RolloutReader.restore(state, log_file.name, **options)
        except msgspec.MsgspecError:
            return None


class Options(TypedDict):
    """What is kept as a keyed hash: nothing without a hasher, commands only if asked for. And whether
    content is looked at."""

    hasher: Hasher | None
    hash_commands: bool
    repo_names: bool
    content: bool


class Piece(Struct, array_like=True):
    """What was read of a file up to a line's end: to be saved at once, and in order."""

    batch: Batch
    cursor: Cursor
    lines: int
    skipped_lines: int
    drift: int
    unreadable: int
    bytes_read: int
    last: bool
    """The file is read."""


class OneFile:
    """A file being read. Each piece is taken for saved when the next is asked for."""

    def __init__(
        self,
        manner: Manner,
        log_file: LogFile,
        rollout: OpenedRollout,
        reader: RolloutReader,
        cursor: Cursor,
        first_heard: Mapping[str, Captured] = MappingProxyType({}),
    ) -> None:
        """`first_heard`: when each thing was, of a file that is told afresh."""
        self._veil = manner.veil
        self._grants = manner.grants
        self._looks = bool(manner.grants)
        self._log_file = log_file
        self._rollout = rollout
        self._reader = reader
        self._cursor = cursor
        self._first_heard = first_heard
        self._begin()

    def _begin(self) -> None:
        self._batch = Batch("rollout", self._log_file.origin)
        self._saved_to = self._cursor.read_to
        self._lines = self._skipped_lines = self._drift = self._unreadable = 0

    def pieces(self) -> Iterator[Piece]:
        """All that is new. If something can't be read, what could be is kept."""
        cursor, rollout, take = self._cursor, self._rollout, self._take
        full_at = self._saved_to + SAVE_EVERY
        captured = Captured(_now(), _utc_offset_min())
        whole = True
        try:
            for line in rollout.lines():
                self._lines += 1
                if line is None:
                    self._skipped_lines += 1
                else:
                    take(line, captured)
                if rollout.end >= full_at:
                    yield self._piece(whole=False, last=False)
                    cursor.since = cursor.place
                    self._begin()
                    full_at = self._saved_to + SAVE_EVERY
        except UnreadableError as error:
            self._unreadable += 1
            whole = error.broken  # until it changes; else it is tried again the next time
            if error.broken:
                self._skipped_lines += 1
        yield self._piece(whole=whole, last=True)

    def _take(self, line: bytes, captured: Captured) -> None:
        try:
            told = self._reader.read(line, captured)
            if told:  # few lines have anything to be handed out at once
                self._keep(told, captured.at)
            if self._looks:
                for heard in self._reader.take_content():
                    self._batch.keep(clear(heard, self._grants.covering(heard), self._veil))
        except Exception as error:  # noqa: BLE001 - a mistake of ours may cost a line, never the rest
            drift = Drift(self._reader.codex_version, "(reader)", type(error).__name__)
            self._drifted(drift)
            self._batch.add(drift, captured.at)

    def _keep(self, told: Iterable[Fact], at: int) -> None:
        for fact in told:
            if isinstance(fact, Drift):
                self._drifted(fact)
            self._batch.add(self._veil.over(fact), at)

    def _piece(self, *, whole: bool, last: bool) -> Piece:
        """What was read, with the place up to which it was."""
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
        self._batch.codex_version = self._reader.codex_version
        cursor, rollout, mark = self._cursor, self._rollout, self._rollout.mark
        cursor.path = self._log_file.file.relative
        cursor.read_to = mark.offset
        cursor.size = rollout.size if whole else UNFINISHED
        cursor.mtime_ns = rollout.mtime_ns
        cursor.head, cursor.tail, cursor.state = (
            mark.head,
            mark.tail,
            self._reader.state(self._veil),
        )
        cursor.lines += self._lines
        cursor.skipped_lines += self._skipped_lines
        return Piece(
            batch=self._batch,
            cursor=replace(cursor),
            lines=self._lines,
            skipped_lines=self._skipped_lines,
            drift=self._drift,
            unreadable=self._unreadable,
            bytes_read=cursor.read_to - self._saved_to,
            last=last,
        )

    def _heard_before(self, fact: SessionFacts | TurnFacts, identity: str) -> None:
        first = self._first_heard.get(identity)
        if first is not None and (fact.captured is None or first < fact.captured):
            fact.captured = first

    def _drifted(self, drift: Drift) -> None:
        self._drift += 1
        if drift.name == NOT_A_LINE:
            self._skipped_lines += 1


def new_cursor(log_file: LogFile) -> Cursor:
    """Of a file of which nothing was read."""
    return Cursor(text_of(log_file.file.home), "", 0, 0, 0, b"", b"", b"", 0, 0)


def _now() -> int:
    return int(time.time() * 1000)


def _utc_offset_min() -> int:
    return time.localtime().tm_gmtoff // 60
