"""One call and its end, in each way it has been written: what it is, how it went, how long it took."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_telemetry.core.facts import ItemFacts, Said
from codex_telemetry.core.identity import SessionId
from codex_telemetry.formats.rollout import RolloutName
from rolled import Rolled, one_turn, read


def values(item: ItemFacts, *fields: str) -> list[Any]:
    told: list[Said[Any] | None] = [getattr(item, field) for field in fields]
    return [None if claim is None else claim.value for claim in told]


def event(payload: dict[str, Any]) -> bytes:
    line = {"timestamp": "2026-11-23T13:24:20.018Z", "type": "event_msg", "payload": payload}
    return json.dumps(line, separators=(",", ":")).encode()


def item(payload: dict[str, Any]) -> bytes:
    line = {"timestamp": "2026-11-23T13:24:19.617Z", "type": "response_item", "payload": payload}
    return json.dumps(line, separators=(",", ":")).encode()


TURN = "01a20893-0b00-7000-8000-000000000000"
NAME = RolloutName(SessionId("01a20893-0a00-7000-8000-000000000000"), "2026-11-23T13-24-19")


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ({"Ok": {"content": [{"type": "text", "text": "x"}], "isError": False}}, "completed"),
        ({"Ok": {"content": [], "isError": True}}, "failed"),
        ({"Ok": {"content": []}}, "completed"),
        ({"Err": "no such tool"}, "failed"),
        (None, None),
    ],
)
def test_the_end_of_an_mcp_call_says_how_it_went(
    result: dict[str, Any] | None, status: str | None
) -> None:
    """As 0.130 to 0.150 write it."""
    rolled = Rolled()
    lines = [
        event({"type": "task_started", "turn_id": TURN, "started_at": 1795440259}),
        item(
            {
                "type": "function_call",
                "name": "echo",
                "namespace": "mcp__canary",
                "arguments": "{}",
                "call_id": "call_1",
            }
        ),
        event(
            {
                "type": "mcp_tool_call_end",
                "call_id": "call_1",
                "invocation": {"server": "canary", "tool": "echo", "arguments": {"text": "x"}},
                "duration": {"secs": 0, "nanos": 401053131},
                "result": result,
            }
        ),
    ]
    read(rolled, NAME, lines)
    assert rolled.drift == {}
    (call,) = one_turn(rolled).items.values()
    assert values(call, "server", "name", "duration", "status") == ["canary", "echo", 401, status]


@pytest.mark.parametrize(
    ("tool", "namespace", "kind"),
    [
        ("spawn_agent", "multi_agent_v1", "subagent"),
        ("spawn_agent", None, "subagent"),
        ("spawn_agent", "collaboration", "other"),
        ("wait_agent", "collaboration", "subagent"),
        ("update_plan", None, "other"),
        ("view_image", None, "image"),
        ("apply_patch", None, "file_change"),
        ("canary__echo", None, "mcp_tool"),
        ("look_up_ticket", None, "dynamic_tool"),
        ("two words", None, "dynamic_tool"),
    ],
)
def test_a_call_is_known_by_its_tool(tool: str, namespace: str | None, kind: str) -> None:
    rolled = Rolled()
    call = {"type": "function_call", "name": tool, "namespace": namespace, "call_id": "c1"}
    read(rolled, NAME, [event({"type": "task_started", "turn_id": TURN}), item(call)])
    (found,) = one_turn(rolled).items.values()
    assert found.kind == kind


@pytest.mark.parametrize(
    ("output", "status", "code", "ms"),
    [
        ("Exit code: 0\nWall time: 1.2 seconds\nOutput:\nx", "completed", 0, 1200),
        ("Exit code: 127\nWall time: 0 seconds\nOutput:\nx", "failed", 127, 0),
        (
            "Chunk ID: 5bf6d9\nWall time: 0.0505 seconds\nProcess exited with code 2\n",
            "failed",
            2,
            50,
        ),
        ('{"output":"x","metadata":{"exit_code":3,"duration_seconds":0.5}}', "failed", 3, 500),
        ("Wall time: 1.0 seconds\naborted by user", None, None, None),
        (
            "Chunk ID: 1\nWall time: 1 seconds\nProcess running with session ID 7\n",
            None,
            None,
            None,
        ),
        ("exec command rejected by user", "declined", None, None),
        ("unsupported call: shell", "failed", None, None),
        ("anything else\nExit code: 5", None, None, None),
    ],
)
def test_the_frame_around_an_output_says_how_it_ended(
    output: str, status: str | None, code: int | None, ms: int | None
) -> None:
    rolled = Rolled()
    call = {"type": "function_call", "name": "shell", "call_id": "c1", "arguments": "{}"}
    end = {"type": "function_call_output", "call_id": "c1", "output": output}
    read(rolled, NAME, [event({"type": "task_started", "turn_id": TURN}), item(call), item(end)])
    (found,) = one_turn(rolled).items.values()
    assert values(found, "status", "exit_code", "duration") == [status, code, ms]
    assert bool(found.ends) == ("aborted" not in output and "running" not in output)


def test_a_local_shell_call_is_a_command() -> None:
    rolled = Rolled()
    call = {
        "type": "local_shell_call",
        "call_id": "c1",
        "status": "completed",
        "action": {"type": "exec", "command": ["bash", "-lc", "git status"], "env": {"A": "b"}},
    }
    read(rolled, NAME, [event({"type": "task_started", "turn_id": TURN}), item(call)])
    (found,) = one_turn(rolled).items.values()
    assert (found.kind, values(found, "name")) == ("command", ["git"])
    assert rolled.count("local_shell_call") == 1


@pytest.mark.parametrize(
    ("extension", "kind"),
    [
        ({"kind": "web.search", "query": "x", "action": {"type": "openPage"}}, "web_search"),
        ({"kind": "image_gen.generation", "status": "completed", "result": "x"}, "image"),
        ({"kind": "clock.sleep", "durationMs": 5}, "other"),
    ],
)
def test_an_extensions_item_is_of_the_kind_it_has_on_the_stream(
    extension: dict[str, Any], kind: str
) -> None:
    """As 0.169 writes what it has moved into extensions."""
    rolled = Rolled()
    read(rolled, NAME, [event({"type": "task_started", "turn_id": TURN}), *extended(extension)])
    assert rolled.drift == {}
    (found,) = one_turn(rolled).items.values()
    assert found.kind == kind


def test_an_extension_that_no_release_knows_is_named_in_the_drift() -> None:
    rolled = Rolled()
    began = event({"type": "task_started", "turn_id": TURN})
    read(rolled, NAME, [began, *extended({"kind": "new.thing"}, {"kind": {"a": 1}})])
    assert rolled.drift == {"item/Extension/new.thing": 1, "item/Extension/(unprintable)": 1}


def extended(*items: dict[str, Any]) -> list[bytes]:
    """The ends of items of type Extension."""
    ended = {"type": "item_completed", "turn_id": TURN, "thread_id": NAME.thread_id}
    return [event(ended | {"item": {"type": "Extension", "id": "x"} | it}) for it in items]


TEXTS = st.text(st.sampled_from('a"\\nu/üß€🦀\n\t\x1b'), max_size=12)


@settings(max_examples=300)
@given(TEXTS, st.booleans())
def test_an_output_has_the_bytes_of_its_text_however_it_is_written(text: str, plain: bool) -> None:
    written = json.dumps(text, ensure_ascii=plain).encode()
    told = {"type": "CommandExecution", "id": "call_1", "aggregated_output": "HERE"}
    line = event({"type": "item_completed", "turn_id": TURN, "item": told})
    rolled = Rolled()
    started = event({"type": "task_started", "turn_id": TURN})
    read(rolled, NAME, [started, line.replace(b'"HERE"', written)])
    (command,) = one_turn(rolled).items.values()
    (size,) = values(command, "output_bytes")
    assert size == (len(text.encode()) or None)
