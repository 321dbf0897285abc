"""A rollout file being read: what is remembered, what is claimed, whose a turn is."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from msgspec import Struct

from codex_telemetry.core.facts import (
    Clock,
    Drift,
    EventFacts,
    Fact,
    ItemFacts,
    ResponseFacts,
    Said,
    SessionFacts,
    Source,
    Times,
    TurnFacts,
    Weight,
)
from codex_telemetry.core.identity import (
    ItemId,
    TurnId,
    is_log_turn,
    is_safe_id,
    is_uuid,
    log_turn_id,
    uuid7_ms,
)
from codex_telemetry.core.join import join, weightier
from codex_telemetry.core.veil import Hasher
from codex_telemetry.formats.app_server.limits import Limits
from codex_telemetry.formats.rollout import wire
from codex_telemetry.formats.rollout.state import State, bound

K = TypeVar("K")
F = TypeVar("F", ItemFacts, ResponseFacts, EventFacts)

_HINT, _ROLLOUT = int(Weight.HINT), int(Weight.ROLLOUT)
"""As plain numbers: members of an enumeration take longer to compare, and to write down."""


class Moment(Struct, frozen=True, gc=False):
    """A line's own time (None in the format of 0.20), and its number where it has one."""

    ms: int | None
    ordinal: int | None = None


@dataclass(slots=True)
class Context:
    """The last `turn_context`: most are said again and again, with each response."""

    told: wire.TurnContext
    of: tuple[Any, ...]
    """All that it says but of which turn."""
    model: str | None
    cwd: str | None
    claims: tuple[tuple[str, Any], ...] = ()
    """Fields of a turn, and what is said of each."""
    turn: TurnFacts | None = None
    """The turn of which it is still to be claimed, and when that was said last."""
    at: int = 0


@dataclass(slots=True)
class Reading:
    state: State
    hasher: Hasher | None = None
    hash_commands: bool = False
    repo_names: bool = False
    limits: Limits = field(default_factory=Limits)
    context: Context | None = None
    counted: tuple[wire.TokenCount, int] | None = None
    """The last count of tokens and its total: to say it again tells nothing. An estimate isn't one."""
    out: list[Fact] = field(default_factory=list)
    """Facts that are handed out with the line that told them."""

    def drift(self, name: str, reason: str) -> None:
        self.out.append(Drift(self.state.version, name, reason))

    def session(self) -> SessionFacts | None:
        """The claims about the thread, to be added to; None as long as it has no name."""
        self.state.session_changed = self.state.session is not None
        return self.state.session

    def turn(self, turn_id: TurnId) -> TurnFacts:
        """The claims about a turn of this thread, to be added to."""
        state = self.state
        facts = state.turns.get(turn_id)
        if facts is None:
            assert state.thread is not None
            facts = state.turns[turn_id] = TurnFacts(
                turn_id=turn_id,
                tellers={state.thread: state.created},
                sources=Source.ROLLOUT,
                captured=state.captured,
            )
        return facts

    def item(self, turn_id: TurnId, item_id: str, kind: str) -> ItemFacts:
        """The claims about an item of a turn, to be added to; that of its kind is."""
        items = self.turn(turn_id).items
        facts = items.get(ItemId(item_id))
        if facts is None:
            facts = items[ItemId(item_id)] = ItemFacts(kind)
        elif kind > facts.kind:
            facts.kind = kind
        return facts

    def current(self) -> TurnFacts | None:
        return None if self.state.current is None else self.turn(self.state.current)

    def own(self, codex_turn: str | None) -> TurnId | None:
        """The turn that a line names, or the current one; None if it is another thread's."""
        state = self.state
        if codex_turn is None:
            return state.current
        if codex_turn in state.aliases:
            return state.aliases[codex_turn]
        if not is_uuid(codex_turn):
            return state.current
        return None if self.foreign(codex_turn) else TurnId(codex_turn)

    def foreign(self, codex_turn: str) -> bool:
        """Whether a turn was made before this thread: its history was copied from another's."""
        state = self.state
        if not state.copied or state.created is None:
            return False
        made = uuid7_ms(codex_turn)
        return made is not None and made < state.created

    def settle_context(self) -> None:
        """Claim what the last context says: once, however often it was said."""
        context = self.context
        if context is None or context.turn is None:
            return
        turn, context.turn = context.turn, None
        for field_name, value in context.claims:
            claim = Said(value, _ROLLOUT, context.at)
            setattr(turn, field_name, better(getattr(turn, field_name), claim))

    def begin(self, turn_id: TurnId) -> TurnFacts:
        """From here on, lines without a turn's id are this turn's."""
        state = self.state
        state.current, state.ended, state.answered = turn_id, False, False
        state.elsewhere, state.reviewed = False, None
        state.loose.clear()
        facts = self.turn(turn_id)
        put(
            facts,
            # A newer release may have resumed the thread since.
            cli_version=self.say(state.version, weight=Weight.HINT),
            service_tier=self.say(state.service_tier),
            # A turn without a context of its own (a compaction, a person's command) has the last's.
            model=self.say(state.model, weight=Weight.HINT),
            cwd=self.say(state.cwd, weight=Weight.HINT),
        )
        return facts

    def begin_logged(self, at: int, *, prompts: int) -> TurnFacts | None:
        """A turn without an id, begun by its prompt (0.42 to 0.98)."""
        if self.state.thread is None:
            return None
        facts = self.begin(log_turn_id(self.state.thread, at))
        note(facts.starts, Clock.LOG, at)
        if prompts:
            self.count("prompts", prompts)
        return facts

    def in_logged(self) -> bool:
        return self.state.current is not None and is_log_turn(self.state.current)

    def count(self, what: str, n: int = 1, turn_id: TurnId | None = None) -> None:
        """More of something in a turn: how many so far is what is claimed."""
        state = self.state
        turn_id = turn_id or state.current
        if turn_id is None:
            if state.reviewed is not None:
                state.loose[what] = state.loose.get(what, 0) + n
            return
        tally = state.tally.get(turn_id)
        if tally is None:
            tally = state.tally[turn_id] = {}
            bound(state.tally)
        key = f"rollout.{what}"
        tally[key] = tally.get(key, 0) + n
        if turn_id not in state.turns:
            self.turn(turn_id)

    def prompts(self) -> int:
        """How many the current turn had so far."""
        return self.state.tally.get(self.state.current or TurnId(""), {}).get("rollout.prompts", 0)

    def active(self, at: Moment) -> None:
        """The turn goes on: in a log that marks no end, this may be its last line."""
        state, ms = self.state, at.ms
        current, thread = state.current, state.thread
        if ms is None or current is None or thread is None or not is_log_turn(current):
            return
        heard = self.turn(current).last_heard
        if ms > heard.get(thread, ms - 1):
            heard[thread] = ms

    def guess(self, status: str, at: Moment) -> None:
        """How a turn stands whose end no line marks: a later guess counts more."""
        state = self.state
        if state.current is not None and is_log_turn(state.current):
            facts = self.turn(state.current)
            facts.status = better(facts.status, Said(status, _HINT, at.ms or state.untimed))
            state.answered = status == "completed"

    def event(self, kind: str, at: Moment, name: str | None = None, *, turn: bool = True) -> None:
        """Something happened: in the current turn, or in the thread where it has none."""
        facts = self.current() if turn else None
        where: TurnFacts | SessionFacts | None = facts if facts is not None else self.session()
        if where is not None and at.ms is not None:
            told = EventFacts(
                kind=kind,
                name=self.say(name, at),
                starts={int(Clock.LOG): at.ms},
                sources=Source.ROLLOUT,
            )
            add(where.events, f"{kind}:{at.ms}", told)

    def say(self, value: Any, at: Moment | None = None, weight: int = _ROLLOUT) -> Any:
        """A claim of the log; nothing is claimed of an unknown value."""
        if value is None:
            return None
        return Said(value, weight, 0 if at is None else at.ms or 0)


def put(facts: TurnFacts | SessionFacts | ItemFacts, **claims: Said[Any] | None) -> None:
    """Add claims to those there are, by the rule by which all claims are joined: so it makes no
    difference where reading stopped and went on."""
    for field_name, claim in claims.items():
        if claim is not None:
            setattr(facts, field_name, better(getattr(facts, field_name), claim))


def better(known: Said[Any] | None, told: Said[Any] | None) -> Said[Any] | None:
    """The same for one claim."""
    if told is None:
        return known
    return told if known is None else weightier(known, told)


def add(known: dict[K, F], key: K, told: F) -> None:
    """The same for a claim about a thing of its own: an item, a response, an event."""
    before = known.get(key)
    known[key] = told if before is None else join(before, told)


def note(times: Times, clock: int, ms: int | None) -> None:
    """The same for a moment."""
    if ms is not None:
        times[clock] = min(ms, times.get(clock, ms))


def safe(identity: str | None) -> str | None:
    """An id that may be stored and shown; None for any other."""
    return identity if identity is not None and is_safe_id(identity) else None
