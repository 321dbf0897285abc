"""Which announcement of a token count tells of a new response, and which says it once more."""

from codex_telemetry.core.facts import ResponseFacts, Usage
from codex_telemetry.formats.app_server.process import heard_at
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
    older: bool,
    waits_for_tools: bool,
) -> ResponseFacts | None:
    """The response a count tells of, keyed by its running total; None if it tells of none.

    Codex repeats the same totals on resume, fork, steer, compaction and interrupt, up to 0.130
    after every response, and may name an old turn then. Tried on 620 turns of 0.63 to 0.169: what
    is counted so equals what the model's side sent.

    `older`: an event of the older protocol tells it; 0.77 to 0.106 tell of each count both ways.
    `waits_for_tools`: it comes once the tools are done that the response called (0.140 on). Before,
    it comes at once, and again when the next response begins.
    """
    if thread.review is not None and turn is thread.turns.get(thread.review):
        # Up to 0.77 the reviewer's counts are mirrored here; they are its own thread's.
        return None
    first_of_history, thread.baseline = thread.baseline, False
    repeated, thread.last_total = running_total == thread.last_total, running_total
    if first_of_history or last is None or not (last.input or last.output):
        return None
    if turn is None or not turn.heard or turn.ended:
        return None
    times = heard_at(at, emitted_ms)
    if repeated:
        return ResponseFacts(tools_done=times) if thread.counted == (turn, older) else None
    thread.counted = (turn, older)
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
        tools_done=times if waits_for_tools else {},
    )


def as_usage(told: Tokens) -> Usage:
    return Usage(
        total=told.totalTokens,
        input=told.inputTokens,
        cached=told.cachedInputTokens,
        output=told.outputTokens,
        reasoning=told.reasoningOutputTokens,
    )
