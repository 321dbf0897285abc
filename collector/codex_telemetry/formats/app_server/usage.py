"""Which announcement of a token count tells of a new response, and which says it once more."""

from codex_telemetry.core.facts import Clock, ResponseFacts, Usage
from codex_telemetry.formats.app_server.state import Thread, Turn, live
from codex_telemetry.formats.app_server.wire import Tokens
from codex_telemetry.formats.base import Stamp


def response(
    thread: Thread,
    turn: Turn | None,
    running_total: int,
    last: Usage | None,
    cache_write: int | None,
    at: Stamp,
    emitted_ms: int | None,
) -> ResponseFacts | None:
    """The response a count tells of, keyed by its running total; None if it tells of none.

    Codex repeats the same totals on resume, fork, steer, compaction and interrupt, up to 0.130
    after every response, and may name an old turn then. Tried on 620 turns of 0.63 to 0.169: what
    is counted so equals what the model's side sent.
    """
    if thread.review is not None and turn is thread.turns.get(thread.review):
        # Up to 0.77 the reviewer's counts are mirrored here; they are its own thread's.
        return None
    first_of_history, thread.baseline = thread.baseline, False
    repeated, thread.last_total = running_total == thread.last_total, running_total
    if first_of_history or repeated or last is None or not (last.input or last.output):
        return None
    if turn is None or not turn.heard or turn.ended:
        return None
    times = {int(Clock.WIRE): at.wall_ms}
    if emitted_ms is not None:
        times[Clock.CODEX_MS] = emitted_ms
    raw, thread.raw_response = thread.raw_response, None
    if raw is not None and raw.usage != last:
        raw = None
    return ResponseFacts(
        usage=live(last, at),
        cache_write=live(cache_write, at),
        # The count waits for the tools that the response called: where its own end was told, that.
        times=raw.ended if raw is not None else times,
        model=live(thread.settings.model, at),
        response_id=live(raw.id, at) if raw is not None else None,
    )


def as_usage(told: Tokens) -> Usage:
    return Usage(
        total=told.totalTokens,
        input=told.inputTokens,
        cached=told.cachedInputTokens,
        output=told.outputTokens,
        reasoning=told.reasoningOutputTokens,
    )
