"""What goes on around a turn's items: what its thread waits for, its plan, what is set for later."""

from collections.abc import Iterator

import msgspec
from msgspec import Raw

from codex_telemetry.core.facts import EventFacts, Fact, Source, Times
from codex_telemetry.formats.app_server import wire
from codex_telemetry.formats.app_server.process import Process, heard_at
from codex_telemetry.formats.app_server.state import RawResponse, Thread, Turn, live
from codex_telemetry.formats.app_server.usage import as_usage
from codex_telemetry.formats.app_server.values import name, snake, tag, wanted
from codex_telemetry.formats.base import Stamp

IMPLIED = frozenset({"active", "idle"})
"""Statuses that a turn's own start and end tell: no event of their own."""

_status = msgspec.json.Decoder(wire.StatusNotice)
_plan = msgspec.json.Decoder(wire.PlanNotice)
_settings = msgspec.json.Decoder(wire.SettingsNotice)
_raw = msgspec.json.Decoder(wire.RawResponseNotice)


class Around:
    def __init__(self, process: Process) -> None:
        self._process = process

    def status(self, params: Raw, at: Stamp, emitted: int | None) -> Iterator[Fact]:
        """A thread's status (seen from 0.106). What it waits for is an event from when it is said
        until it isn't any more."""
        told = _status.decode(params)
        thread = self._process.thread(told.threadId, at)
        word = tag(told.status)
        if thread is None or word is None:
            return
        listed = told.status.get("activeFlags") if isinstance(told.status, dict) else None
        flags = {flag for f in listed or () if (flag := name(f)) is not None}
        for flag in sorted(thread.waiting.keys() - flags):
            key, turn = thread.waiting.pop(flag)
            yield self._told(thread, turn, key, None, {}, heard_at(at, emitted), at)
        running = thread.running()
        for flag in sorted(flags - thread.waiting.keys()):
            key = self._key(thread)
            thread.waiting[flag] = (key, running)
            yield self._told(thread, running, key, snake(flag), heard_at(at, emitted), {}, at)
        if word not in IMPLIED:
            key = self._key(thread)
            yield self._told(thread, running, key, snake(word), heard_at(at, emitted), {}, at)

    def plan(self, params: Raw, at: Stamp, emitted: int | None) -> Iterator[Fact]:
        """The plan has changed: how many steps of how many are done, not what they are."""
        told = _plan.decode(params)
        found = self._process.where(told.threadId, told.turnId, None, at)
        if found is None:
            return
        thread, codex_turn = found
        turn = thread.turns.get(codex_turn)
        if turn is None or not turn.heard:
            return
        turn.plans += 1
        done = sum(step.status == "completed" for step in told.plan)
        facts = thread.facts(turn, at)
        facts.events[f"plan:{turn.plans}"] = EventFacts(
            kind="plan_updated",
            starts=heard_at(at, emitted),
            status=live(f"{done}/{len(told.plan)}", at),
            sources=Source.LIVE,
        )
        yield facts

    def settings(self, params: Raw, at: Stamp, _emitted: int | None) -> Iterator[Fact]:
        """What the thread's later turns will run with (0.169)."""
        told = _settings.decode(params)
        thread = self._process.thread(told.threadId, at)
        if thread is not None:
            thread.settings = thread.settings.overridden(wanted(told.threadSettings))
        yield from ()

    def raw_response(self, params: Raw, at: Stamp, emitted: int | None) -> Iterator[Fact]:
        """A response has ended: told only where the client asked for raw events (0.169). Its token
        count follows, once the tools it called are done."""
        told = _raw.decode(params)
        thread = self._process.thread(told.threadId, at)
        if thread is not None and told.usage is not None:
            thread.raw_response = RawResponse(
                as_usage(told.usage), name(told.responseId), heard_at(at, emitted)
            )
        yield from ()

    def _key(self, thread: Thread) -> str:
        thread.statuses += 1
        return f"status:{self._process.launch}:{thread.statuses}"

    def _told(
        self,
        thread: Thread,
        turn: Turn | None,
        key: str,
        status: str | None,
        starts: Times,
        ends: Times,
        at: Stamp,
    ) -> Fact:
        """A status is an event of the turn that ran when it began, else of the thread."""
        facts = thread.facts(turn, at) if turn is not None else self._process.session(thread, at)
        facts.events[key] = EventFacts(
            "thread_status", live(status, at), starts, ends, sources=Source.LIVE
        )
        return facts
