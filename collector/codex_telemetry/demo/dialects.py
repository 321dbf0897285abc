"""How a call of a tool is worded, by the tools the request advertises.

Codex changed its tools many times from 0.63 to 0.169: `shell`, `shell_command`, `exec_command`,
and code mode, where one tool `exec` takes a program that calls the others.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from codex_telemetry.demo.scripts import Part, Patch, Reason, Run, Say, Use

Item = dict[str, Any]


def advertised(body: Mapping[str, Any]) -> dict[str, str]:
    """Name → type (`function`, `custom`, …) of the tools a request offers to the model."""
    tools: dict[str, str] = {}
    lists = [body.get("tools")]
    # Some models are told of their tools by an item of the input rather than by the request.
    lists += [item.get("tools") for item in body.get("input") or () if isinstance(item, dict)]
    for offered in lists:
        tools.update(_named(offered))
    return tools


def _named(offered: object) -> Iterator[tuple[str, str]]:
    for tool in offered if isinstance(offered, list) else ():
        if tool.get("type") == "namespace":
            yield from _named(tool.get("tools"))
        else:
            yield tool.get("name") or tool["type"], tool["type"]


def item(part: Part, call_id: str, tools: Mapping[str, str]) -> Item:
    """One part of a response as the item of the Responses API that says it."""
    match part:
        case Reason(text):
            return {
                "type": "reasoning",
                "id": _id("rs"),
                "summary": [{"type": "summary_text", "text": text}],
                "encrypted_content": "CANARYENC",
            }
        case Say(text, final):
            return {
                "type": "message",
                "id": _id("msg"),
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": text, "annotations": []}],
                "phase": "final_answer" if final else "commentary",
            }
        case Run():
            return _run(part, call_id, tools)
        case Patch(text):
            return _patch(text, call_id, tools)
        case Use():
            return _use(part, call_id, tools)


def _run(run: Run, call_id: str, tools: Mapping[str, str]) -> Item:
    modern = {"cmd": run.command, "yield_time_ms": run.yield_ms}
    if tools.get("exec") == "custom":
        program = (
            f"const r = await tools.exec_command({json.dumps(modern)});\ntext(r.output ?? '');"
        )
        return _custom("exec", program, call_id)
    if "exec_command" in tools:
        return _function("exec_command", modern, call_id)
    if "shell_command" in tools:
        given = {"command": run.command, "timeout_ms": run.yield_ms}
        return _function("shell_command", given, call_id)
    argv = ["bash", "-lc", run.command]
    return _function("shell", {"command": argv, "timeout_ms": run.yield_ms}, call_id)


def _use(use: Use, call_id: str, tools: Mapping[str, str]) -> Item:
    whole = f"mcp__{use.server}__{use.tool}" if use.server else use.tool
    if tools.get("exec") == "custom" and whole not in tools:
        program = f"text(JSON.stringify(await tools.{whole}({json.dumps(use.arguments)})));"
        return _custom("exec", program, call_id)
    if use.server is None or whole in tools:
        return _function(whole, use.arguments, call_id)
    # By a namespace: in 0.125 one that is told with its tools, in 0.169 one that is left to a search.
    namespace = f"mcp__{use.server}__" if use.tool in tools else f"mcp__{use.server}"
    return {**_function(use.tool, use.arguments, call_id), "namespace": namespace}


def _patch(text: str, call_id: str, tools: Mapping[str, str]) -> Item:
    if tools.get("exec") == "custom":
        program = f"text(String(await tools.apply_patch({json.dumps(text)})));"
        return _custom("exec", program, call_id)
    if tools.get("apply_patch") == "custom":
        return _custom("apply_patch", text, call_id)
    if "apply_patch" in tools:
        return _function("apply_patch", {"input": text}, call_id)
    return _run(Run(f"apply_patch <<'EOF'\n{text}\nEOF"), call_id, tools)


def _function(name: str, arguments: Mapping[str, Any], call_id: str) -> Item:
    return {
        "type": "function_call",
        "id": _id("fc"),
        "call_id": call_id,
        "name": name,
        "arguments": json.dumps(arguments),
        "status": "completed",
    }


def _custom(name: str, text: str, call_id: str) -> Item:
    return {
        "type": "custom_tool_call",
        "id": _id("ctc"),
        "call_id": call_id,
        "name": name,
        "input": text,
        "status": "completed",
    }


def _id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:24]}"
