"""Items of a thread of the older protocol: calls by their id, messages by their order."""

from collections.abc import Iterator

import msgspec
from msgspec import Raw, Struct

from codex_telemetry.core.command_word import command_word
from codex_telemetry.core.facts import Drift, Fact, ItemFacts
from codex_telemetry.core.identity import ItemId, is_safe_id
from codex_telemetry.formats.app_server import ignored, startups, wire
from codex_telemetry.formats.app_server.items import OUTPUT_CAP
from codex_telemetry.formats.app_server.process import Process, heard_at
from codex_telemetry.formats.app_server.state import Thread, Turn, live
from codex_telemetry.formats.app_server.values import name
from codex_telemetry.formats.base import Stamp


class Duration(Struct):
    secs: wire.Int = 0
    nanos: wire.Int = 0


class Invocation(Struct):
    server: str | None = None
    tool: str | None = None


class Call(Struct):
    call_id: str
    command: list[str] | None = None
    exit_code: wire.Int | None = None
    duration: Duration | None = None
    aggregated_output: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    success: bool | None = None
    invocation: Invocation | None = None


_CALLS = {
    "exec_command": "command",
    "patch_apply": "file_change",
    "mcp_tool_call": "mcp_tool",
    "web_search": "web_search",
}
_SPOKEN = {
    "agent_message": "message",
    "agent_message_delta": "message",
    "agent_reasoning": "reasoning",
    "agent_reasoning_delta": "reasoning",
}

KNOWN = (
    frozenset(f"{call}_{end}" for call in _CALLS for end in ("begin", "end"))
    | _SPOKEN.keys()
    | startups.LEGACY
    | ignored.EVENTS
)
"""Every event of the older protocol that we know (0.42 to 0.106)."""

_call = msgspec.json.Decoder(Call)


class LegacyItems:
    def __init__(self, process: Process) -> None:
        self._process = process

    def event(
        self, thread: Thread, codex_turn: str, kind: str, raw: Raw, at: Stamp
    ) -> Iterator[Fact]:
        turn = thread.turns.get(codex_turn)
        if turn is not None and not turn.ended:
            call, _, end = kind.rpartition("_")
            if call in _CALLS and end in ("begin", "end"):
                yield from self._called(thread, turn, _CALLS[call], _call.decode(raw), end, at)
                return
            if kind in _SPOKEN:
                yield from self._spoken(thread, turn, kind, at)
                return
        if kind not in KNOWN:
            yield Drift(
                self._process.version,
                f"codex/event/{name(kind) or '(unprintable)'}",
                "unknown event",
            )

    def _called(
        self, thread: Thread, turn: Turn, kind: str, call: Call, end: str, at: Stamp
    ) -> Iterator[Fact]:
        if not is_safe_id(call.call_id):
            return
        item = ItemFacts(kind=kind)
        if end == "begin":
            item.starts = heard_at(at)
        else:
            item.ends = heard_at(at)
            failed = call.success is False or call.exit_code not in (None, 0)
            item.status = live("failed" if failed else "completed", at)
        if call.command is not None:
            item.name = live(command_word(call.command), at)
        if call.invocation is not None:
            item.name = live(name(call.invocation.tool), at)
            item.server = live(name(call.invocation.server), at)
        item.exit_code = live(call.exit_code, at)
        if call.duration is not None:
            ms = call.duration.secs * 1000 + call.duration.nanos // 1_000_000
            item.duration = live(ms, at)
        output = call.aggregated_output
        if output is None and kind == "command":  # 0.20
            output = (call.stdout or "") + (call.stderr or "")
        if output:
            size = len(output.encode("utf-8", "surrogatepass"))
            item.output_bytes = live(size, at)
            item.output_capped = live(size >= OUTPUT_CAP, at)
        facts = thread.facts(turn, at)
        facts.items[ItemId(call.call_id)] = item
        yield facts

    def _spoken(self, thread: Thread, turn: Turn, event: str, at: Stamp) -> Iterator[Fact]:
        """A message or reasoning: from its first delta to the whole. They have no ids here."""
        kind = _SPOKEN[event]
        began = turn.speaking.get(kind)
        if event.endswith("_delta"):
            if began is not None:
                return
            turn.speaking[kind] = at
        else:
            turn.speaking.pop(kind, None)
        number = turn.spoken.get(kind, 0)
        item = ItemFacts(kind=kind, starts=heard_at(began or at))
        if not event.endswith("_delta"):
            item.ends = heard_at(at)
            turn.spoken[kind] = number + 1
        facts = thread.facts(turn, at)
        facts.items[ItemId(f"{kind}:{number}")] = item
        yield facts
