"""Read what `codex exec --json` said up to 0.43: the older protocol's events, of a thread without a name.

Its log has the name. Until somebody who read it says so, what is told here waits.
"""

from collections.abc import Iterator

import msgspec
from msgspec import Raw

from codex_telemetry.core.facts import (
    Drift,
    Fact,
    LimitSample,
    SessionFacts,
    Source,
    TurnFacts,
    Usage,
    Weight,
)
from codex_telemetry.core.gate import Heard
from codex_telemetry.core.identity import EXEC, LaunchId, SessionId, TurnId, uuid7_ms
from codex_telemetry.core.join import join
from codex_telemetry.core.unheard import UNHEARD_OF_EXEC
from codex_telemetry.formats.app_server.legacy import Legacy
from codex_telemetry.formats.app_server.process import Process
from codex_telemetry.formats.app_server.startups import Startups
from codex_telemetry.formats.app_server.state import Thread, live
from codex_telemetry.formats.app_server.turns import Turns
from codex_telemetry.formats.app_server.values import name, path, policy, tag
from codex_telemetry.formats.app_server.wire import UNREADABLE, given
from codex_telemetry.formats.base import Direction, Stamp
from codex_telemetry.formats.exec_json.wire import Counted, RawEvent

UNNAMED = SessionId("unnamed")

BEGINS = frozenset({"session_configured", "task_started"})

MOST_LIMITS = 1_000

_event = msgspec.json.Decoder(RawEvent)
_counted = msgspec.json.Decoder(Counted)


def recognises(line: bytes, sent_by: Direction) -> bool:
    """Whether a line begins such a stream: it says in which folder, with what model and what may be
    done; or it is an event that we know."""
    if sent_by == "client" or not line.lstrip().startswith(b"{"):
        return False
    try:
        event = _event.decode(line)
        if given(event.msg):
            return bool(event.id) and _counted.decode(event.msg).type in BEGINS
        return None not in (event.workdir, event.model, event.approval, event.sandbox)
    except UNREADABLE:
        return False


def reader(launch: LaunchId, *, content: bool = False, new_thread: bool = False) -> "RawExec":  # noqa: ARG001 - it's left to the log
    return RawExec(launch)


class RawExec:
    """A `NamelessReader` of one process."""

    tells_all = False
    codex_version = None

    def __init__(self, launch: LaunchId) -> None:
        # A launch of its own kind: so its turns are known to be exec's.
        self._process = process = Process(LaunchId(f"{EXEC}:{launch}"))
        self._turns = Turns(process)
        self._legacy = Legacy(process, self._turns, Startups(process))
        self._running_total = 0
        self._session: SessionFacts | None = None
        self._told: dict[TurnId, TurnFacts] = {}
        self._limits: list[LimitSample] = []

    @property
    def in_a_turn(self) -> bool:
        return any(thread.running() for thread in self._process.threads.values())

    def read(self, sent_by: Direction, line: bytes, at: Stamp) -> Iterator[Fact]:
        """What can be told of a thread without a name: drift. The rest waits for `belongs_to`."""
        if sent_by == "client" or not line or line.isspace():
            return
        try:
            event = _event.decode(line)
            for fact in self._said(event, at):
                if isinstance(fact, TurnFacts):
                    fact.unheard |= UNHEARD_OF_EXEC
                    known = self._told.get(fact.turn_id)
                    self._told[fact.turn_id] = fact if known is None else join(known, fact)
                elif isinstance(fact, LimitSample) and len(self._limits) < MOST_LIMITS:
                    self._limits.append(fact)
                elif isinstance(fact, Drift):
                    yield fact
        except UNREADABLE:
            yield Drift(None, "(exec line)", "not an event")

    def lost(self, sent_by: Direction) -> None:
        """Whatever was lost, events stand for themselves."""

    def take_content(self) -> list[Heard]:
        return []

    def belongs_to(self, thread: SessionId) -> Iterator[Fact]:
        """All that was told, now that it is known of which thread."""
        told, self._told = self._told, {}
        for turn in told.values():
            turn.turn_id = TurnId(turn.turn_id.replace(UNNAMED, thread, 1))
            turn.tellers = {thread: uuid7_ms(thread)}
            yield turn
        if self._session is not None:
            self._session.session_id = thread
            yield self._session
        limits, self._limits = self._limits, []
        for sample in limits:
            yield msgspec.structs.replace(sample, session_id=thread)

    def _said(self, event: RawEvent, at: Stamp) -> Iterator[Fact]:
        thread = self._process.thread(UNNAMED, at)
        assert thread is not None
        thread.legacy = True
        if not given(event.msg):
            if event.workdir is not None:
                self._set(thread, event, at)
            return
        told = _counted.decode(event.msg)
        if told.type == "token_count" and told.total_tokens is not None:
            yield from self._count(thread, event.id, told, at)
            return
        params = {"conversationId": UNNAMED, "id": event.id, "msg": event.msg}
        yield from self._legacy.event(Raw(msgspec.json.encode(params)), at, None)

    def _set(self, thread: Thread, told: RawEvent, at: Stamp) -> None:
        """The first line says what the thread runs with, the second the prompt."""
        thread.settings.model = name(told.model)
        thread.settings.effort = name(told.effort)
        thread.settings.cwd = path(told.workdir)
        thread.settings.approval_policy = policy(told.approval)
        thread.settings.sandbox = tag(told.sandbox)
        self._session = SessionFacts(
            session_id=UNNAMED,
            sources=Source.LIVE,
            captured=at.captured,
            source=live("exec", at, Weight.HINT),
            cwd=live(thread.settings.cwd, at),
            last_at=at.wall_ms,
        )

    def _count(self, thread: Thread, turn: str, told: Counted, at: Stamp) -> Iterator[Fact]:
        """0.20 counts each response by itself, and no total."""
        used = Usage(
            total=told.total_tokens or 0,
            input=told.input_tokens,
            cached=told.cached_input_tokens,
            output=told.output_tokens,
            reasoning=told.reasoning_output_tokens,
        )
        self._running_total += used.total
        total = self._running_total
        yield from self._turns.counted(thread, turn, total, used, None, None, at, None, older=True)
