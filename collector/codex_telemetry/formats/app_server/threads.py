"""Threads on the stream: opened by the client, announced by Codex, linked to one another."""

from collections.abc import Iterator

import msgspec

from codex_telemetry.core.facts import EventFacts, Fact, Source, Weight
from codex_telemetry.formats.app_server import wire
from codex_telemetry.formats.app_server.process import Process, heard_at
from codex_telemetry.formats.app_server.state import Request, Settings, Thread, live
from codex_telemetry.formats.app_server.values import name, path, policy, sandboxed, tag
from codex_telemetry.formats.base import Stamp

_opened = msgspec.json.Decoder(wire.ThreadOpened)
_started = msgspec.json.Decoder(wire.ThreadStarted)
_of_thread = msgspec.json.Decoder(wire.OfThread)


class Threads:
    def __init__(self, process: Process) -> None:
        self._process = process

    def opened(self, request: Request, result: msgspec.Raw, at: Stamp) -> Iterator[Fact]:
        """The answer to `thread/start`, `thread/resume` or `thread/fork`."""
        told = _opened.decode(result)
        thread = self._process.thread(told.thread.id, at)
        if thread is None:
            return
        self._process.opened_last = thread.id
        if thread.last_total is None:
            has_history = request.method != "thread/start"
            thread.baseline = has_history and self._process.resumes_with_history()
        thread.settings = Settings(
            model=name(told.model),
            effort=name(told.reasoningEffort),
            service_tier=name(told.serviceTier),
            approval_policy=policy(told.approvalPolicy),
            cwd=path(told.cwd) or path(told.thread.cwd),
        )
        sandboxed(thread.settings, told.sandbox)
        yield from self._known(thread, told.thread, at)

    def started(self, params: msgspec.Raw, at: Stamp, _emitted: int | None) -> Iterator[Fact]:
        told = _started.decode(params).thread
        thread = self._process.thread(told.id, at)
        if thread is not None:
            yield from self._known(thread, told, at)

    def archived(self, params: msgspec.Raw, at: Stamp, _emitted: int | None) -> Iterator[Fact]:
        yield from self._archived(params, True, at)

    def unarchived(self, params: msgspec.Raw, at: Stamp, _emitted: int | None) -> Iterator[Fact]:
        yield from self._archived(params, False, at)

    def reverted(self, params: msgspec.Raw, at: Stamp, emitted: int | None) -> Iterator[Fact]:
        thread = self._process.thread(_of_thread.decode(params).threadId, at)
        if thread is not None:
            facts = self._process.session(thread, at)
            facts.events[f"reverted:{at.wall_ms}"] = EventFacts(
                kind="thread_rolled_back", starts=heard_at(at, emitted), sources=Source.LIVE
            )
            yield facts

    def child(self, parent: Thread, child_id: str, at: Stamp) -> Iterator[Fact]:
        """A subagent's thread: it never gets a `thread/started` of its own."""
        child = self._process.thread(child_id, at)
        if child is None or child is parent:
            return
        if child.settings.cwd is None:
            child.settings.cwd = parent.settings.cwd
        facts = self._process.session(child, at)
        facts.parent_session_id = live(parent.id, at)
        facts.relation = live("subagent", at)
        yield facts

    def _known(self, thread: Thread, told: wire.ThreadInfo, at: Stamp) -> Iterator[Fact]:
        if told.createdAt is not None:
            thread.created = told.createdAt * 1000
        thread.cli_version = name(told.cliVersion) or thread.cli_version
        facts = self._process.session(thread, at)
        facts.root_session_id = live(name(told.sessionId), at)
        facts.parent_session_id = live(name(told.parentThreadId), at)
        facts.forked_from_id = live(name(told.forkedFromId), at)
        # What the thread's own log says of its source counts more: this is how it was opened.
        facts.source = live(tag(told.source), at, Weight.HINT)
        facts.originator = live(name(told.originator), at)
        facts.model_provider = live(name(told.modelProvider), at)
        facts.cwd = live(path(told.cwd) or thread.settings.cwd, at)
        if told.gitInfo is not None:
            facts.git_commit = live(name(told.gitInfo.sha), at)
            facts.git_branch = live(name(told.gitInfo.branch), at)
        yield facts

    def _archived(self, params: msgspec.Raw, archived: bool, at: Stamp) -> Iterator[Fact]:
        thread = self._process.thread(_of_thread.decode(params).threadId, at)
        if thread is not None:
            facts = self._process.session(thread, at)
            facts.archived = live(archived, at)
            yield facts
