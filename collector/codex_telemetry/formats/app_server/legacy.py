"""`codex/event/*`: the older protocol's events, alone up to 0.58 and beside the newer up to 0.106.

For a thread of the newer protocol they say what its messages left out: whose an item is (0.63), the
token counts (up to 0.76), the end of a turn (0.58). For a thread of the older one they are all
there is: no item ids but those of calls, no times but ours.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct

from codex_telemetry.core.facts import Clock, Drift, Fact, Usage, Weight
from codex_telemetry.core.identity import SessionId, is_safe_id
from codex_telemetry.formats.app_server import legacy_items, startups, wire
from codex_telemetry.formats.app_server.legacy_items import LegacyItems
from codex_telemetry.formats.app_server.process import Process, heard_at
from codex_telemetry.formats.app_server.startups import Startups
from codex_telemetry.formats.app_server.state import Request, Settings, Thread, bound, live
from codex_telemetry.formats.app_server.turns import Turns
from codex_telemetry.formats.app_server.values import error_kind, name, path, policy, sandboxed
from codex_telemetry.formats.base import Stamp


class Event(Struct):
    msg: Raw
    id: str = ""
    conversationId: str | None = None  # noqa: N815


class Message(Struct):
    type: str
    call_id: str | None = None
    item: Any = None
    info: Any = None
    rate_limits: Any = None
    model_context_window: wire.Int | None = None
    reason: str | None = None
    codex_error_info: Any = None


class Opened(Struct):
    conversationId: str  # noqa: N815
    model: str | None = None
    reasoningEffort: str | None = None  # noqa: N815


class Open(Struct):
    """The parameters of `newConversation`, `resumeConversation`."""

    cwd: str | None = None
    approvalPolicy: Any = None  # noqa: N815
    sandbox: Any = None


class Send(Struct):
    """The parameters of `sendUserMessage`, `sendUserTurn`."""

    conversationId: str  # noqa: N815
    cwd: str | None = None
    approvalPolicy: Any = None  # noqa: N815
    sandboxPolicy: Any = None  # noqa: N815
    model: str | None = None
    effort: str | None = None


OPENS = frozenset({"newConversation", "resumeConversation", "forkConversation"})
SENDS = frozenset({"sendUserMessage", "sendUserTurn"})

_event = msgspec.json.Decoder(Event)
_message = msgspec.json.Decoder(Message)


class Legacy:
    def __init__(self, process: Process, turns: Turns, startups: Startups) -> None:
        self._process = process
        self._turns = turns
        self._startups = startups
        self._items = LegacyItems(process)
        self._handlers: dict[str, Callable[..., Iterator[Fact]]] = {
            "task_started": self._task_started,
            "task_complete": self._task_ended,
            "turn_aborted": self._task_ended,
            "token_count": self._token_count,
            "error": self._error,
            "stream_error": self._error,
        }

    def opens(self, method: str, params: Raw, at: Stamp) -> Request:
        told = msgspec.json.decode(params, type=Open)
        request = Request(method, at)
        request.settings.cwd = path(told.cwd)
        request.settings.approval_policy = policy(told.approvalPolicy)
        sandboxed(request.settings, told.sandbox)
        return request

    def opened(self, request: Request, result: Raw, at: Stamp) -> Iterator[Fact]:
        told = msgspec.json.decode(result, type=Opened)
        thread = self._process.thread(told.conversationId, at)
        if thread is None:
            return
        thread.legacy = True
        if thread.last_total is None:
            has_history = request.method != "newConversation"
            thread.baseline = has_history and self._process.resumes_with_history()
        thread.settings = request.settings.overridden(
            Settings(model=name(told.model), effort=name(told.reasoningEffort))
        )
        facts = self._process.session(thread, at)
        facts.cwd = live(thread.settings.cwd, at)
        yield facts

    def sends(self, params: Raw, at: Stamp) -> None:
        """The client's message starts a turn; the answer says nothing, `task_started` follows."""
        told = msgspec.json.decode(params, type=Send)
        thread = self._process.threads.get(SessionId(told.conversationId))
        if thread is None:
            return
        wanted = Settings(
            model=name(told.model),
            effort=name(told.effort),
            cwd=path(told.cwd),
            approval_policy=policy(told.approvalPolicy),
        )
        sandboxed(wanted, told.sandboxPolicy)
        thread.settings = thread.settings.overridden(wanted)
        thread.sent.append(at)

    def event(self, params: Raw, at: Stamp, emitted: int | None) -> Iterator[Fact]:
        told = _event.decode(params)
        message = _message.decode(told.msg)
        if told.conversationId is None:
            return
        thread = self._process.thread(told.conversationId, at)
        if thread is None or (told.id and not is_safe_id(told.id)):
            return
        self._process.last_legacy = (thread.id, told.id, message.type)
        if not thread.legacy:
            self._note_item(thread, told.id, message)
        handler = self._handlers.get(message.type)
        if handler is not None:
            yield from handler(thread, told.id, message, at, emitted)
        elif message.type in startups.LEGACY:
            yield from self._startups.legacy(thread, told.msg, at)
        elif thread.legacy or (message.call_id is not None and self._process.is_before(63)):
            # 0.58 has no items for calls: of them only these events tell, on either protocol.
            yield from self._items.event(thread, told.id, message.type, told.msg, at)
        elif message.type not in legacy_items.KNOWN:
            yield Drift(
                self._process.version,
                f"codex/event/{name(message.type) or '(unprintable)'}",
                "unknown event",
            )

    def _note_item(self, thread: Thread, codex_turn: str, message: Message) -> None:
        item_id = message.call_id
        if isinstance(message.item, dict) and isinstance(message.item.get("id"), str):
            item_id = message.item["id"]
        if item_id is not None and codex_turn:
            self._process.items[item_id] = (thread.id, codex_turn)
            bound(self._process.items)

    def _task_started(
        self, thread: Thread, codex_turn: str, told: Message, at: Stamp, emitted: int | None
    ) -> Iterator[Fact]:
        if not thread.legacy or not codex_turn:
            return
        turn = thread.turn(codex_turn, self._process.launch)
        turn.started, turn.heard = at, True
        sent = [thread.sent.popleft() for _ in range(len(thread.sent))]
        turn.requested = sent[0] if sent else None
        thread.active = codex_turn
        facts = self._turns.begun(thread, turn, at)
        facts.starts = heard_at(at, emitted)
        facts.context_window = live(told.model_context_window, at)
        facts.counts["live.prompts"] = max(1, len(sent))
        yield facts

    def _task_ended(
        self, thread: Thread, codex_turn: str, told: Message, at: Stamp, _emitted: int | None
    ) -> Iterator[Fact]:
        turn = thread.turns.get(codex_turn)
        if turn is None or not turn.heard:
            return
        facts = thread.facts(turn, at)
        facts.ends = {int(Clock.WIRE): at.wall_ms}
        aborted = told.type == "turn_aborted"
        failed = turn.error_kind is not None and not aborted
        status = "interrupted" if aborted else "failed" if failed else "completed"
        # The newer protocol's `turn/completed` knows better, where it comes.
        facts.status = live(status, at, Weight.LIVE if thread.legacy else Weight.HINT)
        if failed:
            facts.error_kind = live(turn.error_kind, at, Weight.HINT)
        if thread.legacy:
            turn.ended = True
            thread.active = None
        yield facts

    def _token_count(
        self, thread: Thread, codex_turn: str, told: Message, at: Stamp, emitted: int | None
    ) -> Iterator[Fact]:
        if thread.legacy:
            yield from self._process.limits.samples(told.rate_limits, thread.id, at)
        info = told.info if isinstance(told.info, dict) else {}
        total, last = _usage(info.get("total_token_usage")), _usage(info.get("last_token_usage"))
        if total is None:
            return
        if thread.legacy and codex_turn not in thread.turns and thread.active is not None:
            codex_turn = thread.active  # 0.42 compacts in a task of its own, `auto-compact-0`
        window = info.get("model_context_window")
        yield from self._turns.counted(
            thread,
            codex_turn,
            total.total,
            last,
            None,
            window if isinstance(window, int) and 0 < window < 1 << 53 else None,
            at,
            emitted,
            older=True,
        )

    def _error(
        self, thread: Thread, codex_turn: str, told: Message, at: Stamp, emitted: int | None
    ) -> Iterator[Fact]:
        turn = thread.turns.get(codex_turn)
        if turn is None or not thread.legacy:
            return
        kind = error_kind(told.codex_error_info)
        if told.type == "error":
            turn.error_kind = kind or "other"
        yield from self._turns.failed(
            (thread, codex_turn), told.type == "stream_error", kind, None, at, emitted
        )


def _usage(told: Any) -> Usage | None:
    if not isinstance(told, dict):
        return None
    names = ("total", "input", "cached_input", "output", "reasoning_output")
    numbers = [told.get(f"{n}_tokens", 0) for n in names]
    if not all(isinstance(n, int) and 0 <= n < 1 << 53 for n in numbers):
        return None
    return Usage(*numbers)
