"""Facts heard since the last save, joined as they come: its size is that of what changed."""

from collections.abc import Callable, Collection

from msgspec import Struct, field
from msgspec.structs import replace

from codex_telemetry.core.facts import (
    Drift,
    Fact,
    Gap,
    LimitSample,
    SessionFacts,
    Snapshot,
    TurnFacts,
)
from codex_telemetry.core.gate import Cleared
from codex_telemetry.core.identity import SessionId, TurnId
from codex_telemetry.core.join import join

MOST_DRIFT = 200
"""Names of drift kept apart by one origin; the rest are counted under one name."""

THE_REST = "(more)"
TOO_MANY = "too many names"

DriftKey = tuple[str, str, str]
"""Version or "", name, reason."""


class DriftCount(Struct, array_like=True, frozen=True):
    n: int
    first_seen: int
    last_seen: int

    def and_then(self, later: "DriftCount") -> "DriftCount":
        """Both, where the second was counted anew."""
        return DriftCount(
            self.n + later.n,
            min(self.first_seen, later.first_seen),
            max(self.last_seen, later.last_seen),
        )

    def or_so(self, other: "DriftCount") -> "DriftCount":
        """The fuller of two counts that both started at the beginning."""
        return DriftCount(
            max(self.n, other.n),
            min(self.first_seen, other.first_seen),
            max(self.last_seen, other.last_seen),
        )


class Batch(Struct, array_like=True):
    """What one origin told. `origin` is the launch of a live stream, or a rollout's path."""

    kind: str
    """live, rollout"""
    origin: str
    codex_version: str | None = None
    sessions: dict[SessionId, SessionFacts] = field(default_factory=dict)
    turns: dict[TurnId, TurnFacts] = field(default_factory=dict)
    limits: list[LimitSample] = field(default_factory=list)
    drift: dict[DriftKey, DriftCount] = field(default_factory=dict)
    """How often in this batch; of a live stream, once it is `counted_from`, how often so far."""
    gaps: list[Gap] = field(default_factory=list)
    facts: int = 0
    """How many were added: a measure of its size."""
    cleared: list[Cleared] = field(default_factory=list)
    """Content that may be kept, sealed. No encoder takes it, so it can't get into a file of ours but
    by the writer."""
    snapshots: list[Snapshot] = field(default_factory=list)

    def keep(self, cleared: Cleared) -> None:
        """Take in content that was cleared, if any of it may be kept."""
        if cleared.captured is not None:
            self.cleared.append(cleared)
            self.facts += 1 + len(cleared.captured.box.sealed) // 1_000

    def without_content(self) -> "Batch":
        """It as it may be written where content may not."""
        return replace(self, cleared=[])

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
        elif isinstance(fact, Snapshot):
            self.snapshots.append(fact)
        elif isinstance(fact, Drift):
            _count(self.drift, _key(fact), DriftCount(1, at, at))
        else:
            self.gaps.append(fact)

    def take(self, later: "Batch") -> None:
        """Take in a later batch of the same live stream: this one couldn't be saved, say."""
        facts = self.facts + later.facts
        for turn in later.turns.values():
            self.add(turn, 0)
        for session in later.sessions.values():
            self.add(session, 0)
        self.limits += later.limits
        self.gaps += later.gaps
        self.snapshots += later.snapshots
        self.cleared += later.cleared
        for key, theirs in later.drift.items():
            mine = self.drift.get(key)
            self.drift[key] = theirs if mine is None else mine.or_so(theirs)
        self.codex_version = later.codex_version or self.codex_version
        self.facts = facts

    def counted_from(self, so_far: dict[DriftKey, DriftCount]) -> None:
        """Make its counts of drift those since the beginning, `so_far` being those before it, which
        are brought up to date. Then a batch that is saved twice changes nothing."""
        fresh, self.drift = self.drift, {}
        for key, count in fresh.items():
            known = _count(so_far, key, count)
            self.drift[known] = so_far[known]

    def __bool__(self) -> bool:
        return bool(self.cleared) or any(getattr(self, name) for name in _TOLD)

    def halves(self) -> "tuple[Batch, Batch] | None":
        """Two batches that hold all that this one does; None if it can't be divided."""
        names = [name for name in _TOLD if getattr(self, name)]
        if len(names) > 1:
            return self._with(names[:1], slice(None)), self._with(names[1:], slice(None))
        middle = len(getattr(self, names[0])) // 2 if names else 0
        if middle == 0:
            return None
        return self._with(names, slice(middle)), self._with(names, slice(middle, None))

    def sifted(self, fits: "Callable[[Batch], bool]") -> "Batch":
        """It without those of its facts that alone wouldn't fit."""
        if fits(self):
            return self
        halves = self.halves()
        if halves is None:
            return self._with([], slice(0))
        one, other = (half.sifted(fits) for half in halves)
        one.take(other)
        return one

    def _with(self, names: list[str], part: slice) -> "Batch":
        fresh = Batch(self.kind, self.origin, self.codex_version)
        for name in names:
            content = getattr(self, name)
            if isinstance(content, dict):
                setattr(fresh, name, dict(list(content.items())[part]))
            else:
                setattr(fresh, name, content[part])
            fresh.facts += len(getattr(fresh, name))
        return fresh


_TOLD = ("turns", "sessions", "limits", "drift", "gaps", "snapshots")


def _key(drift: Drift) -> DriftKey:
    return drift.codex_version or "", drift.name, drift.reason


def counted_as(key: DriftKey, known: Collection[DriftKey]) -> DriftKey:
    """The name under which it is counted beside those that are known."""
    if key in known or len(known) < MOST_DRIFT:
        return key
    return key[0] if len(known) < 2 * MOST_DRIFT else "", THE_REST, TOO_MANY


def _count(counts: dict[DriftKey, DriftCount], key: DriftKey, count: DriftCount) -> DriftKey:
    """Add to what is counted, in a table that has an end; the name under which it was."""
    key = counted_as(key, counts)
    known = counts.get(key)
    counts[key] = count if known is None else known.and_then(count)
    return key
