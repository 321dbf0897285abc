"""Rollout files of recordings, read and joined: what the tests of their reader ask of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import Captured, Fact, SessionFacts, TurnFacts
from codex_telemetry.core.identity import SessionId, TurnId
from codex_telemetry.core.rows import SessionRow, TurnRow
from codex_telemetry.core.settle import settle_session, settle_turn
from codex_telemetry.core.veil import Hasher
from codex_telemetry.formats.rollout import RolloutName, rollout_name
from codex_telemetry.formats.rollout.reader import RolloutReader
from recordings import Recording

NOW = Captured(1_795_430_000_000, 60)


def name_of(path: Path) -> RolloutName:
    """Of a file, or of a copy (`before-resume-rollout-…`)."""
    name = rollout_name(path.name[path.name.index("rollout-") :])
    assert name is not None
    return name


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n")[:-1]


@dataclass
class Rolled:
    batch: Batch = field(default_factory=lambda: Batch("rollout", "test"))

    def take(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            self.batch.add(fact, NOW.at)

    @property
    def turns(self) -> list[TurnRow]:
        """In order of start."""
        rows = [settle_turn(facts) for facts in self.batch.turns.values()]
        return sorted(rows, key=lambda row: (row.started_at or 0, row.turn_id))

    @property
    def sessions(self) -> list[SessionRow]:
        """In order of creation."""
        rows = [settle_session(facts) for facts in self.batch.sessions.values()]
        return sorted(rows, key=lambda row: (row.created_at or 0, row.session_id))

    @property
    def total_tokens(self) -> int:
        return sum(row.total_tokens or 0 for row in self.turns)

    @property
    def drift(self) -> dict[str, int]:
        return {name: seen.n for (_, name, _), seen in self.batch.drift.items()}

    @property
    def events(self) -> list[str]:
        """Kinds of all events, in order of time."""
        told = [turn.events for turn in self.batch.turns.values()]
        told += [session.events for session in self.batch.sessions.values()]
        found = [(min(e.starts.values()), e.kind) for events in told for e in events.values()]
        return [kind for _, kind in sorted(found)]

    def count(self, what: str) -> int:
        return sum(turn.counts.get(f"rollout.{what}", 0) for turn in self.batch.turns.values())


def read(
    rolled: Rolled,
    name: RolloutName,
    lines: Iterable[bytes],
    *,
    stops: frozenset[int] = frozenset(),
    hasher: Hasher | None = None,
    hash_commands: bool = False,
    repo_names: bool = False,
    archived: bool | None = None,
    handing_out: bool = True,
) -> None:
    """Read lines into a batch. `stops`: after so many lines the reader is put away and restored;
    `handing_out`: what it was told by then is taken from it."""

    kept: dict[str, Any] = {
        "hasher": hasher,
        "hash_commands": hash_commands,
        "repo_names": repo_names,
    }

    def fresh(state: bytes | None) -> RolloutReader:
        if state is None:
            return RolloutReader(name, archived, **kept)
        return RolloutReader.restore(state, name, archived, **kept)

    reader = fresh(None)
    for n, line in enumerate(lines):
        if n in stops:
            if handing_out:
                rolled.take(reader.finish())
            reader = fresh(reader.state())
        rolled.take(reader.read(line, NOW))
    rolled.take(reader.finish())


def rolled_up(
    recording: Recording, every: int | None = None, *, handing_out: bool = True
) -> Rolled:
    """All of a recording's rollout files; stopping after every so many lines."""
    rolled = Rolled()
    for path in recording.rollouts():
        lines = lines_of(path)
        stops = frozenset(range(every, len(lines), every)) if every else frozenset()
        read(rolled, name_of(path), lines, stops=stops, handing_out=handing_out)
    return rolled


def file_up(path: Path) -> Rolled:
    rolled = Rolled()
    read(rolled, name_of(path), lines_of(path))
    return rolled


def one_turn(rolled: Rolled) -> TurnFacts:
    (turn,) = rolled.batch.turns.values()
    return turn


def session(rolled: Rolled, session_id: str) -> SessionFacts:
    return rolled.batch.sessions[SessionId(session_id)]


def turn(rolled: Rolled, turn_id: str) -> TurnFacts:
    return rolled.batch.turns[TurnId(turn_id)]
