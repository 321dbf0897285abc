"""What the reader of an app-server has to remember between lines: threads, turns, open requests."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from codex_telemetry.core.facts import Said, Source, Times, TurnFacts, Usage, Weight
from codex_telemetry.core.identity import ItemId, SessionId, TurnId, turn_id, uuid7_ms
from codex_telemetry.formats.base import Stamp

MOST_OPEN = 10_000
"""Requests, threads and turns remembered at most: a stream may never end, our memory must."""


@dataclass(slots=True)
class Settings:
    """What a turn runs with; a thread's hold until a turn's own override them."""

    model: str | None = None
    effort: str | None = None
    service_tier: str | None = None
    summary_mode: str | None = None
    approval_policy: str | None = None
    sandbox: str | None = None
    sandbox_network: bool | None = None
    sandbox_writable_roots: int | None = None
    exclude_tmpdir: bool | None = None
    exclude_slash_tmp: bool | None = None
    cwd: str | None = None

    def overridden(self, other: "Settings") -> "Settings":
        mine = {name: getattr(self, name) for name in self.__slots__}
        theirs = {name: v for name in self.__slots__ if (v := getattr(other, name)) is not None}
        return Settings(**{**mine, **theirs})


@dataclass(slots=True)
class Turn:
    """A turn of a thread in this process."""

    id: TurnId
    heard: bool = False
    """Named by `turn/started` or an item: it exists."""
    ended: bool = False
    requested: Stamp | None = None
    started: Stamp | None = None
    traceparent: str | None = None
    interrupted: bool = False
    """The client asked to interrupt it."""
    plans: int = 0
    """How often its plan was told."""
    hooks: int = 0
    """How many runs of hooks were told."""
    started_facts: TurnFacts | None = None
    """A start held back: a second `turn/start` while a turn runs may announce one that never is."""
    errors: int = 0
    error_kind: str | None = None
    speaking: dict[str, Stamp] = field(default_factory=dict)
    spoken: dict[str, int] = field(default_factory=dict)
    """Of the older protocol, whose messages have no ids: since when one is spoken, how many were."""


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A response that ended before its token count: what the count will say, and what it doesn't."""

    usage: Usage
    id: str | None
    ended: Times


@dataclass(slots=True)
class Thread:
    id: SessionId
    created: int | None = None
    """ms UTC"""
    settings: Settings = field(default_factory=Settings)
    cli_version: str | None = None
    legacy: bool = False
    """Came by the v1 protocol: its life is told by `codex/event/*` alone."""
    baseline: bool = False
    """Came with a history: its first token count tells of the past."""
    last_total: int | None = None
    counted: tuple[Turn, bool] | None = None
    """The turn of the response that was counted last, and whether an older event told of it."""
    context: int | None = None
    """Tokens in its context, by the latest count or estimate of Codex."""
    compacting: tuple[Turn, ItemId] | None = None
    """The compaction whose estimate of what remains is to come."""
    raw_response: RawResponse | None = None
    waiting: dict[str, tuple[str, Turn | None]] = field(default_factory=dict)
    """What it waits for → the event that says so, and whose it is."""
    statuses: int = 0
    hooks: int = 0
    """How many runs of hooks were told that belong to no turn."""
    mcp_starting: dict[str, Times] = field(default_factory=dict)
    """MCP servers that start → since when."""
    mcp_starts: dict[str, int] = field(default_factory=dict)
    """MCP servers → how often each has started."""
    unheard: frozenset[str] = frozenset()
    active: str | None = None
    """The running turn, by Codex's id."""
    compact_asked: Stamp | None = None
    review: str | None = None
    """The outer turn of a review: other ids started meanwhile are the reviewer's own."""
    sent: deque[Stamp] = field(default_factory=lambda: deque(maxlen=100))
    """Messages of the client that no turn has taken up yet (older protocol)."""
    turns: dict[str, Turn] = field(default_factory=dict)

    def turn(self, codex_turn: str, launch: str) -> Turn:
        found = self.turns.get(codex_turn)
        if found is None:
            found = self.turns[codex_turn] = Turn(turn_id(self.id, launch, codex_turn))
            bound(self.turns)
        return found

    def running(self) -> Turn | None:
        """The turn that runs, as far as it is known to exist."""
        turn = self.turns.get(self.active) if self.active is not None else None
        return turn if turn is not None and turn.heard and not turn.ended else None

    def facts(self, turn: Turn, at: Stamp) -> TurnFacts:
        """An empty claim about a turn of this thread, heard now."""
        created = self.created if self.created is not None else uuid7_ms(self.id)
        return TurnFacts(
            turn_id=turn.id,
            tellers={self.id: created},
            sources=Source.LIVE,
            captured=at.captured,
            unheard=self.unheard,
        )


@dataclass(slots=True)
class Request:
    """A request of the client that waits for its answer."""

    method: str
    at: Stamp
    thread: SessionId | None = None
    settings: Settings = field(default_factory=Settings)
    traceparent: str | None = None
    steers: Turn | None = None
    key: str = ""
    """Of the event that tells of it."""


@dataclass(slots=True)
class OpenAsk:
    """A request of Codex to the client that waits for its answer."""

    kind: str
    thread: Thread
    turn: Turn
    item_id: ItemId | None


def live(value: Any, at: Stamp, weight: int = Weight.LIVE) -> Said[Any] | None:
    """A claim by the stream; nothing is claimed of an unknown value."""
    return None if value is None else Said(value, weight, at.wall_ms)


def bound(remembered: dict[Any, Any]) -> None:
    """Forget the oldest past `MOST_OPEN`."""
    while len(remembered) > MOST_OPEN:
        del remembered[next(iter(remembered))]
