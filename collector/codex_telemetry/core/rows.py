"""The rows that claims come down to: one struct a table, its fields the table's columns.

Times are ms UTC, durations ms, unknown is None. No row refers to another: `gc=False`.
"""

from msgspec import Struct

from codex_telemetry.core.facts import Clock

CLOCK_NAMES = {
    Clock.CODEX_MS: "codex_ms",
    Clock.WIRE: "wire",
    Clock.CODEX_S: "codex_s",
    Clock.LOG: "log",
}


class ItemRow(Struct, gc=False):
    item_id: str
    kind: str
    name: str | None
    status: str
    started_at: int | None
    ended_at: int | None
    duration_ms: int | None
    approval_ms: int | None
    exit_code: int | None
    output_bytes: int | None
    output_capped: bool | None
    decision: str | None
    server: str | None
    action: str | None
    lines_added: int | None
    lines_removed: int | None
    command_hash: str | None
    thread_ids: str | None
    """JSON list."""
    context_before: int | None
    context_after: int | None


class ResponseRow(Struct, gc=False):
    running_total_tokens: int
    response_id: str | None
    model: str | None
    at: int | None
    input_tokens: int | None
    cached_input_tokens: int | None
    cache_write_input_tokens: int | None
    output_tokens: int | None
    reasoning_output_tokens: int | None
    total_tokens: int | None
    cost_usd: float | None


class EventRow(Struct, gc=False):
    event_key: str
    """Unique within its turn, or within its session where it has no turn."""
    kind: str
    name: str | None
    at: int | None
    duration_ms: int | None
    status: str | None
    sources: int
    item_id: str | None
    context_before: int | None
    context_after: int | None


class TurnRow(Struct, gc=False):
    """A turn, `turn_index` aside: that is its place among its session's turns."""

    turn_id: str
    session_id: str
    root_turn_id: str | None
    status: str
    error_kind: str | None
    started_at: int | None
    ended_at: int | None
    duration_ms: int | None
    duration_clock: str | None
    ttft_ms: int | None
    ttfm_ms: int | None
    model: str | None
    effort: str | None
    service_tier: str | None
    approval_policy: str | None
    sandbox: str | None
    cli_version: str | None
    cwd: str | None
    prompts: int | None
    messages: int | None
    reasoning_items: int | None
    tool_calls: int | None
    tool_failures: int | None
    approvals: int | None
    retries: int | None
    errors: int | None
    responses: int | None
    input_tokens: int | None
    cached_input_tokens: int | None
    cache_write_input_tokens: int | None
    output_tokens: int | None
    reasoning_output_tokens: int | None
    total_tokens: int | None
    cost_usd: float | None
    context_tokens: int | None
    context_window: int | None
    start_delay_ms: int | None
    model_ms: int | None
    tools_ms: int | None
    approval_ms: int | None
    hooks_ms: int | None
    compaction_ms: int | None
    retry_ms: int | None
    unexplained_ms: int | None
    captured_at: int | None
    utc_offset_min: int | None
    sources: int
    sandbox_network: bool | None
    sandbox_writable_roots: int | None
    exclude_tmpdir: bool | None
    exclude_slash_tmp: bool | None
    truncation_policy: str | None
    summary_mode: str | None
    has_base_instructions: bool | None
    has_user_instructions: bool | None
    has_developer_instructions: bool | None
    context_percent_left: int | None
    local_shell_call: int | None
    function_call: int | None
    custom_tool_call: int | None
    web_search_call: int | None
    compaction: int | None
    images: int | None
    local_images: int | None
    image_extensions: str | None
    reasoning_chars: int | None
    base_instructions_length: int | None
    base_instructions_hash: str | None
    user_instructions_length: int | None
    user_instructions_hash: str | None
    developer_instructions_length: int | None
    developer_instructions_hash: str | None
    traceparent: str | None
    interrupt_ms: int | None
    parts_source: str | None
    mcp_startup_ms: int | None
    secret_ids: str | None
    """JSON list."""


class SessionRow(Struct, gc=False):
    """A thread. What is summed over its turns is summed by the store."""

    session_id: str
    root_session_id: str | None
    parent_session_id: str | None
    forked_from_id: str | None
    relation: str | None
    source: str | None
    originator: str | None
    client_name: str | None
    client_version: str | None
    cli_version: str | None
    model_provider: str | None
    cwd: str | None
    git_branch: str | None
    git_commit: str | None
    git_repo: str | None
    created_at: int | None
    last_at: int | None
    archived: bool | None
    rollout_path: str | None
    captured_at: int | None
    utc_offset_min: int | None
    sources: int
    opted_out: str | None
    """JSON list."""
    secret_ids: str | None
    """JSON list."""
