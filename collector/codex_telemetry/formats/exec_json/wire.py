"""The events of `codex exec --json` as far as we read them (0.44 to 0.169; 0.42's are experimental)."""

from typing import Annotated, Any

from msgspec import Meta, Raw, Struct, field

from codex_telemetry.formats.app_server.wire import NOTHING, Int

Tokens = Annotated[int, Meta(ge=0, le=1 << 53)]


class Event(Struct):
    type: str
    thread_id: str | None = None
    session_id: str | None = None
    """Of 0.42's `session.created`."""
    usage: Raw = NOTHING
    item: Raw = NOTHING


class Usage(Struct):
    """Sums, not of one response: of the turn, or of the thread so far."""

    input_tokens: Tokens
    output_tokens: Tokens
    cached_input_tokens: Tokens | None = None
    cache_write_input_tokens: Tokens | None = None
    reasoning_output_tokens: Tokens | None = None


class Item(Struct):
    """A web search has two fields called `id`; the second, which counts, is that of its log."""

    id: str
    type: str = ""
    item_type: str = ""
    """As 0.42 calls the type."""
    status: str | None = None
    command: Raw = NOTHING
    aggregated_output: Raw = NOTHING
    exit_code: Int | None = None
    server: str | None = None
    tool: str | None = None
    action: Any = None
    receiver_thread_ids: list[str] | None = None


class RawEvent(Struct):
    """A line of 0.20 to 0.43: an event, or, at first, what the thread runs with; the prompt is the other
    line without an event."""

    id: str = ""
    msg: Raw = NOTHING
    workdir: str | None = None
    model: str | None = None
    effort: str | None = field(name="reasoning effort", default=None)
    approval: str | None = None
    sandbox: str | None = None


class Counted(Struct):
    """A message of an event, which may be a `token_count` of 0.20."""

    type: str
    total_tokens: Tokens | None = None
    input_tokens: Tokens = 0
    cached_input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    reasoning_output_tokens: Tokens = 0


OPENS = frozenset({"thread.started", "session.created"})
"""The first event of a stream."""

ITEMS = frozenset({"item.started", "item.updated", "item.completed"})

TURNS = frozenset({"turn.started", "turn.completed", "turn.failed"})

KINDS = {
    "agent_message": "message",
    "assistant_message": "message",
    "reasoning": "reasoning",
    "plan": "plan",
    "todo_list": "plan",
    "command_execution": "command",
    "file_change": "file_change",
    "mcp_tool_call": "mcp_tool",
    "collab_tool_call": "subagent",
    "web_search": "web_search",
}
"""Item types → `items.kind`."""

REMARKS = frozenset({"error"})
"""Item types that are a remark in words, and nothing else."""

IGNORED = frozenset({"item.plan.delta", "request_user_input"})
"""Events of Codex's sources that no release tried was seen to send."""
