"""What the client asks of Codex, each request until its answer: threads, turns, a change of mind."""

import re
from collections.abc import Iterator

import msgspec
from msgspec import Raw

from codex_telemetry.core.facts import INTERRUPT, EventFacts, Fact, Source
from codex_telemetry.core.identity import SessionId
from codex_telemetry.formats.app_server import legacy, wire
from codex_telemetry.formats.app_server.legacy import Legacy
from codex_telemetry.formats.app_server.process import Process, heard_at
from codex_telemetry.formats.app_server.state import Request, Thread, Turn, bound, live
from codex_telemetry.formats.app_server.threads import Threads
from codex_telemetry.formats.app_server.turns import Turns
from codex_telemetry.formats.app_server.values import name, version, wanted
from codex_telemetry.formats.app_server.wire import Envelope
from codex_telemetry.formats.base import Stamp

OVERLOADED = -32001
"""The code with which Codex refuses a request that its queues have no room for (docs of 0.169)."""

MOST_OPTED_OUT = 200

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

_initialize = msgspec.json.Decoder(wire.Initialize)
_initialized = msgspec.json.Decoder(wire.Initialized)
_turn_start = msgspec.json.Decoder(wire.TurnStart)
_of_turn = msgspec.json.Decoder(wire.OfTurn)
_trace = msgspec.json.Decoder(wire.Trace)
_refused = msgspec.json.Decoder(wire.Refused)


class Requests:
    def __init__(self, process: Process, threads: Threads, turns: Turns, older: Legacy) -> None:
        self._process = process
        self._threads = threads
        self._turns = turns
        self._legacy = older

    def asked(self, message: Envelope, method: str, params: Raw, at: Stamp) -> Iterator[Fact]:
        if message.id is None:
            return
        if method in legacy.SENDS:
            self._legacy.sends(params, at)
            return
        if method == "initialize":
            request = self._initialize(params, at)
        elif method in wire.STARTS_TURN:
            request = self._turn_start(method, params, at)
            request.traceparent = _traceparent(message.trace)
        elif method in legacy.OPENS:
            request = self._legacy.opens(method, params, at)
        else:
            request = Request(method, at)
            if method not in wire.OPENS_THREAD:
                yield from self._about_a_thread(request, message.id, params, at)
        self._process.requests[message.id] = request
        bound(self._process.requests)

    def answered(self, message: Envelope, at: Stamp) -> Iterator[Fact]:
        request = None if message.id is None else self._process.requests.pop(message.id, None)
        if request is None:
            return
        if wire.given(message.error):
            yield from self._refused(request, message.error, at)
        elif request.steers is not None:
            yield from self._steered(request, "accepted", at)
        elif not wire.given(message.result):
            return
        elif request.method == "initialize":
            told = _initialized.decode(message.result)
            self._process.version = version(told.userAgent) or version(
                told.serverInfo.user_agent if told.serverInfo is not None else None
            )
        elif request.method in wire.OPENS_THREAD:
            yield from self._threads.opened(request, message.result, at)
        elif request.method in wire.STARTS_TURN:
            yield from self._turns.answered(request, message.result, at)
        elif request.method in legacy.OPENS:
            yield from self._legacy.opened(request, message.result, at)

    def _initialize(self, params: Raw, at: Stamp) -> Request:
        told = _initialize.decode(params)
        if told.clientInfo is not None:
            self._process.client_name = name(told.clientInfo.name)
            self._process.client_version = name(told.clientInfo.version)
        if told.capabilities is not None:
            listed = told.capabilities.optOutNotificationMethods or ()
            names = [method for method in listed if name(method) and len(method) <= 64]
            self._process.unheard = frozenset(names[:MOST_OPTED_OUT])
        return Request("initialize", at)

    def _turn_start(self, method: str, params: Raw, at: Stamp) -> Request:
        told = _turn_start.decode(params)
        thread = self._process.thread(told.threadId, at)
        return Request(method, at, thread.id if thread is not None else None, wanted(told))

    def _about_a_thread(
        self, request: Request, request_id: wire.Id, params: Raw, at: Stamp
    ) -> Iterator[Fact]:
        """A request that speaks of a thread, and may speak of its running turn."""
        told = _of_turn.decode(params)
        thread = self._process.threads.get(SessionId(told.threadId or told.conversationId or ""))
        if thread is None:
            return
        request.thread = thread.id
        match request.method:
            case "thread/compact/start":
                self._turns.asked_to_compact(thread, at)
            case "turn/interrupt" | "interruptConversation":
                turn = _running(thread, told.turnId)
                if turn is not None:
                    turn.interrupted = True
                    yield self._happened(thread, turn, INTERRUPT, INTERRUPT, at)
            case "turn/steer":
                turn = _running(thread, told.expectedTurnId)
                if turn is not None:
                    request.steers = turn
                    request.key = f"steer:{self._process.key(request_id)}"
                    yield self._happened(thread, turn, "steer", request.key, at)

    def _steered(self, request: Request, how: str, at: Stamp) -> Iterator[Fact]:
        thread = self._process.threads.get(request.thread or SessionId(""))
        if thread is None or request.steers is None:
            return
        facts = thread.facts(request.steers, at)
        facts.events[request.key] = EventFacts(
            kind="steer", ends=heard_at(at), status=live(how, at), sources=Source.LIVE
        )
        yield facts

    def _refused(self, request: Request, error: Raw, at: Stamp) -> Iterator[Fact]:
        """Codex says no. Why is content, but for the code."""
        if request.steers is not None:
            yield from self._steered(request, "rejected", at)
        thread = self._process.threads.get(request.thread or SessionId(""))
        if thread is None or _refused.decode(error).code != OVERLOADED:
            return
        facts = self._process.session(thread, at)
        facts.events[f"overloaded:{self._process.launch}:{request.at.wall_ms}"] = EventFacts(
            kind="overloaded",
            name=live(name(request.method), at),
            starts=heard_at(request.at),
            ends=heard_at(at),
            sources=Source.LIVE,
        )
        yield facts

    def _happened(self, thread: Thread, turn: Turn, kind: str, key: str, at: Stamp) -> Fact:
        facts = thread.facts(turn, at)
        facts.events[key] = EventFacts(kind=kind, starts=heard_at(at), sources=Source.LIVE)
        return facts


def _running(thread: Thread, codex_turn: str | None) -> Turn | None:
    """The turn a request names, or the running one; None if it isn't known or has ended."""
    turn = thread.turns.get(codex_turn or thread.active or "")
    return turn if turn is not None and turn.heard and not turn.ended else None


def _traceparent(trace: Raw) -> str | None:
    """The W3C trace context of a request (its form in 0.169): ids alone, never its `tracestate`."""
    if not wire.given(trace):
        return None
    told = _trace.decode(trace).traceparent or ""
    return told if _TRACEPARENT.fullmatch(told) else None
