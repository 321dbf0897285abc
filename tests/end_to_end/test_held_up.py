"""What holds a turn up beside the model, its tools and a person: hooks, slow MCP servers, reviews.

The real Codex behind `run`, with hooks and a server that take a known time.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from app_server import PLAIN_MODEL, Talk, prompt, talk
from canary import leaks
from real_codex import RealCodex
from store_of import ended_collectors, rows, until

RUN = (sys.executable, "-P", "-m", "codex_telemetry", "run", "--log-level", "debug", "--")
SLOW_SERVER = Path(__file__).parent / "slow_mcp_server.py"

LATE_MS = 250
"""How much longer than its command a hook may take on a busy machine: its shell, Codex's own part."""

pytestmark = pytest.mark.alone


def hook(event: str, command: str) -> str:
    return (
        f"\n[[hooks.{event}]]\n[[hooks.{event}.hooks]]\n"
        f'type = "command"\ncommand = {json.dumps(command)}\n'
    )


def server(name: str, seconds: float) -> str:
    command = f"command = {json.dumps(sys.executable)}\n"
    args = json.dumps([str(SLOW_SERVER), str(seconds)])
    return f"\n[mcp_servers.{name}]\n{command}args = {args}\nstartup_timeout_sec = 30\n"


def trusted(it: Talk) -> str:
    """A thread whose hooks run: Codex passes over what nobody has looked at (0.130 on)."""
    listed = it.client.request("hooks/list", {"cwds": [str(it.home.work)]})
    hooks = [hook for folder in listed["data"] for hook in folder["hooks"]]
    state = {hook["key"]: {"trusted_hash": hook["currentHash"]} for hook in hooks}
    edit = {"keyPath": "hooks.state", "value": state, "mergeStrategy": "upsert"}
    it.client.request("config/batchWrite", {"edits": [edit], "reloadUserConfig": True})
    return it.client.start_thread(it.home.work)


def ended(it: Talk) -> dict[str, Any]:
    """The row of the first turn, once it has ended."""

    def first() -> list[dict[str, Any]]:
        found = rows(it.home.database, "SELECT * FROM turns ORDER BY started_at LIMIT 1")
        return [row for row in found if row["status"] != "in_progress"]

    return until(first)[0]


def items(it: Talk, kind: str) -> list[dict[str, Any]]:
    return rows(it.home.database, "SELECT * FROM items WHERE kind = ? ORDER BY started_at", kind)


def events(it: Talk, kind: str) -> list[dict[str, Any]]:
    return rows(it.home.database, "SELECT * FROM events WHERE kind = ? ORDER BY at", kind)


def busy_ms(it: Talk) -> float:
    """How long the stub was at the turn's responses."""
    return sum((c.ended_ns or 0) - c.started_ns for c in it.stub.answered) / 1e6


@pytest.mark.codex("0.169.0", "0.125.0")
def test_hooks_of_known_length_are_the_time_in_hooks(codex: RealCodex) -> None:
    lengths = {
        "SessionStart": 0.2,
        "UserPromptSubmit": 0.3,
        "PreToolUse": 0.4,
        "PostToolUse": 0.25,
        "Stop": 0.35,
    }
    config = "".join(hook(e, f"sleep {s}; echo CANARY-HOOK >&2") for e, s in lengths.items())
    with talk(codex, wrapper=RUN, model=PLAIN_MODEL, command_seconds=0.3, config=config) as it:
        thread = it.thread if codex.version == "0.125.0" else trusted(it)
        it.client.run_turn(thread, prompt("shell"))
        row, runs = ended(it), items(it, "hook")
        it.client.close()
        telemetry = it.home.database.parent
        until(lambda: ended_collectors(telemetry) == 1)
        assert leaks(telemetry) == []
        told = events(it, "hook")
    # Three commands: a hook before each and one after.
    names = ["session_start", "user_prompt_submit", *["pre_tool_use", "post_tool_use"] * 3, "stop"]
    assert [run["name"] for run in runs] == names
    slept = 1000 * (0.2 + 0.3 + 3 * 0.4 + 3 * 0.25 + 0.35)
    assert slept <= row["hooks_ms"] <= slept + LATE_MS * len(runs)
    assert all(run["duration_ms"] >= 200 for run in runs)
    assert [(e["name"], e["status"]) for e in told] == [(name, "completed") for name in names]
    assert row["tool_calls"] == 3
    assert row["ttft_ms"] >= 500  # not the first hook, but what came after two of them
    assert row["model_ms"] >= busy_ms(it)


@pytest.mark.codex("0.169.0")
def test_a_stop_hook_that_makes_the_model_go_on_is_told_twice(codex: RealCodex) -> None:
    once = "if [ -e hooked ]; then exit 0; fi; touch hooked; echo CANARY-HOOK go on >&2; exit 2"
    config = hook("Stop", once)
    with talk(codex, wrapper=RUN, model=PLAIN_MODEL, config=config) as it:
        it.client.run_turn(trusted(it), prompt("plain"))
        row, runs = ended(it), items(it, "hook")
    assert [(run["name"], run["status"]) for run in runs] == [
        ("stop", "blocked"),
        ("stop", "completed"),
    ]
    # What the hook had the model told is nobody's prompt.
    assert (row["prompts"], row["responses"]) == (1, 2)


def test_a_slow_mcp_server_holds_the_first_turn_up_and_is_not_the_models_time(
    codex: RealCodex,
) -> None:
    with talk(codex, wrapper=RUN, model=PLAIN_MODEL, config=server("slow", 2.5)) as it:
        it.turn("plain")
        row = ended(it)
        (event,) = until(
            lambda: [e for e in events(it, "mcp_server_startup") if e["duration_ms"] is not None]
        )
        busy = busy_ms(it)
    assert (event["name"], event["status"]) == ("slow", "ready")
    # 0.63 tells that it starts when it has begun to.
    assert event["duration_ms"] >= 2_300
    # 0.169 goes on without a server that isn't there after a second.
    waited = 900 if codex.version == "0.169.0" else 2_300
    assert row["mcp_startup_ms"] >= waited
    assert row["mcp_startup_ms"] <= row["start_delay_ms"]
    # Far from the time it waited, also on a busy machine.
    assert row["model_ms"] <= busy + 500


@pytest.mark.codex("0.169.0")
def test_an_automatic_review_is_told_with_what_it_is_about(codex: RealCodex) -> None:
    asked = {"approvalsReviewer": "auto_review"}
    with talk(codex, wrapper=RUN, model=PLAIN_MODEL, thread=asked) as it:
        it.turn("approval")
        row = ended(it)
        (review,), (command,) = events(it, "auto_review"), items(it, "command")
    # The stub's answer is no review's, so Codex takes it for a refusal.
    assert (review["status"], review["item_id"]) == ("denied", command["item_id"])
    assert review["turn_id"] == row["turn_id"]
    assert row["approvals"] == row["approval_ms"] == 0
    assert 0 < review["duration_ms"] <= row["tools_ms"]
