"""Which lines tell of a new response of the model, and which say it once more.

Tried on 170 recordings: what is counted so equals what the model's side sent.
"""

import msgspec
from msgspec import Raw
from msgspec.structs import astuple

from codex_telemetry.core.facts import (
    Clock,
    ResponseFacts,
    Said,
    TurnFacts,
    Usage,
    Weight,
)
from codex_telemetry.core.identity import is_safe_id
from codex_telemetry.formats.app_server.limits import REPEAT_AFTER_MS
from codex_telemetry.formats.app_server.values import name
from codex_telemetry.formats.app_server.wire import given
from codex_telemetry.formats.base import Stamp
from codex_telemetry.formats.rollout import compactions, wire
from codex_telemetry.formats.rollout.reading import Moment, Reading, add, better
from codex_telemetry.formats.rollout.state import Pending

LOG, ROLLOUT = int(Clock.LOG), int(Weight.ROLLOUT)


def usage_record(reading: Reading, told: wire.UsageRecord, at: Moment) -> None:
    """One response (seen from 0.155). Records of other threads are copied history."""
    state = reading.state
    if told.thread_id != state.thread or not is_safe_id(told.turn_id):
        return
    turn_id = reading.own(told.turn_id)
    usage = _usage(told.usage)
    if turn_id is None or usage is None:
        return
    settle_pending(reading)
    state.tokens.pending = Pending(
        turn_id,
        usage,
        told.usage.cache_write_input_tokens,
        name(told.response_id),
        _total(told.thread_token_usage),
        at.ms,
        state.model,
    )


def token_count(reading: Reading, told: wire.TokenCount, at: Moment) -> None:
    state = reading.state
    if state.review is not None:
        return  # up to 0.77 the reviewer's counts are mirrored; they are its own thread's
    if at.ms is not None and given(told.rate_limits):
        _limits(reading, told.rate_limits, at.ms)
    info, tokens = told.info, state.tokens
    before, parts = tokens.total, tokens.parts
    counted = reading.counted
    if info is None or (counted is not None and counted[0] is told and counted[1] == before):
        return
    whole, last = _usage(info.total_token_usage), _usage(info.last_token_usage)
    if whole is None:
        return
    total = whole.total
    compactions.counted(state, last, total != before, at)
    tokens.total, tokens.parts = total, whole
    if last is None or last.input or last.output:
        reading.counted = told, total
    if total == before:
        return
    response = tokens.pending
    if response is not None and last == response.usage:
        tokens.pending = None
    elif before is None and state.continues:
        return  # what the history in another file came to
    else:
        if last is None:
            last = _change(parts, whole)
        if state.current is None or not (last.input or last.output):
            return
        write = info.last_token_usage
        written = None if write is None else write.cache_write_input_tokens
        response = Pending(state.current, last, written, None, total, at.ms, state.model)
        reading.active(at)
    facts = _claim(reading, response, total)
    if info.model_context_window is not None:
        window = Said(info.model_context_window, ROLLOUT, at.ms or 0)
        facts.context_window = better(facts.context_window, window)


def baseline(reading: Reading, told: wire.TokenCount) -> None:
    """A count within a copied history: the thread's own go on from there."""
    if told.info is not None:
        whole = _usage(told.info.total_token_usage)
        if whole is not None:
            reading.state.tokens.total, reading.state.tokens.parts = whole.total, whole


def settle_pending(reading: Reading) -> None:
    """A response whose count never came: its total follows from the one before."""
    tokens = reading.state.tokens
    if tokens.pending is not None:
        tokens.total = expected_total(reading)
        _claim(reading, tokens.pending, tokens.total)
        tokens.pending = None


def told_so_far(reading: Reading) -> None:
    """Claim the response that waits for its count if its total is certain, and go on waiting.

    In an upgraded home it isn't: there only the count says it, and claimed under two totals the
    response would count twice.
    """
    pending = reading.state.tokens.pending
    if pending is not None and pending.thread_total in (None, expected_total(reading)):
        _claim(reading, pending, expected_total(reading))


def expected_total(reading: Reading) -> int:
    """The running total as the stream counts it: in an upgraded home the record's own begins anew,
    while the stream's goes on."""
    tokens = reading.state.tokens
    assert tokens.pending is not None
    if tokens.total is not None:
        return tokens.total + tokens.pending.usage.total
    return tokens.pending.thread_total or tokens.pending.usage.total


def _claim(reading: Reading, told: Pending, total: int) -> TurnFacts:
    """Add the response to the claims about its turn."""
    facts, at = reading.turn(told.turn_id), told.at or 0
    response = ResponseFacts(
        Said(told.usage, ROLLOUT, at),
        None if told.cache_write is None else Said(told.cache_write, ROLLOUT, at),
        {} if told.at is None else {LOG: told.at},
        None if told.model is None else Said(told.model, ROLLOUT, at),
        None if told.response_id is None else Said(told.response_id, ROLLOUT, at),
    )
    add(facts.responses, total, response)
    return facts


def _limits(reading: Reading, told: Raw, ms: int) -> None:
    state, raw = reading.state, bytes(told)
    if raw == state.limits_said and 0 <= ms - state.limits_at < REPEAT_AFTER_MS:
        return  # said again with every response
    state.limits_said, state.limits_at = raw, ms
    try:
        snapshot = msgspec.json.decode(raw)
    except wire.UNREADABLE:
        return
    reading.out.extend(reading.limits.samples(snapshot, state.thread, Stamp(ms)))


def _total(told: wire.Tokens | None) -> int | None:
    usage = _usage(told)
    return None if usage is None else usage.total


def _usage(told: wire.Tokens | None) -> Usage | None:
    if told is None:
        return None
    read, written, total = told.input_tokens, told.output_tokens, told.total_tokens
    if read < 0 or written < 0:
        return None
    if total is None:
        total = read + written
    return Usage(total, read, told.cached_input_tokens, written, told.reasoning_output_tokens)


def _change(before: Usage | None, now: Usage) -> Usage:
    """Where the last response's own count is missing: the change of the total, or the total itself
    if it fell."""
    if before is None or now.total < before.total:
        return now
    pairs = zip(astuple(now), astuple(before), strict=True)
    return Usage(*(max(0, new - old) for new, old in pairs))
