"""The one place where inputs and formats meet: what is heard is read, and waits to be kept."""

import anyio

from codex_telemetry.core.batch import Batch, DriftCount, DriftKey
from codex_telemetry.core.facts import Drift, Gap, TurnFacts
from codex_telemetry.core.gate import clear
from codex_telemetry.core.identity import LaunchId, SessionId
from codex_telemetry.core.veil import OPEN, Veil
from codex_telemetry.formats import streams
from codex_telemetry.formats.base import Direction, NamelessReader, Stamp, StreamReader
from codex_telemetry.inputs import live
from codex_telemetry.sight import Sight
from codex_telemetry.store import grants
from codex_telemetry.unrecognised import Start, Waiting, started

MOST_HEARD = 5_000
"""Facts that may wait for the keeper; then we stop listening until it has taken them."""

COLLECTOR_DIED = "collector died"


class Hearing:
    """What one launch says, as far as it isn't kept yet."""

    def __init__(self, granted: grants.Grants = grants.NOTHING, veil: Veil = OPEN) -> None:
        self._granted = granted
        self._veil = veil
        self.began: float | None = None
        """When a Codex began, by its name or its stream (Unix time, s); None while it may be any
        program."""
        self.threads: set[str] = set()
        """Of which the logs tell that were written meanwhile."""
        self.codex = anyio.Event()
        """It is a Codex."""
        self.recognised = anyio.Event()
        """Its stream is one we know."""
        self._ended = anyio.Event()
        self._launch = LaunchId("")
        self._new_thread = False
        self._launched_at: int | None = None
        """When it began (ms UTC), where an earlier collector heard that and died."""
        self._reader: StreamReader | None = None
        self._sight = Sight()
        self._waiting = Waiting()
        self._batch = Batch("live", "")
        self._drift: dict[DriftKey, DriftCount] = {}
        self._set_by_ms = 0
        """By how much the wall clock had been set when last no turn was running."""
        self._turn_ended = False
        self._news = anyio.Event()
        self._due = anyio.Event()
        self._taken = anyio.Event()

    def hear(self, heard: live.Heard) -> None:
        for fact, at in self._sight.take(heard):
            self._batch.add(self._veil.over(fact), at)
        match heard:
            case live.Meta(started=True, body=body, wall_ms=at):
                self._start(started(body), at)
            case live.Line():
                self._read(heard)
            case live.Lost(from_codex=from_codex, wall_ms=at, dropped_bytes=n, reason=reason):
                gap = Gap(at, n, reason)
                if self._reader is not None:
                    self._batch.add(gap, at)
                    # What is too long is one whole line, and none that counts anything.
                    if reason != live.TOO_LONG:
                        self._reader.lost("server" if from_codex else "client")
                elif self._sight.is_there and self.codex.is_set():
                    self._batch.add(gap, at)
                else:
                    self._waiting.lost(gap)

    def _start(self, start: Start, at: int) -> None:
        self._launch = LaunchId(start.launch)
        self._new_thread = start.new_thread
        self._batch.origin = self._launch
        if start.codex:
            self._is_codex(at)
        if start.again_ms is not None:
            # Even where it may be no Codex: the one that died may have known.
            self._launched_at = at
            self._batch.add(Gap(start.again_ms, None, COLLECTOR_DIED), at)

    async def heard_some(self) -> None:
        """Let the keeper look, at once if a turn has ended; where it doesn't keep up, wait for it. Then
        the pipe fills, and the pump counts what it can't pass on."""
        if self._batch:
            self._news.set()
        full = self._batch.facts > MOST_HEARD
        if full or self._turn_ended:
            self._due.set()
        if full:
            await self._taken.wait()

    def tell_whose_it_is(self) -> None:
        """Where a stream doesn't name its thread, it is the one of which a log was written."""
        if isinstance(self._reader, NamelessReader) and len(self.threads) == 1:
            (thread,) = self.threads
            for fact in self._reader.belongs_to(SessionId(thread)):
                at = self.began or 0
                self._batch.add(self._veil.over(fact), int(at * 1000))

    def end(self) -> None:
        """Nothing more will be heard."""
        for event in (self._ended, self._news, self._due):
            event.set()

    @property
    def is_told_all(self) -> bool:
        """What is heard tells nearly all there is to know: its logs can wait."""
        return self._reader is not None and self._reader.tells_all

    def _is_codex(self, at: int) -> None:
        if self.began is None:
            self.began = at / 1000
        self.codex.set()

    @property
    def has_ended(self) -> bool:
        return self._ended.is_set()

    @property
    def is_over(self) -> bool:
        """Nothing more will be heard, and all that was is taken."""
        return self.has_ended and not self._batch

    async def news(self) -> None:
        """Wait until something is heard, or nothing will be any more."""
        await self._news.wait()

    async def gather(self, seconds: float) -> None:
        """Give it time to hear more; less if a turn or all of it ends, or it can hold no more."""
        with anyio.move_on_after(seconds):
            await self._due.wait()

    def take(self) -> Batch:
        """What isn't kept yet; from now on it is the taker's."""
        taken, self._batch = self._batch, Batch("live", self._launch)
        taken.codex_version = self._reader.codex_version if self._reader is not None else None
        taken.counted_from(self._drift)
        self._turn_ended = False
        if not self.has_ended:
            self._news, self._due = anyio.Event(), anyio.Event()
        self._taken.set()
        self._taken = anyio.Event()
        return taken

    def _read(self, line: live.Line) -> None:
        if self._reader is None and not self._recognise(line):
            self._waiting.take(line)
            return
        self._read_known(line)

    def _recognise(self, line: live.Line) -> bool:
        """Until Codex says something of a stream we know, this is some other program. Then what the
        client said before is read."""
        sent_by: Direction = "server" if line.from_codex else "client"
        self._reader = streams.recognise(
            line.text,
            sent_by,
            self._launch,
            content=bool(self._granted),
            new_thread=self._new_thread,
        )
        if self._reader is None:
            return False
        waiting, self._waiting = self._waiting, Waiting()
        first = waiting.lines[0] if waiting.lines else line
        self._is_codex(first.wall_ms if self._launched_at is None else self._launched_at)
        self.recognised.set()
        if self._launched_at is not None:
            self._reader.lost("client")
            self._reader.lost("server")
        for gap in waiting.gaps:
            self._batch.add(gap, gap.at)
        for earlier in waiting.lines:
            self._read_known(earlier)
        return True

    def _read_known(self, line: live.Line) -> None:
        assert self._reader is not None
        if self._set_by_ms != line.set_by_ms and not self._reader.in_a_turn:
            self._set_by_ms = line.set_by_ms
        ahead_ms = line.set_by_ms - self._set_by_ms
        at = Stamp(line.wall_ms - ahead_ms, line.utc_offset_min, ahead_ms)
        try:
            for fact in self._reader.read("server" if line.from_codex else "client", line.text, at):
                self._turn_ended |= isinstance(fact, TurnFacts) and fact.status is not None
                self._batch.add(self._veil.over(fact), line.wall_ms)
            for heard in self._reader.take_content() if self._granted else ():
                self._batch.keep(clear(heard, self._granted.covering(heard), self._veil))
        except Exception as error:  # noqa: BLE001 - a mistake of ours may cost a line, never the rest
            drift = Drift(self._reader.codex_version, "(reader)", type(error).__name__)
            self._batch.add(drift, line.wall_ms)
