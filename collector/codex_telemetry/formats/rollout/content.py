"""Content in a rollout, passed on sealed: read only where something is granted at all.

A turn's folder is that of its own `turn_context`. Up to 0.98 a prompt is logged before it, so of
those releases only the stream has the prompts; from 0.106 on the context comes first.
"""

from collections.abc import Callable, Iterator

import msgspec
from msgspec import Raw, Struct

from codex_telemetry.core.gate import TITLE, Heard, Kind, Sealed
from codex_telemetry.core.identity import ItemId, TurnId, is_safe_id
from codex_telemetry.formats.app_server.wire import NOTHING, given
from codex_telemetry.formats.rollout.items import MADE_UP
from codex_telemetry.formats.rollout.reading import Moment, Reading

Pieces = tuple[Kind, list[Raw]]


class Said(Struct):
    """`user_message`, `agent_message`, `thread_name_updated`."""

    message: Raw = NOTHING
    kind: str | None = None
    thread_id: str | None = None
    thread_name: Raw = NOTHING


class Thought(Struct):
    summary: Raw = NOTHING
    content: Raw = NOTHING


class Call(Struct):
    call_id: str | None = None
    id: str | None = None
    turn_id: str | None = None
    arguments: Raw = NOTHING
    input: Raw = NOTHING
    action: Raw = NOTHING
    output: Raw = NOTHING


class Invocation(Struct):
    arguments: Raw = NOTHING


class Ended(Struct):
    call_id: str
    turn_id: str | None = None
    command: Raw = NOTHING
    aggregated_output: Raw = NOTHING
    changes: Raw = NOTHING
    invocation: Invocation | None = None
    arguments: Raw = NOTHING
    result: Raw = NOTHING
    content_items: Raw = NOTHING
    query: Raw = NOTHING
    prompt: Raw = NOTHING


class Item(Struct):
    type: str
    id: str
    content: Raw = NOTHING
    text: Raw = NOTHING
    summary_text: Raw = NOTHING
    raw_content: Raw = NOTHING
    command: Raw = NOTHING
    aggregated_output: Raw = NOTHING
    changes: Raw = NOTHING
    arguments: Raw = NOTHING
    result: Raw = NOTHING
    error: Raw = NOTHING
    content_items: Raw = NOTHING
    query: Raw = NOTHING
    prompt: Raw = NOTHING
    review_output: Raw = NOTHING


class ItemCompleted(Struct):
    item: Item
    thread_id: str | None = None
    turn_id: str | None = None


FIELDS: dict[str, tuple[tuple[Kind, tuple[str, ...]], ...]] = {
    "UserMessage": (("prompt", ("content",)),),
    "AgentMessage": (("response", ("content",)),),
    "Plan": (("response", ("text",)),),
    "ExitedReviewMode": (("response", ("review_output",)),),
    "Reasoning": (("reasoning", ("summary_text", "raw_content")),),
    "CommandExecution": (("tool_args", ("command",)), ("tool_output", ("aggregated_output",))),
    "FileChange": (("tool_args", ("changes",)),),
    "McpToolCall": (("tool_args", ("arguments",)), ("tool_output", ("result", "error"))),
    "DynamicToolCall": (("tool_args", ("arguments",)), ("tool_output", ("content_items",))),
    "CollabAgentToolCall": (("tool_args", ("prompt",)),),
    "WebSearch": (("tool_args", ("query",)),),
}
"""Items of paginated files (from 0.155) → kinds of content, and the fields that hold it."""

_COUNTED = {"prompt": "prompts", "response": "messages", "reasoning": "reasoning_items"}

_said = msgspec.json.Decoder(Said)
_thought = msgspec.json.Decoder(Thought)
_call = msgspec.json.Decoder(Call)
_ended = msgspec.json.Decoder(Ended)
_completed = msgspec.json.Decoder(ItemCompleted)


def heard(reading: Reading, line: str, payload: Raw, at: Moment) -> Iterator[Heard]:
    """What a line holds, once its handler has seen it. Raises where it isn't what we expect."""
    read = _READERS.get(line)
    if read is not None and reading.state.thread is not None:
        yield from read(reading, payload, at)


def _message(reading: Reading, payload: Raw, at: Moment) -> Iterator[Heard]:
    told = _said.decode(payload)
    if told.kind in (None, "plain"):
        yield from _unnamed(reading, "prompt", [told.message], at)


def _answer(reading: Reading, payload: Raw, at: Moment) -> Iterator[Heard]:
    if reading.state.last_line != "compacted":  # then it is the summary, and no message
        yield from _unnamed(reading, "response", [_said.decode(payload).message], at)


def _reasoning(reading: Reading, payload: Raw, at: Moment) -> Iterator[Heard]:
    if not reading.state.paginated:  # there its item tells, which has a name
        told = _thought.decode(payload)
        yield from _unnamed(reading, "reasoning", [told.summary, told.content], at)


def _called(reading: Reading, payload: Raw, at: Moment) -> Iterator[Heard]:
    told = _call.decode(payload)
    pieces = [told.arguments, told.input, told.action]
    yield from _named(reading, told.call_id or told.id, None, [("tool_args", pieces)], at)


def _returned(reading: Reading, payload: Raw, at: Moment) -> Iterator[Heard]:
    told = _call.decode(payload)
    yield from _named(reading, told.call_id, None, [("tool_output", [told.output])], at)


def _end(reading: Reading, payload: Raw, at: Moment) -> Iterator[Heard]:
    told = _ended.decode(payload)
    asked = told.invocation.arguments if told.invocation is not None else told.arguments
    contents: list[Pieces] = [
        ("tool_args", [told.command, told.changes, asked, told.query, told.prompt]),
        ("tool_output", [told.aggregated_output, told.result, told.content_items]),
    ]
    yield from _named(reading, told.call_id, told.turn_id, contents, at)


def _item(reading: Reading, payload: Raw, at: Moment) -> Iterator[Heard]:
    told = _completed.decode(payload)
    item = told.item
    if told.thread_id not in (None, reading.state.thread) or item.id.startswith(MADE_UP):
        return
    contents: list[Pieces] = [
        (kind, [getattr(item, name) for name in names]) for kind, names in FIELDS.get(item.type, ())
    ]
    yield from _named(reading, item.id, told.turn_id, contents, at)


def _title(reading: Reading, payload: Raw, at: Moment) -> Iterator[Heard]:
    told, state = _said.decode(payload), reading.state
    session = state.session
    if state.thread is None or session is None or not given(told.thread_name):
        return
    if told.thread_id in (None, state.thread) and session.cwd is not None:
        content = Sealed(told.thread_name)
        yield Heard(state.thread, None, TITLE, "title", at.ms, session.cwd.value, content)


def _unnamed(reading: Reading, kind: Kind, pieces: list[Raw], at: Moment) -> Iterator[Heard]:
    """Content without an id of its own, known by its place: each was just counted."""
    turn_id = reading.state.current
    if turn_id is None:
        return
    tally = reading.state.tally.get(turn_id, {})
    nth = tally.get(f"rollout.{_COUNTED[kind]}", 0) - 1
    if nth >= 0:
        yield from _content(reading, turn_id, f"{kind}:{nth}", (kind, pieces), at, nth)


def _named(
    reading: Reading,
    item_id: str | None,
    codex_turn: str | None,
    contents: list[Pieces],
    at: Moment,
) -> Iterator[Heard]:
    turn_id = reading.own(codex_turn)
    if turn_id is not None and item_id is not None and is_safe_id(item_id):
        for content in contents:
            yield from _content(reading, turn_id, item_id, content, at)


def _content(
    reading: Reading,
    turn_id: TurnId,
    item_id: str,
    content: Pieces,
    at: Moment,
    nth: int | None = None,
) -> Iterator[Heard]:
    state, (kind, pieces) = reading.state, content
    cwd = state.folders.get(turn_id)
    there = [raw for raw in pieces if given(raw)]
    if there and cwd is not None and state.thread is not None:
        sealed = Sealed(*there)
        yield Heard(state.thread, turn_id, ItemId(item_id), kind, at.ms, cwd, sealed, nth)


Read = Callable[[Reading, Raw, Moment], Iterator[Heard]]

_READERS: dict[str, Read] = {
    "user_message": _message,
    "agent_message": _answer,
    "reasoning": _reasoning,
    "function_call": _called,
    "custom_tool_call": _called,
    "local_shell_call": _called,
    "web_search_call": _called,
    "function_call_output": _returned,
    "custom_tool_call_output": _returned,
    "item_completed": _item,
    "thread_name_updated": _title,
    **dict.fromkeys(
        (
            "exec_command_end",
            "patch_apply_end",
            "mcp_tool_call_end",
            "web_search_end",
            "dynamic_tool_call_response",
            "collab_agent_spawn_end",
            "collab_agent_interaction_end",
        ),
        _end,
    ),
}
"""Lines that hold content, by name (0.42 to 0.169)."""
