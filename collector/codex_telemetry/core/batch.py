"""Facts heard since the last save, joined as they come: its size is that of what changed."""

from msgspec import Struct, field

from codex_telemetry.core.facts import Drift, Fact, Gap, LimitSample, SessionFacts, TurnFacts
from codex_telemetry.core.identity import SessionId, TurnId
from codex_telemetry.core.join import join

MOST_DRIFT = 200
"""Names of drift kept apart in one batch; the rest are counted under one name."""

THE_REST = "(more)"


class DriftCount(Struct, array_like=True):
    n: int
    first_seen: int
    last_seen: int


class Batch(Struct, array_like=True):
    """What one origin told. `origin` is the launch of a live stream, or a rollout's path."""

    kind: str
    """live, rollout"""
    origin: str
    codex_version: str | None = None
    sessions: dict[SessionId, SessionFacts] = field(default_factory=dict)
    turns: dict[TurnId, TurnFacts] = field(default_factory=dict)
    limits: list[LimitSample] = field(default_factory=list)
    drift: dict[tuple[str, str, str], DriftCount] = field(default_factory=dict)
    """(version or "", name, reason) → how often."""
    gaps: list[Gap] = field(default_factory=list)
    facts: int = 0
    """How many were added: a measure of its size."""

    def add(self, fact: Fact, at: int) -> None:
        """Take in a fact heard at `at` (ms UTC)."""
        self.facts += 1
        if isinstance(fact, TurnFacts):
            known_turn = self.turns.get(fact.turn_id)
            self.turns[fact.turn_id] = fact if known_turn is None else join(known_turn, fact)
        elif isinstance(fact, SessionFacts):
            known = self.sessions.get(fact.session_id)
            self.sessions[fact.session_id] = fact if known is None else join(known, fact)
        elif isinstance(fact, LimitSample):
            self.limits.append(fact)
        elif isinstance(fact, Drift):
            self._count(fact, at)
        else:
            self.gaps.append(fact)

    def take(self, other: "Batch") -> None:
        """Take in another batch of the same origin: what couldn't be saved, say."""
        for turn in other.turns.values():
            self.add(turn, 0)
        for session in other.sessions.values():
            self.add(session, 0)
        self.limits[:0] = other.limits
        self.gaps[:0] = other.gaps
        for key, theirs in other.drift.items():
            mine = self.drift.get(key)
            if mine is None:
                self.drift[key] = theirs
            else:
                mine.n += theirs.n
                mine.first_seen = min(mine.first_seen, theirs.first_seen)
                mine.last_seen = max(mine.last_seen, theirs.last_seen)
        self.codex_version = self.codex_version or other.codex_version
        self.facts += len(other.limits) + len(other.gaps)

    def __bool__(self) -> bool:
        return self.facts > 0

    def _count(self, drift: Drift, at: int) -> None:
        key = (drift.codex_version or "", drift.name, drift.reason)
        if key not in self.drift and len(self.drift) >= MOST_DRIFT:
            key = (drift.codex_version or "", THE_REST, "too many names")
        seen = self.drift.setdefault(key, DriftCount(0, at, at))
        seen.n += 1
        seen.last_seen = max(seen.last_seen, at)
        seen.first_seen = min(seen.first_seen, at)
