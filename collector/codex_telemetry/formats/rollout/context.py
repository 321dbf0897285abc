"""What a turn runs with: model, policies, instructions (of these only that they are there)."""

from typing import Any

import msgspec
from msgspec import Raw

from codex_telemetry.core.facts import TurnFacts
from codex_telemetry.core.identity import TurnId
from codex_telemetry.formats.app_server.state import Settings
from codex_telemetry.formats.app_server.values import name, path, policy, sandboxed, tag
from codex_telemetry.formats.app_server.wire import given
from codex_telemetry.formats.rollout import turns, wire
from codex_telemetry.formats.rollout.reading import Moment, Reading, put, safe
from codex_telemetry.formats.rollout.state import MOST_FOLDERS, Instructions, bound

MOST_MEASURED = 8


def turn_context(reading: Reading, told: wire.TurnContext, at: Moment) -> None:
    state = reading.state
    state.model, state.cwd = name(told.model), path(told.cwd)
    turns.leave_review(reading)
    turn_id = _whose(reading, told, at)
    if turn_id is None:
        return
    state.folders.pop(turn_id, None)
    if state.cwd is not None:
        state.folders[turn_id] = state.cwd
        bound(state.folders, MOST_FOLDERS)
    facts, say = reading.turn(turn_id), reading.say
    put(
        facts,
        root_turn_id=say(safe(told.root_turn_id)),
        model=say(state.model, at),
        effort=say(name(told.effort), at),
        summary_mode=say(name(told.summary), at),
        approval_policy=say(policy(told.approval_policy), at),
        cwd=say(state.cwd, at),
        truncation_policy=say(_truncation(told.truncation_policy), at),
    )
    _sandbox(reading, facts, told.sandbox_policy, at)
    mode = told.collaboration_mode
    developer = told.developer_instructions
    if not given(developer) and mode is not None and mode.settings is not None:
        developer = mode.settings.developer_instructions
    own_base = instructions(reading, told.base_instructions)
    own_user = instructions(reading, told.user_instructions)
    base = own_base if own_base.length is not None else state.base_instructions
    user = own_user if own_user.length is not None else state.user_instructions
    _instructed(reading, facts, "base", base, at)
    _instructed(reading, facts, "user", user, at)
    _instructed(reading, facts, "developer", instructions(reading, developer), at)


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
    if len(raw) == 0:
        return Instructions()
    written = bytes(raw)
    known = reading.measured.get(written)
    if known is None:
        known = reading.measured[written] = _measured(reading, raw)
        while len(reading.measured) > MOST_MEASURED:
            del reading.measured[next(iter(reading.measured))]
    return known


def _measured(reading: Reading, raw: Raw) -> Instructions:
    try:
        text = msgspec.json.decode(raw)
    except wire.UNREADABLE:
        text = None
    if isinstance(text, dict):
        text = text.get("text")
    if not isinstance(text, str) or not text:
        return Instructions(told=True)
    hashed = reading.hasher(text) if reading.hasher is not None else None
    return Instructions(told=True, length=len(text), hash=hashed)


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


def _sandbox(reading: Reading, facts: TurnFacts, told: Any, at: Moment) -> None:
    if isinstance(told, dict) and "type" not in told and "mode" in told:
        told = {**told, "type": told["mode"]}  # 0.42
    settings = Settings()
    sandboxed(settings, told)
    say = reading.say
    put(
        facts,
        sandbox=say(settings.sandbox, at),
        sandbox_network=say(settings.sandbox_network, at),
        sandbox_writable_roots=say(settings.sandbox_writable_roots, at),
        exclude_tmpdir=say(settings.exclude_tmpdir, at),
        exclude_slash_tmp=say(settings.exclude_slash_tmp, at),
    )


def _truncation(told: Any) -> str | None:
    """`tokens:10000` of `{"mode": "tokens", "limit": 10000}`."""
    if not isinstance(told, dict):
        return tag(told)
    mode, limit = name(told.get("mode")), told.get("limit")
    return f"{mode}:{limit}" if mode is not None and isinstance(limit, int) else mode


def _instructed(
    reading: Reading, facts: TurnFacts, kind: str, told: Instructions | None, at: Moment
) -> None:
    told, base = told or Instructions(), reading.state.base_instructions
    # Releases that keep Codex's own instructions leave out a field for others that aren't there.
    known = told.told or (base is not None and base.told)
    there = (told.length is not None) if known else None
    claims = {
        f"has_{kind}_instructions": reading.say(there, at),
        f"{kind}_instructions_length": reading.say(told.length, at),
        f"{kind}_instructions_hash": reading.say(told.hash, at),
    }
    put(facts, **claims)
