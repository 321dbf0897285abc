"""What goes on around a turn: interrupts, steering, plans, waits, compactions, refusals, traces."""

import json
from typing import Any

import pytest

from codex_telemetry.core.facts import Source, TurnFacts
from codex_telemetry.core.rows import EventRow
from codex_telemetry.core.settle import settle_session, settle_turn
from codex_telemetry.core.settle_events import settle_session_events, settle_turn_events
from recordings import Recordings, names
from told import Told, told_by

THREAD = "01a21938-1c99-7990-9dcc-087c7f3a5f55"
TURN = "01a21938-1cae-7a71-b478-e67e09a2bb8e"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def say(told: Told, sent_by: Any, at: int, **message: Any) -> None:
    told.hear(sent_by, json.dumps(message).encode(), at)


def notify(told: Told, at: int, method: str, **params: Any) -> None:
    say(told, "server", at, method=method, params={"threadId": THREAD, **params})


def events(told: Told, kind: str) -> list[EventRow]:
    rows = [row for turn in told.batch.turns.values() for row in settle_turn_events(turn)]
    rows += [row for s in told.batch.sessions.values() for row in settle_session_events(s)]
    return [row for row in rows if row.kind == kind]


def begun(told: Told, at: int = 1_000, **request: Any) -> None:
    """A turn that was asked for, answered and started."""
    params = {"threadId": THREAD, "input": []}
    say(told, "client", at, id=3, method="turn/start", params=params, **request)
    say(told, "server", at + 10, id=3, result={"turn": {"id": TURN}})
    notify(told, at + 20, "turn/started", turn={"id": TURN})


def ended(told: Told, at: int, status: str = "completed") -> None:
    notify(told, at, "turn/completed", turn={"id": TURN, "status": status})


def only(told: Told) -> TurnFacts:
    (turn,) = told.batch.turns.values()
    return turn


@pytest.mark.parametrize("name", names("*/f_interrupt"))
def test_an_interrupt_is_timed_from_the_request_to_the_turns_end(
    recordings: Recordings, name: str
) -> None:
    told = told_by(recordings.one(name).frames())
    interrupted = [turn for turn in told.turns if turn.status == "interrupted"]
    assert interrupted
    for turn in interrupted:
        assert turn.interrupt_ms is not None
        assert 0 <= turn.interrupt_ms < 1_000
    assert all(turn.interrupt_ms is None for turn in told.turns if turn not in interrupted)
    assert len(events(told, "interrupt")) == len(interrupted)


def test_an_interrupt_that_came_too_late_took_no_time() -> None:
    told = Told()
    begun(told)
    say(told, "client", 1_500, id=4, method="turn/interrupt", params={"threadId": THREAD})
    ended(told, 1_501, "completed")
    assert settle_turn(only(told)).interrupt_ms is None
    (event,) = events(told, "interrupt")
    assert event.duration_ms is None


@pytest.mark.parametrize("name", names("0.1*/p_steer"))
def test_steering_is_an_event_of_the_turn_it_steers(recordings: Recordings, name: str) -> None:
    told = told_by(recordings.one(name).frames())
    steers = events(told, "steer")
    assert [steer.status for steer in steers] == ["accepted"] * len(steers)
    assert steers
    assert all(steer.duration_ms is not None for steer in steers)


def test_steering_that_codex_refuses_says_so_and_not_why() -> None:
    told = Told()
    begun(told)
    params = {"threadId": THREAD, "expectedTurnId": TURN, "input": []}
    say(told, "client", 1_200, id=4, method="turn/steer", params=params)
    error = {"code": -32600, "message": "CANARY-ANSWER-1"}
    say(told, "server", 1_230, id=4, error=error)
    (steer,) = events(told, "steer")
    assert (steer.status, steer.duration_ms) == ("rejected", 30)
    assert "CANARY" not in repr(told.batch)


@pytest.mark.parametrize("name", names("0.98.0/q_plan", "0.125.0/q_plan"))
def test_a_plan_is_known_by_its_progress_alone(recordings: Recordings, name: str) -> None:
    told = told_by(recordings.one(name).frames())
    assert [event.status for event in events(told, "plan_updated")] == ["0/2", "2/2"]
    assert "CANARY" not in repr(told.batch)


def test_what_a_thread_waits_for_is_an_event_as_long_as_it_waits() -> None:
    told = Told()
    begun(told)
    for at, flags in ((1_100, []), (1_200, ["waitingOnApproval"]), (1_500, []), (1_600, [])):
        status = {"type": "active", "activeFlags": flags}
        notify(told, at, "thread/status/changed", status=status)
    ended(told, 2_000)
    notify(told, 2_001, "thread/status/changed", status={"type": "idle"})
    (waited,) = events(told, "thread_status")
    assert (waited.name, waited.at, waited.duration_ms) == ("waiting_on_approval", 1_200, 300)


def test_a_thread_that_breaks_says_so() -> None:
    told = Told()
    notify(told, 1_000, "thread/status/changed", status={"type": "systemError"})
    (event,) = events(told, "thread_status")
    assert (event.name, event.duration_ms) == ("system_error", None)


@pytest.mark.parametrize("name", names("0.98.0/h_*compact", "0.1*/h_*compact"))
def test_a_compaction_tells_the_context_before_and_after(recordings: Recordings, name: str) -> None:
    told = told_by(recordings.one(name).frames())
    (event,) = events(told, "context_compacted")
    auto = name.endswith("autocompact")
    assert event.context_before == (25_050 if auto else 1_105)
    assert event.context_after is not None
    assert 3_000 < event.context_after < 8_000
    assert event.duration_ms is not None
    by_hand = [turn for turn in told.turns if turn.prompts == 0]
    assert [turn.context_tokens for turn in by_hand] == ([] if auto else [event.context_after])


def test_a_request_that_an_overloaded_codex_refuses_is_an_event() -> None:
    told = Told()
    begun(told)
    ended(told, 2_000)
    say(told, "client", 3_000, id=9, method="turn/start", params={"threadId": THREAD})
    error = {"code": -32001, "message": "Server overloaded; retry later. CANARY-ANSWER-1"}
    say(told, "server", 3_004, id=9, error=error)
    (event,) = events(told, "overloaded")
    assert (event.name, event.at, event.duration_ms) == ("turn/start", 3_000, 4)
    assert "CANARY" not in repr(told.batch)
    assert len(told.turns) == 1


def test_other_refusals_are_none() -> None:
    told = Told()
    begun(told)
    say(told, "client", 3_000, id=9, method="thread/compact/start", params={"threadId": THREAD})
    say(told, "server", 3_004, id=9, error={"code": -32600, "message": "no"})
    assert events(told, "overloaded") == []


@pytest.mark.parametrize(
    ("trace", "kept"),
    [
        ({"traceparent": TRACE, "tracestate": "CANARY-ARG-1=1"}, TRACE),
        ({"traceparent": "CANARY-ARG-1"}, None),
        ({"traceparent": TRACE + "-more"}, None),
        ({"traceparent": None}, None),
        (None, None),
    ],
)
def test_a_trace_context_is_kept_by_its_ids_alone(trace: Any, kept: str | None) -> None:
    told = Told()
    begun(told, trace=trace)
    ended(told, 2_000)
    assert settle_turn(only(told)).traceparent == kept
    assert "CANARY" not in repr(told.batch)


@pytest.mark.parametrize("trace", ["CANARY-ARG-1", 7, {"traceparent": 7}, [TRACE]])
def test_a_trace_of_another_shape_is_drift(trace: Any) -> None:
    told = Told()
    begun(told, trace=trace)
    assert list(told.drift) == ["turn/start"]
    assert "CANARY" not in repr(told.batch)


def test_later_turns_run_with_what_is_set_for_their_thread() -> None:
    told = Told()
    settings = {"model": "gpt-5.5-mini", "effort": "low", "approvalPolicy": "never"}
    notify(told, 500, "thread/settings/updated", threadSettings=settings)
    begun(told)
    row = settle_turn(only(told))
    assert (row.model, row.effort, row.approval_policy) == ("gpt-5.5-mini", "low", "never")


def test_a_raw_response_tells_when_it_ended_and_its_id() -> None:
    """As 0.169 sends it where the client asks for raw events: before the tools it called."""
    told = Told()
    begun(told)
    usage = {"totalTokens": 1061, "inputTokens": 1010, "outputTokens": 51, "cachedInputTokens": 401}
    raw = {"turnId": TURN, "responseId": "resp_84e428a2c4814ff4b92f866d", "usage": usage}
    notify(told, 1_400, "rawResponse/completed", **raw)
    for at, last in ((2_400, usage), (2_900, {**usage, "inputTokens": 1000, "outputTokens": 61})):
        total = {**usage, "totalTokens": at}
        notify(
            told, at, "thread/tokenUsage/updated", turnId=TURN,
            tokenUsage={"total": total, "last": last},
        )  # fmt: skip
    first, second = only(told).responses.values()
    assert first.response_id is not None
    assert first.response_id.value == "resp_84e428a2c4814ff4b92f866d"
    assert (set(first.times.values()), set(second.times.values())) == ({1_400}, {2_900})
    assert second.response_id is None


def test_what_the_client_opted_out_of_is_kept_with_its_threads() -> None:
    told = Told()
    methods = ["item/started", "turn/started", "not a name CANARY-ARG-1", "x" * 65]
    capabilities = {"optOutNotificationMethods": methods}
    params = {"clientInfo": {"name": "an_editor"}, "capabilities": capabilities}
    say(told, "client", 0, id=1, method="initialize", params=params)
    begun(told)
    (session,) = told.batch.sessions.values()
    assert settle_session(session).opted_out == '["item/started","turn/started"]'
    assert only(told).unheard == {"item/started", "turn/started"}
    assert "CANARY" not in repr(told.batch)
    assert session.sources == Source.LIVE
