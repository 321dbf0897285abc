"""The shapes of `--json`: the names that people's scripts rely on (rename or drop: see CHANGELOG).

Every name is always there; what isn't known is null.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

At = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        description="UTC, to the millisecond",
        extra_json_schema={"format": "date-time"},
    ),
]
Ms = Annotated[int, Meta(description="milliseconds")]
Tokens = Annotated[int, Meta(ge=0, description="tokens")]
Usd = Annotated[float, Meta(ge=0, description="US dollars, as the API would charge")]
Count = Annotated[int, Meta(ge=0)]
Source = Literal["live", "rollout"]


class Turn(Struct):
    """A turn."""

    session_id: Annotated[str, Meta(description="Codex's thread id")]
    turn_id: str
    turn_index: Annotated[int, Meta(ge=0, description="from 0, by start, within the session")]
    root_turn_id: str | None
    status: Literal["completed", "interrupted", "failed", "in_progress"]
    error_kind: str | None
    started_at: At | None
    ended_at: At | None
    duration_ms: Ms | None
    duration_clock: Literal["codex_ms", "wire", "codex_s", "log"] | None
    ttft_ms: Annotated[int, Meta(description="to the first output of any kind")] | None
    ttfm_ms: Annotated[int, Meta(description="to the first message")] | None
    model: str | None
    effort: str | None
    service_tier: str | None
    approval_policy: str | None
    sandbox: str | None
    cli_version: str | None
    cwd: str | None
    prompts: Count | None
    messages: Count | None
    reasoning_items: Count | None
    tool_calls: Count | None
    tool_failures: Annotated[int, Meta(ge=0, description="without the declined ones")] | None
    approvals: Annotated[int, Meta(ge=0, description="requests for a permission")] | None
    retries: Count | None
    errors: Count | None
    responses: Annotated[int, Meta(ge=0, description="responses of the model")] | None
    input_tokens: Tokens | None
    cached_input_tokens: Annotated[int, Meta(ge=0, description="part of input_tokens")] | None
    cache_write_input_tokens: Annotated[int, Meta(ge=0, description="part of input_tokens")] | None
    output_tokens: Tokens | None
    reasoning_output_tokens: Annotated[int, Meta(ge=0, description="part of output_tokens")] | None
    total_tokens: Annotated[int, Meta(ge=0, description="input and output")] | None
    cost_usd: Usd | None
    context_tokens: Annotated[int, Meta(ge=0, description="after the last response")] | None
    context_window: Count | None
    start_delay_ms: Annotated[int, Meta(description="the eight parts add up to duration_ms")] | None
    model_ms: Ms | None
    tools_ms: Ms | None
    approval_ms: Ms | None
    hooks_ms: Ms | None
    compaction_ms: Ms | None
    retry_ms: Ms | None
    unexplained_ms: Ms | None
    parts_source: Annotated[Source, Meta(description="who told of the parts")] | None
    interrupt_ms: Annotated[int, Meta(description="from the request to its end")] | None
    mcp_startup_ms: Annotated[int, Meta(description="of start_delay_ms")] | None
    traceparent: Annotated[str, Meta(description="W3C, as the client passed it")] | None
    captured_at: Annotated[At, Meta(description="when this machine first heard of it")] | None
    utc_offset_min: Annotated[int, Meta(description="this machine's offset then, minutes")] | None
    secret_ids: (
        Annotated[list[str], Meta(description="of the secrets its hashes were made with")] | None
    )
    sources: list[Source]


class Item(Struct):
    """An item of a turn: a tool call, a message, reasoning."""

    item_id: str
    kind: Literal[
        "command",
        "file_change",
        "mcp_tool",
        "dynamic_tool",
        "web_search",
        "message",
        "reasoning",
        "plan",
        "user_message",
        "compaction",
        "review",
        "subagent",
        "image",
        "hook",
        "other",
    ]
    name: Annotated[str, Meta(description="a tool's name; of a command its word alone")] | None
    status: Annotated[
        Literal[
            "in_progress", "completed", "failed", "declined", "unfinished", "blocked", "stopped"
        ],
        Meta(description="a hook may have blocked what it was asked about, or stopped the turn"),
    ]
    started_at: At | None
    ended_at: At | None
    duration_ms: Annotated[int, Meta(description="without the wait for an approval")] | None
    approval_ms: Ms | None
    exit_code: int | None
    output_bytes: Annotated[int, Meta(ge=0, description="UTF-8, as far as Codex reported")] | None
    output_capped: Annotated[bool, Meta(description="Codex cut the output at its cap")] | None
    decision: str | None
    server: Annotated[str, Meta(description="of an MCP tool")] | None
    action: Annotated[str, Meta(description="of a web search")] | None
    lines_added: Count | None
    lines_removed: Count | None
    thread_ids: Annotated[list[str], Meta(description="the subagents it speaks to")] | None
    context_before: Annotated[int, Meta(ge=0, description="of a compaction: tokens")] | None
    context_after: Count | None


class TokenResponse(Struct):
    """A response of the model."""

    response_id: str | None
    model: str | None
    at: At | None
    input_tokens: Tokens | None
    cached_input_tokens: Tokens | None
    cache_write_input_tokens: Tokens | None
    output_tokens: Tokens | None
    reasoning_output_tokens: Tokens | None
    total_tokens: Tokens | None
    running_total_tokens: Annotated[int, Meta(description="the thread's, after it")]
    cost_usd: Usd | None


class TurnContext(Struct):
    """What a turn ran under."""

    sandbox_type: str | None
    sandbox_network: bool | None
    sandbox_writable_roots: Count | None
    exclude_tmpdir: bool | None
    exclude_slash_tmp: bool | None
    truncation_policy: str | None
    summary_mode: str | None
    has_base_instructions: bool | None
    has_user_instructions: bool | None
    has_developer_instructions: bool | None
    context_percent_left: Annotated[float, Meta(ge=0, le=100)] | None


class TurnCounts(Struct):
    """What a turn's log counts by Codex's own names."""

    local_shell_call: Count | None
    function_call: Count | None
    custom_tool_call: Count | None
    web_search_call: Count | None
    compaction: Count | None
    images: Count | None
    local_images: Count | None
    reasoning_chars: Count | None


class TurnDetail(Turn):
    """A turn with its items in order of start and the model's responses."""

    items: list[Item]
    token_responses: list[TokenResponse]
    context: TurnContext
    counts: TurnCounts


class Session(Struct):
    """A thread of Codex. Its tokens are its own: copied history doesn't count."""

    session_id: Annotated[str, Meta(description="Codex's thread id")]
    root_session_id: Annotated[str, Meta(description="the top of its tree of threads")] | None
    parent_session_id: str | None
    forked_from_id: str | None
    relation: Literal["root", "fork", "subagent", "review"] | None
    source: str | None
    originator: str | None
    client_name: str | None
    client_version: str | None
    cli_version: str | None
    model_provider: str | None
    models: Annotated[list[str], Meta(description="in order of first use")] | None
    cwd: str | None
    git_branch: str | None
    git_commit: str | None
    git_repo: str | None
    created_at: At | None
    last_at: At | None
    archived: bool | None
    turns: Count
    turns_interrupted: Count
    turns_failed: Count
    prompts: Count | None
    messages: Count | None
    tool_calls: Count | None
    compactions: Count | None
    rollbacks: Count | None
    reviews: Count | None
    images: Count | None
    input_tokens: Tokens | None
    cached_input_tokens: Tokens | None
    cache_write_input_tokens: Tokens | None
    output_tokens: Tokens | None
    reasoning_output_tokens: Tokens | None
    total_tokens: Tokens | None
    cost_usd: Usd | None
    rollout_path: Annotated[str, Meta(description="relative to its home")] | None
    opted_out: Annotated[list[str], Meta(description="what its client didn't hear")] | None
    captured_at: Annotated[At, Meta(description="when this machine first heard of it")] | None
    utc_offset_min: Annotated[int, Meta(description="this machine's offset then, minutes")] | None
    secret_ids: (
        Annotated[list[str], Meta(description="of the secrets its hashes were made with")] | None
    )
    sources: list[Source]
    title: (
        Annotated[str, Meta(description="where granted; `sessions --titles` alone opens it")] | None
    )


class SessionDetail(Session):
    """A session with its turns (`turns` is their number)."""

    turn_list: Annotated[list[Turn], Meta(description="oldest first")]
