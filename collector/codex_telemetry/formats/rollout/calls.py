"""Calls of tools as the model's API has them, and their outputs: all there is before 0.130."""

import re
from typing import Any

import msgspec
from msgspec import Raw

from codex_telemetry.core.command_word import command_word
from codex_telemetry.core.facts import Clock, ItemFacts, Weight
from codex_telemetry.core.identity import ItemId
from codex_telemetry.core.parts import TOOLS
from codex_telemetry.formats.app_server.values import name, snake, tag
from codex_telemetry.formats.app_server.wire import given
from codex_telemetry.formats.rollout import agents, wire
from codex_telemetry.formats.rollout.messages import model_spoke
from codex_telemetry.formats.rollout.outputs import outcome
from codex_telemetry.formats.rollout.reading import Moment, Reading, add, better, note, safe
from codex_telemetry.formats.rollout.state import bound

COMMANDS = frozenset(
    "shell shell_command exec_command local_shell local_shell_call container.exec".split()
)
PATCHES = frozenset({"apply_patch"})
AGENTS = frozenset(
    """
    spawn_agent wait_agent wait close_agent send_input resume_agent send_message followup_task
    list_agents interrupt_agent assign_task spawn_agents_on_csv
    """.split()
)
WAITS = frozenset({"wait_agent", "wait"})
NOTED = "collaboration"
"""The newer tools for subagents (code mode, from 0.145): the stream shows most as mere notes."""
IMAGES = frozenset({"view_image"})
CODEX_OWN = frozenset(
    """
    update_plan write_stdin get_goal create_goal update_goal request_user_input
    request_user_input_async request_permissions tool_search js_repl js_repl_reset sleep exec
    list_mcp_resources list_mcp_resource_templates read_mcp_resource get_memory report_agent_job_result
    """.split()
)
"""Tools of Codex itself that the stream shows no item for (0.63 to 0.169)."""

CONTAINER = "exec"
"""Code mode (from 0.145): a script that calls tools, which are the calls that count."""

LOG, HINT = int(Clock.LOG), int(Weight.HINT)
_json = msgspec.json.Decoder().decode
_MCP = re.compile(r"(?:mcp__)?([A-Za-z0-9-]+(?:_[A-Za-z0-9-]+)*?)__([A-Za-z0-9_-]+)")


def function_call(reading: Reading, told: wire.Call, at: Moment) -> None:
    reading.count("function_call")
    _called(reading, told, at)


def custom_tool_call(reading: Reading, told: wire.Call, at: Moment) -> None:
    reading.count("custom_tool_call")
    _called(reading, told, at)


def local_shell_call(reading: Reading, told: wire.Call, at: Moment) -> None:
    reading.count("local_shell_call")
    told.call_id = told.call_id or told.id
    told.name = "local_shell_call"
    _called(reading, told, at)


def web_search_call(reading: Reading, told: wire.Call, at: Moment) -> None:
    """Up to 0.150 without an id: counted by what it did."""
    model_spoke(reading)
    action = tag(told.action)
    reading.count("web_search_call")
    reading.count(f"web_search.{snake(action) if action else 'other'}")
    reading.count("tool_calls")
    item_id, turn_id = safe(told.id), reading.state.current
    if item_id is not None and turn_id is not None:
        item = reading.item(turn_id, item_id, "web_search")
        item.action = better(item.action, reading.say(action and snake(action), at))
        note(item.ends, LOG, at.ms)
    reading.active(at)


def tool_output(reading: Reading, told: wire.Output, at: Moment) -> None:
    call = reading.state.calls.pop(told.call_id, None)
    reading.state.last_line, reading.state.last_at = "output", at.ms
    # The model is asked again with it, though it may have spoken after the call: 0.63 then writes
    # down call, message and output in this order.
    reading.guess("in_progress", at)
    if call is None:
        return
    turn_id, kind = call
    end = outcome(kind, told.output)
    item = reading.item(turn_id, told.call_id, kind)
    if kind in ("subagent", "other"):
        item.threads |= agents.spawned(told.output)
    if end.ended:
        note(item.ends, LOG, at.ms)
    if end.status is not None:
        item.status = better(item.status, reading.say(end.status, at, HINT))
    if end.exit_code is not None:
        item.exit_code = better(item.exit_code, reading.say(end.exit_code, at, HINT))
    if end.duration_ms is not None:
        item.duration = better(item.duration, reading.say(end.duration_ms, at, HINT))
    reading.active(at)


def _called(reading: Reading, told: wire.Call, at: Moment) -> None:
    model_spoke(reading)
    state = reading.state
    reading.guess("in_progress", at)
    reading.active(at)
    kind, item = _item(reading, told, at)
    container = told.name == CONTAINER and kind == "other"
    if kind in TOOLS or (container and not state.paginated):
        reading.count("tool_calls")
    call_id, turn_id = safe(told.call_id), state.current
    if call_id is None or turn_id is None or container:
        return
    if at.ms is not None:
        item.starts = {LOG: at.ms}
    state.calls[call_id] = (turn_id, kind)
    bound(state.calls)
    add(reading.turn(turn_id).items, ItemId(call_id), item)


def _item(reading: Reading, told: wire.Call, at: Moment) -> tuple[str, ItemFacts]:
    tool = name(told.name)
    server = None
    namespace = told.namespace if isinstance(told.namespace, str) else None
    if namespace is not None and namespace.startswith("mcp__"):
        server = name(namespace.removeprefix("mcp__").removesuffix("__"))
    elif (
        tool is not None and namespace is None and "__" in tool and (split := _MCP.fullmatch(tool))
    ):
        server, tool = split[1], split[2]
    if server is not None:
        return "mcp_tool", ItemFacts(
            kind="mcp_tool", name=reading.say(tool, at), server=reading.say(server, at)
        )
    if tool in COMMANDS:
        return _command(reading, told, at)
    kind = _kind(tool, noted=reading.state.paginated or namespace == NOTED)
    shown = tool if kind in ("dynamic_tool", "subagent", "other") else None
    item = ItemFacts(kind=kind, name=reading.say(shown, at, HINT))
    if tool in AGENTS:
        item.threads = agents.addressed(_arguments(told)) - {reading.state.thread}
    return kind, item


def _kind(tool: str | None, *, noted: bool) -> str:
    if tool in PATCHES:
        return "file_change"
    if tool in IMAGES:
        return "image"
    if tool in AGENTS:
        # In paginated files the item says whether it counts as a call: to wait does.
        return "other" if noted and tool not in WAITS else "subagent"
    return "other" if tool in CODEX_OWN else "dynamic_tool"


def _command(reading: Reading, told: wire.Call, at: Moment) -> tuple[str, ItemFacts]:
    command = _asked(told)
    word = command_word(command) if command is not None else None
    kind = "file_change" if word in PATCHES else "command"
    item = ItemFacts(kind=kind)
    if kind == "command":
        item.name = reading.say(word, at, HINT)
        item.command_hash = hashed(reading, command, at)
    return kind, item


def _asked(told: wire.Call) -> str | list[str] | None:
    arguments = _arguments(told)
    if not isinstance(arguments, dict):
        return None
    command = arguments.get("command", arguments.get("cmd"))
    if isinstance(command, list) and all(isinstance(word, str) for word in command):
        return command
    return command if isinstance(command, str) else None


def _arguments(told: wire.Call) -> Any:
    """An action, or arguments: as they are, or as JSON within a string."""
    if not given(told.arguments):
        return told.action
    arguments = _decoded(told.arguments)
    if isinstance(arguments, str):
        arguments = _decoded(Raw(arguments.encode("utf-8", "surrogatepass")))
    return arguments


def _decoded(raw: Raw) -> Any:
    try:
        return _json(raw)
    except wire.UNREADABLE:
        return None


def hashed(reading: Reading, command: Any, at: Moment) -> Any:
    """The keyed hash of a command's whole text, where the user wants one."""
    if not reading.hash_commands or reading.hasher is None or not command:
        return None
    text = command if isinstance(command, str) else "\0".join(map(str, command))
    return reading.say(reading.hasher(text), at)
