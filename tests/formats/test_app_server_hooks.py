"""Hooks, as 0.169 tells of them: whose they are, how long they held the turn up, how they ended."""

import json
from typing import Any

import msgspec
import pytest

from codex_telemetry.core.facts import Clock, ItemFacts
from codex_telemetry.core.rows import EventRow, ItemRow, TurnRow
from codex_telemetry.core.settle import settle_turn
from codex_telemetry.core.settle_events import settle_session_events, settle_turn_events
from codex_telemetry.core.settle_items import settle_item
from told import Told

THREAD = "01a2193f-723a-7b82-94a6-a66b2b51c88b"
TURN = "01a2193f-724c-7ef0-a8ca-a3800a788c43"
BORN = 1_795_719_918_156
"""The millisecond in the turn's id."""

# As 0.169 said it, but for the path.
RUN: dict[str, Any] = {
    "id": "pre-tool-use:0:/home/CANARY-PATH/config.toml:call_shell_1_0_1",
    "eventName": "preToolUse",
    "handlerType": "command",
    "executionMode": "sync",
    "scope": "turn",
    "sourcePath": "/home/CANARY-PATH/config.toml",
    "source": "user",
    "displayOrder": 0,
    "status": "running",
    "statusMessage": "CANARY-HOOK looking",
    "startedAt": 1_795_719_918,
    "completedAt": None,
    "durationMs": None,
    "entries": [],
}
SAID = [{"kind": "feedback", "text": "CANARY-HOOK no"}]


def say(told: Told, method: str, at: int, **params: Any) -> None:
    """At so many ms after the turn's birth, heard 2 ms later."""
    message = {"method": method, "params": {"threadId": THREAD, **params}, "emittedAtMs": BORN + at}
    told.hear("server", json.dumps(message).encode(), BORN + at + 2)


def begun() -> Told:
    told = Told()
    say(told, "turn/started", 20, turn={"id": TURN})
    prompt = {"type": "userMessage", "id": "m0", "content": []}
    say(told, "item/started", 100, turnId=TURN, item=prompt, startedAtMs=BORN + 100)
    return told


def run(told: Told, start: int, end: int | None, status: str = "completed", **fields: Any) -> None:
    """A hook's whole run, or its start alone."""
    turn = fields.pop("turn", TURN)
    say(told, "hook/started", start, turnId=turn, run={**RUN, **fields})
    if end is not None:
        ended = {
            "status": status,
            "completedAt": RUN["startedAt"] + 1,
            "durationMs": end - start - 5,
        }
        said = {**RUN, **fields, **ended, "entries": SAID}
        say(told, "hook/completed", end, turnId=turn, run=said)


def message(told: Told, start: int, end: int) -> None:
    item = {"type": "agentMessage", "id": f"msg_{start}"}
    say(told, "item/started", start, turnId=TURN, item=item, startedAtMs=BORN + start)
    say(told, "item/completed", end, turnId=TURN, item=item, completedAtMs=BORN + end)


def completed(told: Told, ms: int) -> TurnRow:
    turn = {"id": TURN, "status": "completed", "durationMs": ms}
    say(told, "turn/completed", ms, turn=turn)
    (row,) = told.turns
    return row


def hooks(told: Told) -> list[ItemRow]:
    (turn,) = told.batch.turns.values()
    status = settle_turn(turn).status
    rows = [settle_item(item_id, item, turn, status) for item_id, item in turn.items.items()]
    return [row for row in rows if row.kind == "hook"]


def events(told: Told) -> list[EventRow]:
    (turn,) = told.batch.turns.values()
    return [row for row in settle_turn_events(turn) if row.kind == "hook"]


def test_a_hook_is_an_item_that_holds_its_turn_up_and_an_event() -> None:
    told = begun()
    run(told, 300, 740)
    message(told, 900, 1_000)
    row = completed(told, 1_000)
    (hook,) = hooks(told)
    assert (hook.name, hook.status) == ("pre_tool_use", "completed")
    assert (hook.started_at, hook.ended_at) == (BORN + 300, BORN + 740)
    assert hook.duration_ms == 435  # Codex's own count of the command alone
    assert (row.hooks_ms, row.model_ms, row.start_delay_ms) == (440, 460, 100)
    (event,) = events(told)
    assert (event.name, event.at, event.duration_ms) == ("pre_tool_use", BORN + 300, 440)
    assert event.item_id == hook.item_id


def test_a_hook_is_no_output_and_no_tool_call() -> None:
    told = begun()
    run(told, 120, 220, eventName="userPromptSubmit")
    message(told, 500, 600)
    row = completed(told, 600)
    assert (row.ttft_ms, row.tool_calls, row.prompts) == (500, 0, 1)


def test_a_tool_that_runs_while_a_hook_does_counts_as_hooks() -> None:
    """Two calls side by side: the one's hook runs while the other works."""
    told = begun()
    command = {"type": "commandExecution", "id": "c1", "command": "sleep 1"}
    say(told, "item/started", 200, turnId=TURN, item=command, startedAtMs=BORN + 200)
    run(told, 400, 700)
    say(told, "item/completed", 900, turnId=TURN, item=command, completedAtMs=BORN + 900)
    row = completed(told, 1_000)
    assert (row.hooks_ms, row.tools_ms) == (300, 400)


def test_a_stop_hook_that_makes_the_model_go_on_runs_twice_under_one_id() -> None:
    told = begun()
    message(told, 200, 300)
    stop = {"id": "stop:2:/home/CANARY-PATH/config.toml", "eventName": "stop"}
    run(told, 310, 330, "blocked", **stop)
    prompt = {
        "type": "hookPrompt",
        "id": "msg_hp",
        "fragments": [{"text": "CANARY-HOOK go on", "hookRunId": stop["id"]}],
    }
    say(told, "item/started", 330, turnId=TURN, item=prompt, startedAtMs=BORN + 330)
    say(told, "item/completed", 330, turnId=TURN, item=prompt, completedAtMs=BORN + 330)
    message(told, 500, 600)
    run(told, 610, 620, **stop)
    row = completed(told, 620)
    first, second = hooks(told)
    assert first.item_id != second.item_id
    assert (first.status, second.status) == ("blocked", "completed")
    # What the hook has the model told is no run, and nobody's prompt.
    assert (row.hooks_ms, row.prompts) == (30, 1)


def test_hooks_that_run_side_by_side_are_told_apart() -> None:
    told = begun()
    for start, call in ((300, "a"), (310, "b")):
        run(told, start, None, id=f"pre-tool-use:0:/p:{call}")
    for end, call in ((600, "b"), (650, "a")):
        done = {**RUN, "id": f"pre-tool-use:0:/p:{call}", "status": "completed", "durationMs": 280}
        say(told, "hook/completed", end, turnId=TURN, run=done)
    row = completed(told, 1_000)
    assert [hook.ended_at for hook in hooks(told)] == [BORN + 650, BORN + 600]
    assert row.hooks_ms == 350


def test_an_async_hook_holds_nothing_up() -> None:
    told = begun()
    run(told, 300, None, executionMode="async", eventName="postToolUse")
    message(told, 400, 500)
    row = completed(told, 500)
    done = {**RUN, "executionMode": "async", "eventName": "postToolUse", "status": "completed"}
    say(told, "hook/completed", 1_300, turnId=TURN, run=done)
    assert (row.hooks_ms, hooks(told)) == (0, [])
    (event,) = events(told)
    assert (event.name, event.status, event.duration_ms) == ("post_tool_use", "completed", 1_000)


def test_a_hook_of_no_turn_is_an_event_of_its_thread() -> None:
    told = Told()
    ended: dict[str, Any] = {"eventName": "sessionEnd", "scope": "thread", "turn": None}
    run(told, 100, 200, **ended)
    run(told, 300, 350, "failed", **ended)
    assert told.batch.turns == {}
    (session,) = told.batch.sessions.values()
    first, second = settle_session_events(session)
    assert (first.kind, first.name, first.status, first.duration_ms) == (
        "hook",
        "session_end",
        "completed",
        100,
    )
    assert (second.status, second.duration_ms) == ("failed", 50)


def test_a_reviewers_hooks_are_those_of_the_review() -> None:
    """They name the reviewer's own turn, which is none on the stream (0.169)."""
    told = Told()
    asked = {"id": 6, "method": "review/start", "params": {"threadId": THREAD}}
    told.hear("client", json.dumps(asked).encode(), BORN)
    answer = {"id": 6, "result": {"turn": {"id": TURN}, "reviewThreadId": THREAD}}
    told.hear("server", json.dumps(answer).encode(), BORN + 5)
    entered = {"type": "enteredReviewMode", "id": "r0"}
    say(told, "item/started", 10, turnId=TURN, item=entered, startedAtMs=BORN + 10)
    inner = "01a21940-716a-7bd2-bc93-f28bc92f5058"
    say(told, "turn/started", 70, turn={"id": inner, "rootTurnId": TURN})
    run(told, 100, 200, turn=inner)
    assert completed(told, 500).hooks_ms == 100


def test_a_hook_of_a_turn_nobody_heard_of_makes_none() -> None:
    told = Told()
    run(told, 100, 200)
    assert told.batch.turns == {}


def test_a_hook_that_never_ends_is_unfinished() -> None:
    told = begun()
    run(told, 300, None)
    row = completed(told, 1_000)
    (hook,) = hooks(told)
    assert (hook.status, hook.ended_at, row.hooks_ms) == ("unfinished", None, 700)


def test_without_a_start_the_end_is_still_known() -> None:
    told = begun()
    say(told, "hook/completed", 700, turnId=TURN, run={**RUN, "status": "failed"})
    (hook,) = hooks(told)
    assert (hook.status, hook.started_at, hook.ended_at) == ("failed", None, BORN + 700)


def test_before_0145_a_hook_is_timed_by_our_clock() -> None:
    """No `emittedAtMs`: the turn is laid out by the wire's clock, on which all of it has times."""
    told = Told()
    lines = (
        ("turn/started", 20, {"turn": {"id": TURN}}),
        ("hook/started", 300, {"turnId": TURN, "run": RUN}),
        ("hook/completed", 420, {"turnId": TURN, "run": {**RUN, "status": "completed"}}),
        ("turn/completed", 1_000, {"turn": {"id": TURN, "durationMs": 1_000}}),
    )
    for method, at, params in lines:
        line = json.dumps({"method": method, "params": {"threadId": THREAD, **params}}).encode()
        told.hear("server", line, BORN + at)
    (row,) = told.turns
    assert row.hooks_ms == 120


@pytest.mark.parametrize("field", ["status", "eventName", "executionMode", "durationMs"])
def test_what_a_run_doesnt_say_is_unknown(field: str) -> None:
    told = begun()
    bare = {name: value for name, value in RUN.items() if name != field}
    say(told, "hook/completed", 400, turnId=TURN, run=bare)
    assert told.drift == {}
    assert len(hooks(told)) == 1


def test_what_hooks_say_and_where_they_lie_is_not_kept() -> None:
    told = begun()
    run(told, 300, 400, "blocked")
    run(told, 500, 600, executionMode="async")
    run(told, 700, 800, turn=None)
    assert b"CANARY" not in msgspec.msgpack.encode(told.batch)
    (turn,) = told.batch.turns.values()
    (hook,) = (item for item in turn.items.values() if item.kind == "hook")
    assert isinstance(hook, ItemFacts)
    assert hook.starts == {Clock.WIRE: BORN + 302, Clock.CODEX_MS: BORN + 300}
