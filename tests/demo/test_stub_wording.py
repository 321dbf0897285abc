"""The stub without a Codex: what it reads from a request, how it words its calls, whom it refuses."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from codex_telemetry.demo.dialects import advertised, item
from codex_telemetry.demo.model_stub import ModelStub, usage_of
from codex_telemetry.demo.place import Place, in_background, place
from codex_telemetry.demo.scripts import SCRIPTS, Patch, Run, Use, fill


def prompt(text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {"type": "message", "role": "user", "content": content}


def output(call_id: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": "x"}


def test_the_newest_prompt_names_the_script_and_outputs_since_then_the_step() -> None:
    first = Place("shell", "1", 0)
    body = {"input": [prompt("CANARY-PROMPT-1 [[script:shell]]")]}
    assert place(body) == first
    body["input"] += [output(first.call_id(0)), output("call_shell_1_0_1")]
    assert place(body) == Place("shell", "1", 2)
    body["input"] += [prompt("CANARY-PROMPT-2 [[script:slow_first_token]]")]
    assert place(body) == Place("slow_first_token", "2", 0)


def test_injected_context_and_unknown_scripts_do_not_derail_the_stub() -> None:
    context = {"role": "developer", "content": "[[script:shell]]"}
    assert place({"input": [context, prompt("hello")]}) == Place("plain", "0", 0)
    assert place({"input": [prompt("[[script:nonsense]]")]}).script == "plain"


@pytest.mark.parametrize(
    ("tools", "call", "patch"),
    [
        ([("shell", "function")], "shell", "shell"),
        (
            [("shell_command", "function"), ("apply_patch", "custom")],
            "shell_command",
            "apply_patch",
        ),
        (
            [("exec_command", "function"), ("apply_patch", "function")],
            "exec_command",
            "apply_patch",
        ),
        ([("exec", "custom"), ("apply_patch", "custom")], "exec", "exec"),
    ],
)
def test_calls_are_worded_by_the_tools_a_request_offers(
    tools: list[tuple[str, str]], call: str, patch: str
) -> None:
    offered = advertised({"tools": [{"name": name, "type": kind} for name, kind in tools]})
    said = [item(part, "call_x", offered) for part in (Run("true"), Patch("*** Begin Patch"))]
    assert [made["name"] for made in said] == [call, patch]
    assert {made["call_id"] for made in said} == {"call_x"}


def test_tools_are_found_in_namespaces_and_in_items_of_the_input() -> None:
    nested = {"type": "namespace", "name": "x", "tools": [{"type": "function", "name": "shell"}]}
    assert advertised({"input": [{"type": "tools", "tools": [nested]}]}) == {"shell": "function"}


def test_all_that_is_said_carries_a_canary() -> None:
    for script in SCRIPTS.values():
        for response in script:
            for part in response.parts:
                if isinstance(part, Use):
                    words = json.dumps(json.dumps(dict(part.arguments)))
                    assert "{n}" not in fill(words, "7", 1.0)
                    assert "{session}" not in fill(words, "7", 1.0)
                    continue
                words = part.command if isinstance(part, Run) else part.text
                assert "CANARY-" in fill(words, "7", 1.0)
                assert "{" not in fill(words, "7", 1.0)


def test_no_two_responses_have_the_same_usage() -> None:
    totals = [usage_of(number)["total_tokens"] for number in range(1, 50)]
    assert len(set(totals)) == len(totals)


def test_whoever_takes_the_stub_for_a_proxy_is_refused_and_noted() -> None:
    with ModelStub() as stub:
        through = urllib.request.ProxyHandler({"http": stub.origin, "https": stub.origin})
        opener = urllib.request.build_opener(through)
        for url in ("http://example.invalid/x", "https://example.invalid/x"):
            with pytest.raises((urllib.error.HTTPError, OSError)) as refusal:
                opener.open(url, timeout=10)
            if isinstance(refusal.value, urllib.error.HTTPError):
                refusal.value.close()
        assert stub.refused == ["http://example.invalid/x", "example.invalid:443"]


def test_the_log_says_what_was_said_and_when(tmp_path: Any) -> None:
    log = tmp_path / "calls.jsonl"
    with ModelStub(log=log) as stub:
        body = json.dumps({"model": "m", "input": [prompt("CANARY-PROMPT-3 [[script:plain]]")]})
        request = urllib.request.Request(f"{stub.base_url}/responses", body.encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert b"CANARY-ANSWER-3 plain " in answer.read().replace(b'"}', b"")
        (call,) = stub.answered
    logged = json.loads(log.read_text())
    assert logged["usage"] == call.usage == usage_of(1)
    assert logged["started_ns"] < logged["first_ns"] <= logged["ended_ns"]
    assert logged["items"] == ["reasoning", "message"]


def ask(stub: ModelStub, body: dict[str, Any]) -> bytes:
    request = urllib.request.Request(f"{stub.base_url}/responses", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bytes(answer.read())


def test_a_call_tells_when_the_model_was_busy() -> None:
    tool = {"type": "function", "name": "exec_command"}
    with ModelStub() as stub:
        ask(stub, {"input": [prompt("[[script:talks_on]]")], "tools": [tool]})
        (call,) = stub.answered
    times = [call.started_ns, call.first_ns, call.called_ns, call.told_ns, call.ended_ns]
    assert None not in times
    assert times == sorted(times, key=lambda ns: ns or 0)
    talk_ns = (call.told_ns or 0) - (call.called_ns or 0)
    assert talk_ns >= 20 * 0.04 * 1e9  # the words after the call


def test_a_first_attempt_is_refused_and_the_next_one_is_whole() -> None:
    with ModelStub() as stub:
        body = {"input": [prompt("[[script:refused_once]]")]}
        with pytest.raises(urllib.error.HTTPError) as refusal:
            ask(stub, body)
        refusal.value.close()
        ask(stub, body)
        assert [(call.status, call.complete) for call in stub.calls] == [(500, False), (200, True)]


def test_the_command_left_in_the_background_last_is_the_one_that_is_polled() -> None:
    left = [f"Process running with session ID {number}" for number in (7, 12)]
    outputs = [{**output("call_x"), "output": text} for text in left]
    assert in_background({"input": [prompt("x"), *outputs]}) == "12"
    assert in_background({"input": [prompt("x")]}) == "0"
    assert fill(json.dumps(json.dumps({"id": "{session}"})), "1", 1.0, "12") == r'"{\"id\": 12}"'


def test_a_tool_of_a_server_is_called_as_the_request_offers_it() -> None:
    use = Use("ask", {}, "asking")
    code, whole, listed, deferred = (
        item(use, "call_x", tools)
        for tools in ({"exec": "custom"}, {"mcp__asking__ask": "function"}, {"ask": "function"}, {})
    )
    assert "tools.mcp__asking__ask({})" in code["input"]
    assert whole["name"] == "mcp__asking__ask"
    assert (listed["name"], listed["namespace"]) == ("ask", "mcp__asking__")
    assert (deferred["name"], deferred["namespace"]) == ("ask", "mcp__asking")
