"""Which lines tell of a new response of the model, and which say it once more.

Tried on 170 recordings: what is counted so equals what the model's side sent.
"""

import msgspec
from msgspec.structs import astuple

from codex_telemetry.core.facts import Clock, ResponseFacts, Usage
from codex_telemetry.core.identity import TurnId, is_safe_id
from codex_telemetry.formats.app_server.limits import REPEAT_AFTER_MS
from codex_telemetry.formats.app_server.values import name
from codex_telemetry.formats.app_server.wire import given
from codex_telemetry.formats.base import Stamp
from codex_telemetry.formats.rollout import compactions, wire
from codex_telemetry.formats.rollout.reading import Moment, Reading, add, better
from codex_telemetry.formats.rollout.state import Pending


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
        turn_id=turn_id,
        usage=usage,
        cache_write=told.usage.cache_write_input_tokens,
        response_id=name(told.response_id),
        thread_total=_total(told.thread_token_usage),
        at=at.ms,
        model=state.model,
    )


def token_count(reading: Reading, told: wire.TokenCount, at: Moment) -> None:
    state = reading.state
    if state.review is not None:
        return  # up to 0.77 the reviewer's counts are mirrored; they are its own thread's
    _limits(reading, told, at)
    if told.info is None or (told, state.tokens.total) == reading.counted:
        return
    whole, last = _usage(told.info.total_token_usage), _usage(told.info.last_token_usage)
    tokens = state.tokens
    if whole is None:
        return
    total, before, parts = whole.total, tokens.total, tokens.parts
    compactions.counted(state, last, total != before, at)
    tokens.total, tokens.parts = total, whole
    if last is None or last.input or last.output:
        reading.counted = told, total
    if total == before:
        return
    pending = tokens.pending
    if pending is not None and last == pending.usage:
        tokens.pending = None
        _claim(reading, pending, total)
        _window(reading, pending.turn_id, told, at)
        return
    if before is None and state.continues:
        return  # what the history in another file came to
    if last is None:
        last = _change(parts, whole)
    if state.current is not None and (last.input or last.output):
        write = told.info.last_token_usage
        response = Pending(
            turn_id=state.current,
            usage=last,
            cache_write=write.cache_write_input_tokens if write is not None else None,
            response_id=None,
            thread_total=total,
            at=at.ms,
            model=state.model,
        )
        _claim(reading, response, total)
        _window(reading, state.current, told, at)
        reading.active(at)


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


def _claim(reading: Reading, told: Pending, total: int) -> None:
    at, say = Moment(told.at), reading.say
    response = ResponseFacts(
        say(told.usage, at),
        say(told.cache_write, at),
        {} if told.at is None else {int(Clock.LOG): told.at},
        say(told.model, at),
        say(told.response_id, at),
    )
    add(reading.turn(told.turn_id).responses, total, response)


def _window(reading: Reading, turn_id: TurnId, told: wire.TokenCount, at: Moment) -> None:
    if told.info is not None and told.info.model_context_window is not None:
        facts = reading.turn(turn_id)
        window = reading.say(told.info.model_context_window, at)
        facts.context_window = better(facts.context_window, window)


def _limits(reading: Reading, told: wire.TokenCount, at: Moment) -> None:
    if at.ms is None or not given(told.rate_limits):
        return
    state, raw = reading.state, bytes(told.rate_limits)
    if raw == state.limits_said and 0 <= at.ms - state.limits_at < REPEAT_AFTER_MS:
        return  # said again with every response
    state.limits_said, state.limits_at = raw, at.ms
    try:
        snapshot = msgspec.json.decode(raw)
    except wire.UNREADABLE:
        return
    reading.out.extend(reading.limits.samples(snapshot, state.thread, Stamp(at.ms)))


def _total(told: wire.Tokens | None) -> int | None:
    usage = _usage(told)
    return None if usage is None else usage.total


def _usage(told: wire.Tokens | None) -> Usage | None:
    if told is None or told.input_tokens < 0 or told.output_tokens < 0:
        return None
    total = told.total_tokens
    if total is None:
        total = told.input_tokens + told.output_tokens
    return Usage(
        total,
        told.input_tokens,
        told.cached_input_tokens,
        told.output_tokens,
        told.reasoning_output_tokens,
    )


def _change(before: Usage | None, now: Usage) -> Usage:
    """Where the last response's own count is missing: the change of the total, or the total itself
    if it fell."""
    if before is None or now.total < before.total:
        return now
    pairs = zip(astuple(now), astuple(before), strict=True)
    return Usage(*(max(0, new - old) for new, old in pairs))
