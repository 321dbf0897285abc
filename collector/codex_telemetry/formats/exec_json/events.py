"""Read the events of `codex exec --json`: one thread, a turn a process as a rule, by our clock alone."""

import re
from collections.abc import Iterator

import msgspec

from codex_telemetry.core.command_word import command_word
from codex_telemetry.core.counterparts import exec_item_id
from codex_telemetry.core.facts import (
    Drift,
    EventFacts,
    Fact,
    ItemFacts,
    SessionFacts,
    Source,
    TurnFacts,
    Weight,
)
from codex_telemetry.core.gate import Heard
from codex_telemetry.core.identity import (
    ItemId,
    LaunchId,
    SessionId,
    TurnId,
    exec_turn_id,
    is_safe_id,
    is_uuid,
    launched_ms,
    uuid7_ms,
)
from codex_telemetry.core.unheard import UNHEARD_OF_EXEC
from codex_telemetry.core.used import USED
from codex_telemetry.formats.app_server.items import OUTPUT_CAP, STATUSES, text_of
from codex_telemetry.formats.app_server.process import heard_at
from codex_telemetry.formats.app_server.state import live
from codex_telemetry.formats.app_server.values import name, snake, tag
from codex_telemetry.formats.app_server.wire import UNREADABLE, given
from codex_telemetry.formats.base import Direction, Stamp
from codex_telemetry.formats.exec_json import wire

_event = msgspec.json.Decoder(wire.Event)
_item = msgspec.json.Decoder(wire.Item)
_usage = msgspec.json.Decoder(wire.Usage)
_COUNTED = re.compile(r"item_(\d{1,9})")


def recognises(line: bytes, sent_by: Direction) -> bool:
    """Whether a line begins such a stream: it names a thread."""
    if sent_by == "client" or not line.lstrip().startswith(b"{"):
        return False
    try:
        event = _event.decode(line)
        return event.type in wire.OPENS and is_uuid(event.thread_id or event.session_id or "")
    except UNREADABLE:
        return False


def reader(launch: LaunchId, *, content: bool = False, new_thread: bool = False) -> "Exec":  # noqa: ARG001 - it's left to the log
    return Exec(launch, new_thread=new_thread)


class Exec:
    """A `StreamReader` of one process. It says no release; its log does."""

    tells_all = False
    codex_version = None

    def __init__(self, launch: LaunchId, *, new_thread: bool = False) -> None:
        self._launch = launch
        self._new_thread = new_thread
        self._thread: SessionId | None = None
        self._is_new = False
        """The thread began in this process, and from nothing: so what it has used is this process's."""
        self._turns = 0
        self._turn: TurnId | None = None
        """The one that runs."""
        self._errors = 0
        self._failure: Stamp | None = None
        """An error of which the next event says whether Codex tried again."""

    @property
    def in_a_turn(self) -> bool:
        return self._turn is not None

    def read(self, sent_by: Direction, line: bytes, at: Stamp) -> Iterator[Fact]:
        """The facts an event tells. What the client says is the prompt: it isn't looked at."""
        if sent_by == "client" or not line or line.isspace():
            return
        try:
            yield from self._said(_event.decode(line), at)
        except UNREADABLE:
            yield Drift(None, "(exec line)", "not an event")

    def lost(self, sent_by: Direction) -> None:
        """Whatever was lost, events stand for themselves."""

    def take_content(self) -> list[Heard]:
        return []

    def _said(self, event: wire.Event, at: Stamp) -> Iterator[Fact]:
        yield from self._tried_again(event.type)
        if event.type in wire.OPENS:
            yield from self._opened(event.thread_id or event.session_id or "", at)
        elif event.type == "turn.started":
            yield from self._started(at)
        elif event.type in wire.TURNS:
            yield from self._ended(event, at)
        elif event.type in wire.ITEMS:
            yield from self._item(event, at)
        elif event.type == "error":
            self._failure = at
        elif event.type not in wire.IGNORED:
            yield Drift(None, f"exec/{name(event.type) or '(unprintable)'}", "unknown event")

    def _opened(self, thread_id: str, at: Stamp) -> Iterator[Fact]:
        if not is_safe_id(thread_id):
            yield Drift(None, "exec/thread.started", "a thread's id isn't one")
            return
        self._thread = SessionId(thread_id)
        born, launched = uuid7_ms(thread_id), launched_ms(self._launch)
        made_now = None not in (born, launched) and (launched or 0) <= (born or 0) <= at.wall_ms
        self._is_new = self._new_thread and made_now
        yield SessionFacts(
            session_id=self._thread,
            sources=Source.LIVE,
            captured=at.captured,
            source=live("exec", at, Weight.HINT),
            last_at=at.wall_ms,
        )

    def _started(self, at: Stamp) -> Iterator[Fact]:
        if self._thread is None:
            return
        self._turn = exec_turn_id(self._thread, self._launch, self._turns)
        self._turns += 1
        self._errors = 0
        facts = self._facts(at)
        facts.starts = heard_at(at)
        facts.counts["live.prompts"] = 1
        yield facts

    def _ended(self, event: wire.Event, at: Stamp) -> Iterator[Fact]:
        if self._turn is None:
            return
        facts = self._facts(at)
        facts.ends = heard_at(at)
        failed = event.type == "turn.failed"
        facts.status = live("failed" if failed else "completed", at)
        if failed:
            # Its text is all that is said of the cause; the log may have a kind for it.
            facts.error_kind = live("other", at, Weight.HINT)
        if given(event.usage) and self._is_new:
            used = _usage.decode(event.usage)
            for kind in USED:
                if (n := getattr(used, kind)) is not None:
                    facts.counts[USED[kind]] = n
        self._turn = None
        yield facts

    def _tried_again(self, next_event: str) -> Iterator[Fact]:
        """An error is the turn's end, or Codex tries once more (0.44 to 0.169): what it says is text,
        so what follows tells which."""
        if self._failure is None or self._turn is None:
            return
        at, self._failure = self._failure, None
        kind = "error" if next_event == "turn.failed" else "retry"
        self._errors += 1
        facts = self._facts(at)
        facts.events[f"{kind}:{self._errors}"] = EventFacts(
            kind=kind, starts=heard_at(at), sources=Source.LIVE
        )
        yield facts

    def _item(self, event: wire.Event, at: Stamp) -> Iterator[Fact]:
        item = _item.decode(event.item)
        kind = item.type or item.item_type
        if kind in wire.REMARKS or self._thread is None:
            return
        if self._turn is None:
            # 0.42 doesn't say that a turn starts.
            yield from self._started(at)
        if not is_safe_id(item.id):
            yield Drift(None, "exec/item.*", "an item's id isn't one")
            return
        if kind not in wire.KINDS:
            yield Drift(None, f"exec/item/{name(kind) or '(unprintable)'}", "unknown item type")
        facts = self._facts(at)
        told = _facts_of(item, wire.KINDS.get(kind, "other"), at)
        told.threads -= {self._thread}
        if event.type == "item.started":
            told.starts = heard_at(at)
        elif event.type == "item.completed":
            told.ends = heard_at(at)
        counted = _COUNTED.fullmatch(item.id)
        facts.items[exec_item_id(counted[1]) if counted else ItemId(item.id)] = told
        yield facts

    def _facts(self, at: Stamp) -> TurnFacts:
        """An empty claim about the turn that runs, heard now."""
        assert self._turn is not None
        assert self._thread is not None
        return TurnFacts(
            turn_id=self._turn,
            tellers={self._thread: uuid7_ms(self._thread)},
            sources=Source.LIVE,
            captured=at.captured,
            unheard=UNHEARD_OF_EXEC,
        )


def _facts_of(item: wire.Item, kind: str, at: Stamp) -> ItemFacts:
    told = ItemFacts(kind=kind)
    status = snake(item.status or "")
    told.status = live(status if status in STATUSES else None, at)
    told.exit_code = live(item.exit_code, at)
    if kind == "command" and given(item.command):
        told.name = live(command_word(text_of(item.command)), at)
    elif kind == "mcp_tool":
        told.name, told.server = live(name(item.tool), at), live(name(item.server), at)
    elif kind == "subagent":
        told.name = live(name(snake(item.tool or "")), at)
    elif kind == "web_search":
        action = tag(item.action)
        told.action = live(snake(action) if action else None, at)
    if output := text_of(item.aggregated_output):
        size = len(output.encode("utf-8", "surrogatepass"))
        told.output_bytes = live(size, at)
        told.output_capped = live(size >= OUTPUT_CAP, at)
    spoken_to = [child for child in item.receiver_thread_ids or () if is_safe_id(child)]
    told.threads = frozenset(SessionId(child) for child in spoken_to)
    return told
