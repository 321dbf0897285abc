"""MCP servers that start: how long each took, and which turn waited for it.

Codex starts them when it opens a thread, and the thread's first turn waits: up to 0.145 until the
last is ready or has failed; from 0.150 for at most a second after `turn/started`, then it goes on
without the rest. The wait comes before the user's message (0.106 to 0.130, and from 0.150) or after
it (0.63 to 0.98, 0.140, 0.145). `required` servers hold no turn up: the thread isn't opened until
they are there, and only then are they told of.
"""

from collections.abc import Iterator

import msgspec
from msgspec import Raw, Struct

from codex_telemetry.core.facts import EventFacts, Fact, Source, Times
from codex_telemetry.formats.app_server.process import Process, heard_at
from codex_telemetry.formats.app_server.state import Thread, live
from codex_telemetry.formats.app_server.values import name
from codex_telemetry.formats.base import Stamp


class McpStartup(Struct):
    name: str
    status: str
    threadId: str | None = None  # noqa: N815


class LegacyState(Struct):
    """What went wrong (`error`) is content."""

    state: str | None = None


class LegacyMcpStartup(Struct):
    type: str
    server: str | None = None
    status: LegacyState | None = None


KIND = "mcp_server_startup"
LEGACY = frozenset({"mcp_startup_update", "mcp_startup_complete"})
"""Events of the older protocol that tell of it (0.63 to 0.106)."""

_TOLD_BY = {"mcpServer/startupStatus/updated", *(f"codex/event/{event}" for event in LEGACY)}

_startup = msgspec.json.Decoder(McpStartup)
_legacy = msgspec.json.Decoder(LegacyMcpStartup)


class Startups:
    def __init__(self, process: Process) -> None:
        self._process = process

    def updated(self, params: Raw, at: Stamp, emitted: int | None) -> Iterator[Fact]:
        """A server starts, or is ready, or failed (seen from 0.125)."""
        told = _startup.decode(params)
        # 0.125 and 0.130 don't say whose server it is.
        thread_id = told.threadId or self._process.opened_last
        thread = None if thread_id is None else self._process.thread(thread_id, at)
        if thread is not None:
            yield from self._told(thread, told.name, told.status, heard_at(at, emitted), at)

    def legacy(self, thread: Thread, raw: Raw, at: Stamp) -> Iterator[Fact]:
        """The same in the older protocol; `mcp_startup_complete` ends whatever is left."""
        told = _legacy.decode(raw)
        if told.type == "mcp_startup_complete":
            for server in list(thread.mcp_starting):
                yield from self._told(thread, server, None, heard_at(at), at)
        elif told.server is not None and told.status is not None:
            yield from self._told(thread, told.server, told.status.state, heard_at(at), at)

    def _told(
        self, thread: Thread, server: str, status: str | None, when: Times, at: Stamp
    ) -> Iterator[Fact]:
        word = name(server)
        if word is None:
            return
        event = EventFacts(KIND, live(word, at), sources=Source.LIVE)
        if status == "starting":
            event.starts = when
            thread.mcp_starts[word] = thread.mcp_starts.get(word, 0) + 1
            thread.mcp_starting[word] = when
        else:
            event.ends = when
            event.status = live(name(status), at)
        facts = self._process.session(thread, at)
        facts.events[f"{_key(thread, word)}:{self._process.launch}"] = event
        yield facts
        turn = thread.running()
        if turn is not None and word in thread.mcp_starting:
            of_turn = thread.facts(turn, at)
            of_turn.startups = {_key(thread, word): _wait(thread.mcp_starting[word], event.ends)}
            yield of_turn
        if status != "starting":
            thread.mcp_starting.pop(word, None)


def waited_for(process: Process, thread: Thread) -> dict[str, EventFacts] | None:
    """What a turn that starts now may have to wait for; None where Codex doesn't say."""
    told = process.version is not None and not (
        process.is_before(63) or (process.is_before(125) and not process.is_before(107))
    )
    if not thread.mcp_starting and (not told or process.unheard & _TOLD_BY):
        return None
    return {
        _key(thread, server): _wait(starts, {}) for server, starts in thread.mcp_starting.items()
    }


def until_now(process: Process, thread: Thread, now: Times) -> dict[str, EventFacts] | None:
    """From 0.150 a turn that has an item waits no longer; None where it may."""
    if not thread.mcp_starting or process.is_before(150):
        return None
    return {
        _key(thread, server): _wait(starts, now) for server, starts in thread.mcp_starting.items()
    }


def _wait(starts: Times, ends: Times) -> EventFacts:
    return EventFacts(KIND, starts=starts, ends=ends)


def _key(thread: Thread, server: str) -> str:
    return f"mcp:{server}:{thread.mcp_starts.get(server, 1)}"
