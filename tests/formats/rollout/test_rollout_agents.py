"""Which threads of subagents a call speaks to, in each way it has been written."""

import json
from typing import Any

import pytest

from codex_telemetry.core.identity import SessionId
from codex_telemetry.formats.rollout import RolloutName
from rolled import Rolled, one_turn, read

THREAD = SessionId("01a20893-0a00-7000-8000-000000000000")
TURN = "01a20893-0b00-7000-8000-000000000000"
ONE, TWO = "01a20893-0c00-7000-8000-000000000000", "01a20893-0d00-7000-8000-000000000000"


def line(kind: str, payload: dict[str, Any]) -> bytes:
    told = {"timestamp": "2026-11-23T13:24:19.617Z", "type": kind, "payload": payload}
    return json.dumps(told, separators=(",", ":")).encode()


def threads(*told: tuple[str, dict[str, Any]]) -> frozenset[SessionId]:
    rolled = Rolled()
    started = ("event_msg", {"type": "task_started", "turn_id": TURN})
    read(rolled, RolloutName(THREAD, ""), [line(*each) for each in (started, *told)])
    assert rolled.drift == {}
    assert "CANARY" not in repr(rolled.batch)
    (item,) = one_turn(rolled).items.values()
    return item.threads


def call(name: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    return "response_item", {
        "type": "function_call",
        "name": name,
        "arguments": json.dumps({"message": "CANARY-ARG-1", **arguments}),
        "call_id": "c1",
    }


def output(told: str) -> tuple[str, dict[str, Any]]:
    return "response_item", {"type": "function_call_output", "call_id": "c1", "output": told}


def item(kind: str, **told: Any) -> tuple[str, dict[str, Any]]:
    of = {"type": kind, "id": "c1", "prompt": "CANARY-ARG-1", **told}
    return "event_msg", {"type": "item_completed", "turn_id": TURN, "item": of}


def end(kind: str, **told: Any) -> tuple[str, dict[str, Any]]:
    return "event_msg", {"type": kind, "call_id": "c1", "prompt": "CANARY-ARG-1", **told}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([call("wait", ids=[ONE, TWO])], {ONE, TWO}),
        ([call("send_input", id=ONE)], {ONE}),
        ([call("wait_agent", targets=[ONE])], {ONE}),
        ([call("close_agent", target=ONE)], {ONE}),
        ([call("send_message", target="/root/CANARY-ARG-1")], set()),
        ([call("spawn_agent"), output(f'{{"agent_id":"{ONE}","nickname":"Hubble"}}')], {ONE}),
        ([call("spawn_agent"), output(f"CANARY-OUT-1 agent_id {ONE}")], set()),
        ([call("exec_command", id=ONE, cmd="ls")], set()),
        ([end("collab_agent_spawn_end", new_thread_id=ONE)], {ONE}),
        ([end("collab_agent_spawn_end", new_thread_id=None)], set()),
        ([end("collab_close_end", receiver_thread_id=ONE)], {ONE}),
        ([item("CollabAgentToolCall", receiver_thread_ids=[ONE, TWO])], {ONE, TWO}),
        ([item("SubAgentActivity", agent_thread_id=ONE)], {ONE}),
        ([item("SubAgentActivity", agent_thread_id=THREAD)], set()),
        ([item("CollabAgentToolCall", receiver_thread_ids="CANARY-ARG-1")], set()),
        ([call("spawn_agent"), item("CollabAgentToolCall", receiver_thread_ids=[ONE])], {ONE}),
    ],
)
def test_a_call_names_the_threads_it_speaks_to(
    told: list[tuple[str, dict[str, Any]]], expected: set[str]
) -> None:
    assert threads(*told) == expected
