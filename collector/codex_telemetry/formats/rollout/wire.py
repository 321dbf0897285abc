"""The lines of rollout files as far as we read them (0.20 to 0.169).

Structs name only the fields they need; what holds content is left as `msgspec.Raw`, or not named at
all. A field whose shape has changed between releases is `Any` and looked at with care.
"""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from codex_telemetry.formats.app_server.wire import NOTHING, Int

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding may raise: not JSON or of another shape, not UTF-8, too deep."""


class Envelope(Struct):
    """Any line; in 0.20 there is no payload, and the line itself is a response item."""

    type: str | None = None
    timestamp: str | None = None
    ordinal: Int | None = None
    payload: Raw = NOTHING
    record_type: str | None = None
    id: str | None = None


class Typed(Struct):
    """A payload that says what it is."""

    type: str | None = None


class Git(Struct):
    commit_hash: str | None = None
    branch: str | None = None
    repository_url: str | None = None


class History(Struct):
    thread_id: str | None = None


class SessionMeta(Struct):
    id: str
    timestamp: str | None = None
    session_id: str | None = None
    forked_from_id: str | None = None
    parent_thread_id: str | None = None
    cwd: Any = None
    originator: Any = None
    cli_version: Any = None
    source: Any = None
    model_provider: Any = None
    instructions: Raw = NOTHING
    base_instructions: Raw = NOTHING
    history_mode: str | None = None
    history_base: History | None = None
    subagent_history_start_ordinal: Int | None = None
    git: Git | None = None


class Mode(Struct):
    settings: "ModeSettings | None" = None


class ModeSettings(Struct):
    developer_instructions: Raw = NOTHING


class TurnContext(Struct):
    turn_id: str | None = None
    root_turn_id: str | None = None
    model: Any = None
    cwd: Any = None
    approval_policy: Any = None
    sandbox_policy: Any = None
    truncation_policy: Any = None
    effort: Any = None
    summary: Any = None
    collaboration_mode: Mode | None = None
    base_instructions: Raw = NOTHING
    user_instructions: Raw = NOTHING
    developer_instructions: Raw = NOTHING


class ThreadSettings(Struct):
    service_tier: Any = None


class SettingsApplied(Struct):
    thread_id: str | None = None
    thread_settings: ThreadSettings | None = None


class TaskStarted(Struct):
    turn_id: str | None = None
    root_turn_id: str | None = None
    started_at: Int | None = None
    model_context_window: Int | None = None


class TaskError(Struct):
    """Its message is content. Only the kind is read."""

    codex_error_info: Any = None


class TaskEnded(Struct):
    """`task_complete` and `turn_aborted`."""

    turn_id: str | None = None
    root_turn_id: str | None = None
    started_at: Int | None = None
    completed_at: Int | None = None
    duration_ms: Int | None = None
    time_to_first_token_ms: Int | None = None
    error: TaskError | None = None
    reason: str | None = None


class UserMessage(Struct):
    kind: str | None = None
    images: list[Raw] | None = None
    local_images: list[str] | None = None


class Message(Struct):
    role: str | None = None
    content: list["Part"] | None = None


class Part(Struct):
    type: str | None = None
    text: Raw = NOTHING
    path: str | None = None


class Reasoning(Struct):
    summary: list[Part] | None = None
    content: list[Part] | None = None


class Call(Struct):
    """`function_call`, `custom_tool_call`, `local_shell_call`, `web_search_call`."""

    call_id: str | None = None
    id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: Raw = NOTHING
    action: Any = None


class Output(Struct):
    call_id: str
    output: Raw = NOTHING


class Change(Struct):
    type: str | None = None
    content: Raw = NOTHING
    unified_diff: Raw = NOTHING


class Invocation(Struct):
    server: Any = None
    tool: Any = None


class Ended(Struct):
    """`patch_apply_end`, `mcp_tool_call_end` and their like (seen from 0.130)."""

    call_id: str
    turn_id: str | None = None
    status: Any = None
    success: bool | None = None
    exit_code: Int | None = None
    duration: Any = None
    command: Any = None
    aggregated_output: Raw = NOTHING
    invocation: Invocation | None = None
    changes: dict[str, Change] | None = None
    action: Any = None
    new_thread_id: Any = None
    receiver_thread_id: Any = None


class McpAnswer(Struct):
    isError: bool | None = None  # noqa: N815


class McpResult(Struct):
    Ok: McpAnswer | None = None
    Err: Raw = NOTHING


class McpEnded(Ended):
    result: McpResult | None = None


class Item(Struct):
    type: str
    id: str
    kind: Any = None
    status: Any = None
    command: Any = None
    aggregated_output: Raw = NOTHING
    exit_code: Int | None = None
    duration: Any = None
    server: Any = None
    tool: Any = None
    action: Any = None
    changes: dict[str, Change] | None = None
    content: list[Part] | None = None
    receiver_thread_ids: Any = None
    agent_thread_id: Any = None


class ItemCompleted(Struct):
    item: Item
    thread_id: str | None = None
    turn_id: str | None = None
    started_at_ms: Int | None = None
    completed_at_ms: Int | None = None


class Tokens(Struct):
    input_tokens: Int = 0
    cached_input_tokens: Int = 0
    cache_write_input_tokens: Int | None = None
    output_tokens: Int = 0
    reasoning_output_tokens: Int = 0
    total_tokens: Int | None = None


class TokenInfo(Struct):
    total_token_usage: Tokens | None = None
    last_token_usage: Tokens | None = None
    model_context_window: Int | None = None


class TokenCount(Struct):
    info: TokenInfo | None = None
    rate_limits: Raw = NOTHING


class UsageRecord(Struct):
    thread_id: str
    turn_id: str
    usage: Tokens
    response_id: str | None = None
    root_turn_id: str | None = None
    thread_token_usage: Tokens | None = None


class Nothing(Struct):
    """A line of which only its name and its time matter."""
