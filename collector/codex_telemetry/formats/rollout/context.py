"""What a turn runs with: model, policies, instructions (of these only that they are there)."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import astuple

from codex_telemetry.core.identity import TurnId
from codex_telemetry.core.veil import Hasher
from codex_telemetry.formats.app_server.state import Settings
from codex_telemetry.formats.app_server.values import name, path, policy, sandboxed, tag
from codex_telemetry.formats.app_server.wire import given
from codex_telemetry.formats.rollout import turns, wire
from codex_telemetry.formats.rollout.reading import Context, Moment, Reading, better, put, safe
from codex_telemetry.formats.rollout.state import MOST_FOLDERS, Instructions, State, bound

MOST_MEASURED = 8
_IDS = 2
"""The fields of a context that tell of which turn it is; they come first."""


def turn_context(reading: Reading, told: wire.TurnContext, at: Moment) -> None:
    state = reading.state
    context = reading.context
    if context is None or context.told is not told:
        context = _context(reading, told)
    state.model, state.cwd = context.model, context.cwd
    turns.leave_review(reading)
    turn_id = _whose(reading, told, at)
    if turn_id is None:
        return
    state.folders.pop(turn_id, None)
    if state.cwd is not None:
        state.folders[turn_id] = state.cwd
        bound(state.folders, MOST_FOLDERS)
    facts = reading.turn(turn_id)
    if context.turn is not facts:
        reading.settle_context()
        context.turn, context.at = facts, at.ms or 0
        facts.root_turn_id = better(facts.root_turn_id, reading.say(safe(told.root_turn_id)))
    context.at = max(context.at, at.ms or 0)


def _context(reading: Reading, told: wire.TurnContext) -> Context:
    """What is kept of a context: often the same as of the one before, but for the turn's id."""
    before, of = reading.context, astuple(told)[_IDS:]
    reading.settle_context()
    if before is not None and before.of == of:
        before.told = told
        return before
    reading.context = fresh = Context(told, of, name(told.model), path(told.cwd))
    fresh.claims = tuple(_described(reading, told, fresh))
    return fresh


def _described(
    reading: Reading, told: wire.TurnContext, context: Context
) -> Iterator[tuple[str, Any]]:
    """What a context says of its turn, as far as it says it."""
    state, settings = reading.state, Settings()
    _sandbox(settings, told.sandbox_policy)
    claims: dict[str, Any] = {
        "model": context.model,
        "effort": name(told.effort),
        "summary_mode": name(told.summary),
        "approval_policy": policy(told.approval_policy),
        "cwd": context.cwd,
        "truncation_policy": _truncation(told.truncation_policy),
        "sandbox": settings.sandbox,
        "sandbox_network": settings.sandbox_network,
        "sandbox_writable_roots": settings.sandbox_writable_roots,
        "exclude_tmpdir": settings.exclude_tmpdir,
        "exclude_slash_tmp": settings.exclude_slash_tmp,
    }
    mode = told.collaboration_mode
    developer = told.developer_instructions
    if not given(developer) and mode is not None and mode.settings is not None:
        developer = mode.settings.developer_instructions
    own_base = instructions(reading, told.base_instructions)
    own_user = instructions(reading, told.user_instructions)
    base = own_base if own_base.length is not None else state.base_instructions
    user = own_user if own_user.length is not None else state.user_instructions
    claims |= _instructed(state, "base", base)
    claims |= _instructed(state, "user", user)
    claims |= _instructed(state, "developer", instructions(reading, developer))
    return ((field, value) for field, value in claims.items() if value is not None)


def settings_applied(reading: Reading, told: wire.SettingsApplied, at: Moment) -> None:
    """A thread's settings (seen from 0.145): only here the service tier is told."""
    state = reading.state
    if told.thread_settings is None or told.thread_id not in (None, state.thread):
        return
    state.service_tier = name(told.thread_settings.service_tier)
    facts = reading.current()
    if facts is not None and not state.ended:
        put(facts, service_tier=reading.say(state.service_tier, at))


def instructions(reading: Reading, raw: Raw) -> Instructions:
    """How long instructions are, and their keyed hash. `{"text": …}` from 0.98 on, or a string."""
    return _measured(bytes(raw), reading.hasher) if len(raw) > 0 else Instructions()


@lru_cache(maxsize=MOST_MEASURED)
def _measured(written: bytes, hasher: Hasher | None) -> Instructions:
    """Most are said again and again: they are Codex's own, or a project's."""
    try:
        text = msgspec.json.decode(written)
    except wire.UNREADABLE:
        text = None
    if isinstance(text, dict):
        text = text.get("text")
    if not isinstance(text, str) or not text:
        return Instructions(told=True)
    return Instructions(told=True, length=len(text), hash=hasher and hasher(text))


def _whose(reading: Reading, told: wire.TurnContext, at: Moment) -> TurnId | None:
    state = reading.state
    if told.turn_id is not None:
        turn_id = reading.own(told.turn_id)
        if turn_id is not None and turn_id != state.current:
            reading.begin(turn_id)
        return turn_id
    if reading.in_logged() and state.answered and at.ms is not None:
        # A turn without a prompt: 0.98 compacts in one of its own.
        reading.begin_logged(at.ms, prompts=0)
    return state.current if reading.in_logged() else None


def _sandbox(settings: Settings, told: Any) -> None:
    if isinstance(told, dict) and "type" not in told and "mode" in told:
        told = {**told, "type": told["mode"]}  # 0.42
    sandboxed(settings, told)


def _truncation(told: Any) -> str | None:
    """`tokens:10000` of `{"mode": "tokens", "limit": 10000}`."""
    if not isinstance(told, dict):
        return tag(told)
    mode, limit = name(told.get("mode")), told.get("limit")
    return f"{mode}:{limit}" if mode is not None and isinstance(limit, int) else mode


def _instructed(state: State, kind: str, told: Instructions | None) -> dict[str, Any]:
    told, base = told or Instructions(), state.base_instructions
    # Releases that keep Codex's own instructions leave out a field for others that aren't there.
    known = told.told or (base is not None and base.told)
    there = (told.length is not None) if known else None
    return {
        f"has_{kind}_instructions": there,
        f"{kind}_instructions_length": told.length,
        f"{kind}_instructions_hash": told.hash,
    }
