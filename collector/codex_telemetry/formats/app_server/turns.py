"""Turns on the stream: asked for, started, counted, failed, ended."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw

from codex_telemetry.core.facts import (
    INTERRUPT,
    Clock,
    EventFacts,
    Fact,
    ItemFacts,
    Source,
    TurnFacts,
    Usage,
)
from codex_telemetry.core.identity import is_safe_id
from codex_telemetry.formats.app_server import wire
from codex_telemetry.formats.app_server.process import Process, heard_at
from codex_telemetry.formats.app_server.startups import waited_for
from codex_telemetry.formats.app_server.state import Request, Settings, Thread, Turn, bound, live
from codex_telemetry.formats.app_server.usage import as_usage, response
from codex_telemetry.formats.app_server.values import error_kind, name, snake
from codex_telemetry.formats.base import Stamp

_turn = msgspec.json.Decoder(wire.TurnNotice)
_answer = msgspec.json.Decoder(wire.TurnAnswer)
_usage = msgspec.json.Decoder(wire.UsageNotice)
_error = msgspec.json.Decoder(wire.ErrorNotice)
_rerouted = msgspec.json.Decoder(wire.Rerouted)

STATUSES = frozenset({"completed", "interrupted", "failed"})


class Turns:
    def __init__(self, process: Process) -> None:
        self._process = process

    def answered(self, request: Request, result: Raw, at: Stamp) -> Iterator[Fact]:
        """The answer to `turn/start` or `review/start`: it names the turn, but makes none."""
        told = _answer.decode(result)
        thread = request.thread and self._process.thread(told.reviewThreadId or request.thread, at)
        if not thread or not is_safe_id(told.turn.id):
            return
        codex_turn = told.turn.id
        self._process.answered[codex_turn] = thread.id
        bound(self._process.answered)
        turn = thread.turn(codex_turn, self._process.launch)
        if request.method == "review/start":
            thread.review = codex_turn
        if turn.ended:
            return
        thread.settings = thread.settings.overridden(request.settings)
        turn.requested, turn.traceparent = request.at, request.traceparent
        if turn.heard:
            yield self.begun(thread, turn, at)

    def started(self, params: Raw, at: Stamp, emitted: int | None) -> Iterator[Fact]:
        told = _turn.decode(params)
        found = self._process.where(told.threadId, told.turn.id, None, at)
        if found is None:
            return
        thread, codex_turn = found
        if self._is_reviewers_own(thread, told.turn):
            return
        turn = thread.turn(codex_turn, self._process.launch)
        turn.started = at
        facts = self.begun(thread, turn, at)
        facts.starts = heard_at(at, emitted, told.turn.startedAt)
        facts.root_turn_id = live(name(told.turn.rootTurnId), at)
        running = thread.turns.get(thread.active) if thread.active is not None else None
        if running is not None and running is not turn and not running.ended:
            # Up to 0.106 a `turn/start` while a turn runs announces one that never is.
            turn.started_facts = facts
            return
        thread.active = codex_turn
        turn.heard = True
        yield facts

    def asked_to_compact(self, thread: Thread, at: Stamp) -> None:
        """`thread/compact/start`: 0.98 completes the turn it makes without ever starting it."""
        thread.compact_asked = at

    def completed(self, params: Raw, at: Stamp, emitted: int | None) -> Iterator[Fact]:
        told = _turn.decode(params)
        found = self._process.where(told.threadId, told.turn.id, None, at)
        if found is None:
            return
        thread, codex_turn = found
        if thread.legacy:
            return
        status = snake(told.turn.status or "")
        facts = self._ended(thread, codex_turn, status if status in STATUSES else None, at)
        facts.ends = heard_at(at, emitted, told.turn.completedAt)
        if status == "interrupted" and thread.turn(codex_turn, self._process.launch).interrupted:
            facts.events[INTERRUPT] = EventFacts(
                kind=INTERRUPT, ends=dict(facts.ends), sources=Source.LIVE
            )
        if told.turn.startedAt is not None:
            facts.starts[Clock.CODEX_S] = at.steady(told.turn.startedAt * 1000)
        facts.duration = live(told.turn.durationMs, at, Clock.CODEX_MS)
        facts.root_turn_id = live(name(told.turn.rootTurnId), at)
        if wire.given(told.turn.error):
            error = msgspec.json.decode(told.turn.error, type=wire.TurnError)
            facts.error_kind = live(error_kind(error.codexErrorInfo), at)
        yield facts

    def usage(self, params: Raw, at: Stamp, emitted: int | None) -> Iterator[Fact]:
        told = _usage.decode(params)
        thread = self._process.thread(told.threadId, at)
        if thread is None or not is_safe_id(told.turnId):
            return
        last = told.tokenUsage.last
        yield from self.counted(
            thread,
            told.turnId,
            told.tokenUsage.total.totalTokens,
            as_usage(last),
            last.cacheWriteInputTokens,
            told.tokenUsage.modelContextWindow,
            at,
            emitted,
        )

    def counted(
        self,
        thread: Thread,
        codex_turn: str,
        running_total: int,
        last: Usage | None,
        cache_write: int | None,
        context_window: int | None,
        at: Stamp,
        emitted: int | None,
        *,
        older: bool = False,
    ) -> Iterator[Fact]:
        """A token count of either protocol: a new response, or the same said again."""
        # Not `thread.turn()`: a count on a resume names an old turn, and must not make one.
        turn = thread.turns.get(codex_turn)
        yield from self._in_context(thread, last, at)
        told = response(
            thread,
            turn,
            running_total,
            last,
            cache_write,
            at,
            emitted,
            older=older,
            waits_for_tools=not self._process.is_before(140),
        )
        if told is None or turn is None:
            return
        facts = thread.facts(turn, at)
        facts.responses[running_total] = told
        facts.context_window = live(context_window, at)
        yield facts

    def _in_context(self, thread: Thread, last: Usage | None, at: Stamp) -> Iterator[Fact]:
        """What a count says of the thread's context. One without input or output is an estimate:
        of what a compaction left, where one is under way (0.98 to 0.169)."""
        if last is None:
            return
        thread.context = last.total
        if thread.compacting is not None and not (last.input or last.output):
            (turn, item_id), thread.compacting = thread.compacting, None
            facts = thread.facts(turn, at)
            facts.items[item_id] = ItemFacts("compaction", context_after=live(last.total, at))
            yield facts

    def error(self, params: Raw, at: Stamp, emitted: int | None) -> Iterator[Fact]:
        """An error, or a retry that Codex announces as one. Its text is content."""
        told = _error.decode(params)
        found = self._process.where(told.threadId, told.turnId, None, at)
        if found is None or found[0].legacy:
            return
        retry = told.willRetry
        if retry is None:  # 0.63: its twin in the older protocol says which it is
            twin = self._process.last_legacy
            retry = twin is not None and twin[2] == "stream_error"
        info = told.error.codexErrorInfo
        yield from self.failed(found, retry, error_kind(info), _http_status(info), at, emitted)

    def failed(
        self,
        where: tuple[Thread, str],
        retry: bool,
        kind: str | None,
        http_status: str | None,
        at: Stamp,
        emitted: int | None,
    ) -> Iterator[Fact]:
        thread, codex_turn = where
        turn = thread.turns.get(codex_turn)
        if turn is None or not turn.heard:
            return
        turn.errors += 1
        facts = thread.facts(turn, at)
        facts.events[f"{'retry' if retry else 'error'}:{turn.errors}"] = EventFacts(
            kind="retry" if retry else "error",
            name=live(kind, at),
            starts=heard_at(at, emitted),
            status=live(http_status, at),
            sources=Source.LIVE,
        )
        yield facts

    def rerouted(self, params: Raw, at: Stamp, emitted: int | None) -> Iterator[Fact]:
        told = _rerouted.decode(params)
        found = self._process.where(told.threadId, told.turnId, None, at)
        model = name(told.toModel)
        if found is None or model is None:
            return
        thread, codex_turn = found
        yield from self._process.heard(thread, codex_turn)
        facts = thread.facts(thread.turn(codex_turn, self._process.launch), at)
        facts.events[f"rerouted:{at.wall_ms}"] = EventFacts(
            kind="model_rerouted",
            name=live(model, at),
            starts=heard_at(at, emitted),
            sources=Source.LIVE,
        )
        yield facts

    def begun(self, thread: Thread, turn: Turn, at: Stamp) -> TurnFacts:
        """What a turn runs with, and when the client asked for it."""
        facts = thread.facts(turn, at)
        settings: Settings = thread.settings
        for field in settings.__slots__:
            setattr(facts, field, live(getattr(settings, field), at))
        facts.cli_version = live(self._process.version or thread.cli_version, at)
        facts.traceparent = live(turn.traceparent, at)
        facts.startups = waited_for(self._process, thread)
        if turn.requested is not None:
            facts.requested = {int(Clock.WIRE): turn.requested.wall_ms}
        return facts

    def _ended(self, thread: Thread, codex_turn: str, status: str | None, at: Stamp) -> TurnFacts:
        turn = thread.turn(codex_turn, self._process.launch)
        turn.heard = turn.ended = True
        turn.started_facts = None
        if thread.active == codex_turn:
            thread.active = None
        if thread.review == codex_turn:
            thread.review = None
        if turn.started is None and turn.requested is None:
            turn.requested, thread.compact_asked = thread.compact_asked, None
        facts = self.begun(thread, turn, at) if turn.started is None else thread.facts(turn, at)
        facts.status = live(status, at)
        return facts

    def _is_reviewers_own(self, thread: Thread, told: wire.TurnInfo) -> bool:
        """From 0.116 a review's inner turn is announced under its own id and never completed."""
        if thread.review is not None:
            return told.id != thread.review
        return told.rootTurnId not in (None, told.id) and told.rootTurnId in thread.turns


def _http_status(info: Any) -> str | None:
    if isinstance(info, dict) and len(info) == 1:
        inner = next(iter(info.values()))
        status = inner.get("httpStatusCode") if isinstance(inner, dict) else None
        return str(status) if isinstance(status, int) else None
    return None
