"""What the real Codex asks of its client, and what becomes of the time until it has an answer."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app_server import PLAIN_MODEL, Talk, prompt, talk
from codex_telemetry.core.spans import length
from codex_telemetry.demo.client import Message
from played import RUN, at_most, waits
from real_codex import RealCodex
from store_of import rows, until

WAIT_MS = 500
A_LITTLE_MS = 100
ASKING = json.dumps(str(Path(__file__).parent / "asking_server.py"))
SERVER = f"\n[mcp_servers.asking]\ncommand = {json.dumps(sys.executable)}\nargs = [{ASKING}]\n"
THREAD = {
    "config": {"features.default_mode_request_user_input": True},
    "dynamicTools": [
        {
            "type": "function",
            "name": "client_lookup",
            "description": "look a word up",
            "inputSchema": {"type": "object", "properties": {"word": {"type": "string"}}},
        }
    ],
}
LOOKED_UP = {"contentItems": [{"type": "inputText", "text": "CANARY-OUT"}], "success": True}
ANSWERS: dict[str, Message] = {
    "item/tool/requestUserInput": {"answers": {"which": {"answers": ["CANARY-ARG this"]}}},
    "mcpServer/elicitation/request": {"action": "accept", "content": {"confirmed": True}},
    "item/tool/call": LOOKED_UP,
}

pytestmark = pytest.mark.alone

asking = pytest.mark.codex("0.169.0", "0.125.0")
"""0.63 asks for nothing but permissions."""


def played(codex: RealCodex, script: str, model: str | None = PLAIN_MODEL) -> dict[str, Any]:
    """A turn whose question is answered after some time: its row, items and events, and how long that
    took by the client's own clock."""
    with talk(
        codex,
        wrapper=RUN,
        model=model,
        config=SERVER,
        capabilities={"experimentalApi": True},
        thread=THREAD,
    ) as it:
        for method in ANSWERS:
            it.client.on_request(method, partial(_answer, method), after=WAIT_MS / 1000)
        assert it.turn(script)["status"] == "completed"
        (row,) = until(lambda: ended(it))
        return {
            **row,
            "asked_ms": length(waits(it.client.lines)[it.thread]),
            "items": rows(it.home.database, "SELECT * FROM items"),
            "events": rows(it.home.database, "SELECT * FROM events WHERE kind = 'user_input'"),
        }


def _answer(method: str, _: Message) -> Message:
    return ANSWERS[method]


def ended(it: Talk) -> list[dict[str, Any]]:
    return rows(it.home.database, "SELECT * FROM turns WHERE status <> 'in_progress'")


def is_the_wait(ms: int, turn: dict[str, Any]) -> bool:
    """The client answers late where its processor does something else."""
    took: int = turn["asked_ms"]
    return WAIT_MS <= ms <= took + at_most(A_LITTLE_MS)


@asking
@pytest.mark.parametrize(
    ("script", "decision"), [("asks_user", None), ("elicits", "accept")], ids=["input", "mcp"]
)
def test_waiting_for_the_user_is_no_time_of_tools_or_model(
    codex: RealCodex, script: str, decision: str | None
) -> None:
    turn = played(codex, script)
    assert is_the_wait(turn["approval_ms"], turn)
    assert turn["tools_ms"] < at_most(A_LITTLE_MS)
    assert turn["model_ms"] < turn["duration_ms"] - WAIT_MS
    assert turn["approvals"] == 0  # nobody was asked for a permission
    (event,) = turn["events"]
    assert is_the_wait(event["duration_ms"], turn)
    assert event["status"] == decision


@asking
def test_a_tool_of_the_clients_own_is_tool_time(codex: RealCodex) -> None:
    turn = played(codex, "clients_tool")
    (call,) = (item for item in turn["items"] if item["kind"] == "dynamic_tool")
    assert (call["name"], call["status"], call["approval_ms"]) == (
        "client_lookup",
        "completed",
        None,
    )
    assert is_the_wait(turn["tools_ms"], turn)
    assert (turn["approval_ms"], turn["approvals"], turn["tool_calls"]) == (0, 0, 1)
    assert turn["events"] == []


@asking
def test_a_question_that_an_interrupt_makes_needless_is_over_with_it(codex: RealCodex) -> None:
    with talk(codex, wrapper=RUN, model=PLAIN_MODEL) as it:
        it.client.approve(after=60)
        turn = it.client.start_turn(it.thread, prompt("approval"))
        it.client.wait("item/commandExecution/requestApproval")
        it.client.request("turn/interrupt", {"threadId": it.thread, "turnId": turn})
        it.client.completed(it.thread)
        (row,) = until(lambda: ended(it))
        (event,) = rows(it.home.database, "SELECT * FROM events WHERE kind = 'approval'")
    assert (row["status"], row["approvals"]) == ("interrupted", 1)
    assert event["status"] is None
    assert event["duration_ms"] is not None
    assert abs(event["duration_ms"] - row["approval_ms"]) <= at_most(A_LITTLE_MS)
