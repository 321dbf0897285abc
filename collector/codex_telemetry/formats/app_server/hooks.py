"""Hooks on the stream: from the start of each run to its end, and what it holds up.

A run that a turn waits for is an item of kind `hook` of that turn. An async one is an event alone:
nothing waits for it, so its time is no part of the turn (0.169 runs them without a word). A run of
no turn is an event of its thread.
"""

from collections.abc import Iterator

import msgspec
from msgspec import Raw, Struct

from codex_telemetry.core.facts import EventFacts, Fact, ItemFacts, Source, Times
from codex_telemetry.core.identity import ItemId, SessionId
from codex_telemetry.formats.app_server import wire
from codex_telemetry.formats.app_server.process import Process, heard_at
from codex_telemetry.formats.app_server.state import Thread, Turn, bound, live
from codex_telemetry.formats.app_server.values import name, snake
from codex_telemetry.formats.base import Stamp


class HookRun(Struct):
    """What it said (`entries`, `statusMessage`) is content; its id and `sourcePath` hold a path."""

    id: str
    eventName: str | None = None  # noqa: N815
    status: str | None = None
    executionMode: str | None = None  # noqa: N815
    durationMs: wire.Int | None = None  # noqa: N815


class HookNotice(Struct):
    run: HookRun
    threadId: str  # noqa: N815
    turnId: str | None = None  # noqa: N815


_hook = msgspec.json.Decoder(HookNotice)

STATUSES = frozenset({"completed", "failed", "blocked", "stopped"})
"""How a run may end. `blocked`: it refused what it was asked about (a tool's call, a prompt, a stop)."""


class Hooks:
    def __init__(self, process: Process) -> None:
        self._process = process
        self._running: dict[tuple[SessionId, str | None, str], str] = {}
        """Thread, turn and Codex's id of a run → the id we keep it by. Codex's own holds a path, and
        repeats within a turn: a stop hook that makes the model go on runs again at the next stop."""

    def started(self, params: Raw, at: Stamp, emitted: int | None) -> Iterator[Fact]:
        yield from self._run(_hook.decode(params), heard_at(at, emitted), {}, at)

    def completed(self, params: Raw, at: Stamp, emitted: int | None) -> Iterator[Fact]:
        yield from self._run(_hook.decode(params), {}, heard_at(at, emitted), at)

    def _run(self, told: HookNotice, starts: Times, ends: Times, at: Stamp) -> Iterator[Fact]:
        """Its times are those of the notifications: `startedAt` and `completedAt` of the run itself
        are whole seconds (0.125 to 0.169)."""
        thread = self._process.thread(told.threadId, at)
        if thread is None:
            return
        turn = None
        if told.turnId is not None:
            codex_turn = self._process.turn_of(thread, told.turnId)
            if codex_turn is None:
                return
            yield from self._process.heard(thread, codex_turn)
            turn = thread.turn(codex_turn, self._process.launch)
        key = self._key(thread, turn, told, ended=bool(ends))
        event = live(name(snake(told.run.eventName or "")), at)
        status = snake(told.run.status or "")
        ended = live(status if status in STATUSES else None, at)
        if turn is None or told.run.executionMode == "async":
            facts = thread.facts(turn, at) if turn else self._process.session(thread, at)
            facts.events[key] = EventFacts("hook", event, starts, ends, ended, Source.LIVE)
            yield facts
            return
        of_turn = thread.facts(turn, at)
        took = live(told.run.durationMs, at)
        of_turn.items[ItemId(key)] = ItemFacts("hook", event, ended, starts, ends, took)
        yield of_turn

    def _key(self, thread: Thread, turn: Turn | None, told: HookNotice, *, ended: bool) -> str:
        run = (thread.id, told.turnId, told.run.id)
        known = self._running.pop(run, None) if ended else None
        if known is not None:
            return known
        if turn is not None:
            turn.hooks += 1
            key = f"hook:{turn.hooks}"
        else:
            thread.hooks += 1
            key = f"hook:{self._process.launch}:{thread.hooks}"
        if not ended:
            self._running[run] = key
            bound(self._running)
        return key
