"""The head of a file: which thread it is, where it came from, whether it begins with a copy."""

import re
from typing import Any

from codex_telemetry.core.facts import Clock, Said, SessionFacts, Source, Weight
from codex_telemetry.core.identity import SessionId, is_safe_id, is_uuid, uuid7_ms
from codex_telemetry.formats.app_server.values import name, path, tag
from codex_telemetry.formats.rollout import wire
from codex_telemetry.formats.rollout.context import instructions
from codex_telemetry.formats.rollout.moments import log_ms
from codex_telemetry.formats.rollout.reading import Moment, Reading, note, put, safe
from codex_telemetry.formats.rollout.state import Replay


def session_meta(reading: Reading, told: wire.SessionMeta, at: Moment) -> None:
    """The first is the thread's own. One of another thread opens a copied history."""
    state = reading.state
    if not is_safe_id(told.id):
        reading.drift("session_meta", "a thread's id isn't one")
        return
    if state.session is None and (not state.begun or state.thread is None):
        state.thread = SessionId(told.id)
    elif state.thread != told.id:
        if state.current is None and state.replay is None:
            state.copied = True
            state.replay = Replay(first=at.ms, last=at.ms)
        return
    reading.settle_context()
    reading.context = None
    state.version = name(told.cli_version)
    state.paginated = told.history_mode == "paginated"
    state.continues = told.history_base is not None
    state.copied = told.forked_from_id is not None
    state.created = uuid7_ms(told.id) or log_ms(told.timestamp) or at.ms
    if told.subagent_history_start_ordinal is not None:
        state.copied = True
        state.replay = Replay(until_ordinal=told.subagent_history_start_ordinal)
    # Up to 0.77 `instructions` are the user's; from 0.87 on `base_instructions` are Codex's own.
    state.base_instructions = instructions(reading, told.base_instructions)
    state.user_instructions = instructions(reading, told.instructions)
    facts = state.session or SessionFacts(session_id=state.thread, sources=Source.ROLLOUT)
    _describe(reading, facts, told, at)
    facts.captured = state.captured
    note(facts.created, Clock.CODEX_MS, state.created)
    state.session, state.session_changed = facts, True
    if told.history_base is not None and told.history_base.thread_id == told.id:
        began = Moment(log_ms(told.timestamp) or at.ms)
        reading.event("thread_rolled_back", began, "reverted", turn=False)


def _describe(reading: Reading, facts: SessionFacts, told: wire.SessionMeta, at: Moment) -> None:
    say = reading.say
    source, parent = _source(told.source)
    relation = "fork" if told.forked_from_id is not None else None
    git = told.git or wire.Git()
    put(
        facts,
        root_session_id=say(safe(told.session_id), at),
        parent_session_id=say(safe(told.parent_thread_id) or parent, at),
        forked_from_id=say(safe(told.forked_from_id), at),
        relation=say(source if source in ("review", "subagent") else relation, at),
        source=say(source, at),
        originator=say(name(told.originator), at),
        cli_version=say(name(told.cli_version), at),
        model_provider=say(name(told.model_provider), at),
        cwd=say(path(told.cwd), at),
        git_commit=say(name(git.commit_hash), at),
        git_branch=say(name(git.branch), at),
    )
    if git.repository_url:
        put(facts, git_repo=say(_repository(reading, git.repository_url), at))


_ADDRESS = re.compile(
    r"(?!file:)(?:[a-z][a-z0-9+.-]*://)?(?:[^/]*@)?([^/:@]+)(?::\d+(?=/))?[:/]+([^/?#][^?#]*)",
    re.IGNORECASE,
)


def _repository(reading: Reading, url: str) -> str | None:
    """The keyed hash of a repository's address, or the address where the user wants it: in one form,
    however it is reached, and without the user and password that may stand in it."""
    found = _ADDRESS.match(url)
    address = url if found is None else f"{found[1].lower()}/{found[2].strip('/')}"
    address = address.removesuffix(".git")
    if reading.repo_names:
        return None if found is None else name(address)
    return None if reading.hasher is None else reading.hasher(address)


def archived(facts: SessionFacts, is_archived: bool | None, seen_at: int) -> None:
    """Where a file lies is so when it is read: a later look counts more, whoever looks."""
    if is_archived is not None:
        facts.archived = Said(is_archived, Weight.LIVE, seen_at)


def _source(told: Any) -> tuple[str | None, str | None]:
    """cli, vscode, exec, mcp, subagent, review; and the parent of a thread that was spawned.

    `{"subagent": "review"}`, `{"subagent": {"thread_spawn": {"parent_thread_id": …}}}` (0.98 on).
    """
    inner = told.get("subagent") if isinstance(told, dict) else None
    if inner is None:
        return tag(told), None
    if inner == "review":
        return "review", None
    spawn = inner.get("thread_spawn") if isinstance(inner, dict) else None
    parent = spawn.get("parent_thread_id") if isinstance(spawn, dict) else None
    return "subagent", parent if isinstance(parent, str) and is_uuid(parent) else None
