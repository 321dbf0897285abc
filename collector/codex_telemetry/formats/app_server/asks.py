"""Requests of Codex to the client: from the question to the answer."""

from collections.abc import Iterator

import msgspec
from msgspec import Raw

from codex_telemetry.core.facts import AskFacts, Fact, Times
from codex_telemetry.core.identity import ItemId, is_safe_id
from codex_telemetry.formats.app_server import wire
from codex_telemetry.formats.app_server.process import Process, heard_at
from codex_telemetry.formats.app_server.state import OpenAsk, bound, live
from codex_telemetry.formats.app_server.values import snake, tag
from codex_telemetry.formats.base import Stamp

_ask = msgspec.json.Decoder(wire.Ask)
_answer = msgspec.json.Decoder(wire.Answer)
_resolved = msgspec.json.Decoder(wire.Resolved)


class Asks:
    def __init__(self, process: Process) -> None:
        self._process = process

    def asked(self, kind: str, request_id: wire.Id, params: Raw, at: Stamp) -> Iterator[Fact]:
        """Codex asks the client: for a permission, for input, for a dynamic tool's result."""
        told = _ask.decode(params)
        item = told.itemId or told.callId or told.call_id
        found = self._process.where(
            told.threadId or told.conversationId or told.conversation_id, told.turnId, item, at
        )
        if found is None:
            return
        thread, codex_turn = found
        yield from self._process.heard(thread, codex_turn)
        turn = thread.turn(codex_turn, self._process.launch)
        item_id = ItemId(item) if item is not None and is_safe_id(item) else None
        self._process.asks[request_id] = OpenAsk(kind, thread, turn, item_id)
        bound(self._process.asks)
        facts = thread.facts(turn, at)
        facts.asks[self._process.key(request_id)] = AskFacts(
            kind=kind, item_id=item_id, starts=heard_at(at, told.startedAtMs)
        )
        yield facts

    def told(self, request_id: wire.Id, result: Raw, at: Stamp) -> Iterator[Fact]:
        """The client's answer to such a request; a refusal by error has no decision."""
        ask = self._process.asks.pop(request_id, None)
        if ask is None:
            return
        decision = None
        if wire.given(result) and ask.kind != "tool":
            told = _answer.decode(result)
            word = tag(told.decision if ask.kind == "approval" else told.action)
            decision = snake(word) if word is not None else None
        yield self._ended(ask, request_id, heard_at(at), decision, at)

    def resolved(self, params: Raw, at: Stamp, emitted: int | None) -> Iterator[Fact]:
        """A request needs no answer any more (seen from 0.116): it was answered, or its turn was
        interrupted."""
        request_id = _resolved.decode(params).requestId
        ask = self._process.asks.pop(request_id, None)
        if ask is not None:
            yield self._ended(ask, request_id, heard_at(at, emitted), None, at)

    def _ended(
        self, ask: OpenAsk, request_id: wire.Id, ends: Times, decision: str | None, at: Stamp
    ) -> Fact:
        facts = ask.thread.facts(ask.turn, at)
        facts.asks[self._process.key(request_id)] = AskFacts(
            kind=ask.kind, item_id=ask.item_id, ends=ends, decision=live(decision, at)
        )
        return facts
