"""A recorded stream, read and joined: what the tests of the live reader ask of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import LimitSample
from codex_telemetry.core.identity import LaunchId
from codex_telemetry.core.rows import TurnRow
from codex_telemetry.core.settle import settle_turn
from codex_telemetry.formats import exec_json, streams
from codex_telemetry.formats.app_server.reader import AppServer
from codex_telemetry.formats.base import Direction, Stamp, StreamReader
from recordings import Frame, Recording

DIRECTIONS: dict[str, Direction] = {"c2s": "client", "s2c": "server"}


@dataclass
class Told:
    batch: Batch = field(default_factory=lambda: Batch("live", "test"))
    readers: dict[int, StreamReader] = field(default_factory=dict)

    def hear(self, sent_by: Direction, line: bytes, at_ms: int = 0, proc: int = 0) -> None:
        reader = self.readers.setdefault(proc, AppServer(LaunchId(f"L{proc}")))
        for fact in reader.read(sent_by, line, Stamp(at_ms)):
            self.batch.add(fact, at_ms)

    @property
    def turns(self) -> list[TurnRow]:
        """In order of start."""
        rows = [settle_turn(facts) for facts in self.batch.turns.values()]
        return sorted(rows, key=lambda row: (row.started_at or 0, row.turn_id))

    @property
    def total_tokens(self) -> int:
        return sum(row.total_tokens or 0 for row in self.turns)

    @property
    def drift(self) -> dict[str, int]:
        return {name: seen.n for (_, name, _), seen in self.batch.drift.items()}

    @property
    def limits(self) -> list[LimitSample]:
        return self.batch.limits


def launches(frames: Iterable[Frame]) -> dict[int, LaunchId]:
    """The ids of a recording's processes. What `run` makes of the moment of their start matters to the
    readers of exec alone."""
    began: dict[int, int] = {}
    found: dict[int, LaunchId] = {}
    for frame in frames:
        proc = frame.proc
        began.setdefault(proc, int(frame.wall_s * 1000))
        if frame.direction == "s2c" and any(
            stream.recognises(frame.line, "server") for stream in exec_json.STREAMS
        ):
            found[proc] = LaunchId(f"{began[proc]:x}-{proc}")
    return {proc: found.get(proc, LaunchId(f"L{proc}")) for proc in began}


def told_by(frames: Iterable[Frame]) -> Told:
    told, frames = Told(), list(frames)
    launch = launches(frames)
    for frame in frames:
        if frame.direction not in DIRECTIONS:
            continue
        sent_by = DIRECTIONS[frame.direction]
        if frame.proc not in told.readers and not launch[frame.proc].startswith("L"):
            reader = streams.recognise(frame.line, sent_by, launch[frame.proc], new_thread=True)
            if reader is None:
                continue
            told.readers[frame.proc] = reader
        told.hear(sent_by, frame.line, int(frame.wall_s * 1000), frame.proc)
    return told


def sent_by_the_model(recording: Recording) -> int:
    """Tokens of the responses that the stub of the model finished: the truth."""
    return sum(
        row["usage"]["total_tokens"]
        for row in recording.truth()
        if row.get("usage") and row.get("response_id") and row.get("ts_completed")
    )
