"""Where turns begin and end: by their own lines from 0.106 on, by their prompts before."""

from codex_telemetry.core.facts import Clock, TurnFacts, Weight
from codex_telemetry.core.identity import TurnId, is_log_turn, is_uuid
from codex_telemetry.formats.app_server.values import error_kind, name
from codex_telemetry.formats.rollout import tokens, wire
from codex_telemetry.formats.rollout.reading import Moment, Reading, note, put, safe
from codex_telemetry.formats.rollout.state import Held, bound

STEER_MS = 100
"""A prompt this soon after a tool's output was put into the running turn (0.98): Codex hands over
what waits between two responses."""


def task_started(reading: Reading, told: wire.TaskStarted, at: Moment) -> None:
    state = reading.state
    state.events_seen = True
    if told.turn_id is None:
        return
    if state.review is not None:
        state.held = Held(told.turn_id, told.root_turn_id, told.started_at, at.ms)
        return
    if not is_uuid(told.turn_id):
        _migrated(reading, told.turn_id, at)
        return
    if reading.foreign(told.turn_id):
        state.current, state.elsewhere = None, True
        return
    _start(reading, told.turn_id, told.root_turn_id, told.started_at, at.ms)
    facts = reading.current()
    if facts is not None:
        put(facts, context_window=reading.say(told.model_context_window, at))


def task_complete(reading: Reading, told: wire.TaskEnded, at: Moment) -> None:
    error = told.error
    facts = _end(reading, told, "failed" if error is not None else "completed", at)
    if facts is not None and error is not None:
        put(facts, error_kind=reading.say(error_kind(error.codex_error_info), at))


def turn_aborted(reading: Reading, told: wire.TaskEnded, at: Moment) -> None:
    leave_review(reading, followed=False)
    facts = _end(reading, told, "interrupted", at)
    if facts is not None or told.turn_id is None:
        reading.event("turn_aborted", at, name(told.reason))


def prompt(reading: Reading, at: Moment, n: int = 1) -> TurnId | None:
    """A prompt: a turn's first, or one more in a turn that runs. The turn it went to."""
    state = reading.state
    if state.review is not None:
        state.held = Held(None, None, None, at.ms)
        return None
    if at.ms is None:
        return state.current
    if state.current is not None and not state.ended:
        if not is_log_turn(state.current) or state.current in state.aliases.values():
            reading.count("prompts", n)
            return state.current
        if _just_handed_over(reading, at.ms):
            reading.count("prompts", n)
            state.last_line, state.last_at = "steer", at.ms
            return state.current
    if state.elsewhere:
        return None
    reading.begin_logged(at.ms, prompts=n)
    return state.current


def _just_handed_over(reading: Reading, ms: int) -> bool:
    state = reading.state
    if state.last_line not in ("output", "steer") or state.last_at is None:
        return False
    return 0 <= ms - state.last_at <= STEER_MS


def untimed_prompt(reading: Reading) -> None:
    """A prompt in the format of 0.20: only the thread's own time is known, so the first prompt's
    is that, and the others are told apart by their number."""
    state = reading.state
    if state.created is None:
        return
    facts = reading.begin_logged(state.created + state.prompts, prompts=1)
    if facts is not None and state.prompts:
        facts.starts.clear()
    state.prompts += 1


def entered_review(reading: Reading, _told: wire.Nothing, at: Moment) -> None:
    """From here on the reviewer's own prompts, turns and counts are mirrored (0.63 to 0.169)."""
    state = reading.state
    reading.event("entered_review_mode", at, turn=False)
    state.review = state.reviewed = at.ms or 0
    state.current, state.held = None, None


def exited_review(reading: Reading, _told: wire.Nothing, at: Moment) -> None:
    leave_review(reading, followed=False)
    reading.event("exited_review_mode", at, turn=False)


def leave_review(reading: Reading, *, followed: bool = True) -> None:
    """A review ends: by its own line, or, if the process died in it, by a context of this thread,
    which the reviewer's mirrored lines never have: then what was held was this thread's own."""
    state = reading.state
    if state.review is None:
        return
    held, state.held, state.review = state.held, None, None
    if not followed or held is None or held.at is None:
        return
    state.reviewed = None
    if held.turn_id is None:
        reading.begin_logged(held.at, prompts=1)
    elif is_uuid(held.turn_id):
        _start(reading, held.turn_id, held.root_turn_id, held.started_at, held.at)


def _start(
    reading: Reading, codex_turn: str, root: str | None, started_at: int | None, ms: int | None
) -> None:
    facts = reading.begin(TurnId(codex_turn))
    put(facts, root_turn_id=reading.say(safe(root)))
    note(facts.starts, Clock.LOG, ms)
    note(facts.starts, Clock.CODEX_S, _seconds(started_at))


def _migrated(reading: Reading, made_up: str, at: Moment) -> None:
    """`codex migrate-rollouts` puts turns around prompts that had none, stamped as these are."""
    state = reading.state
    if at.ms is None or safe(made_up) is None:
        return
    facts = reading.begin_logged(at.ms, prompts=0)
    if facts is not None:
        state.aliases[made_up] = facts.turn_id
        bound(state.aliases)


def _end(reading: Reading, told: wire.TaskEnded, status: str, at: Moment) -> TurnFacts | None:
    state = reading.state
    if told.turn_id is not None and told.turn_id in state.aliases:
        return None  # the end of a migrated turn is the beginning of the next: made up
    turn_id = reading.own(told.turn_id)
    if turn_id is None:
        if told.turn_id is not None:
            state.current = None
        return None
    if turn_id != state.current:
        _outer(reading, turn_id)
    tokens.settle_pending(reading)
    facts = reading.turn(turn_id)
    put(
        facts,
        root_turn_id=reading.say(safe(told.root_turn_id)),
        status=reading.say(status, at),
        duration=reading.say(told.duration_ms, at, Clock.CODEX_MS),
        ttft=reading.say(told.time_to_first_token_ms, at, Weight.EXACT),
    )
    note(facts.starts, Clock.CODEX_S, _seconds(told.started_at))
    note(facts.ends, Clock.CODEX_S, _seconds(told.completed_at))
    note(facts.ends, Clock.LOG, at.ms)
    if turn_id == state.current:
        state.ended = True
        state.answered = True
    return facts


def _seconds(told: int | None) -> int | None:
    return None if told is None else told * 1000


def _outer(reading: Reading, turn_id: TurnId) -> None:
    """The outer turn of a review is first named where it ends (0.116 to 0.150)."""
    state = reading.state
    if state.reviewed is None or state.current is not None:
        return
    counted, began = dict(state.loose), state.reviewed
    facts = reading.begin(turn_id)
    note(facts.starts, Clock.LOG, began)
    for what, n in counted.items():
        reading.count(what, n)
