"""What a source may claim about sessions, turns and items, in a form that can be joined.

Every field is a small lattice: joining two claims is idempotent, commutative and associative
(`core.join`), so it makes no difference in which order, how often, or by whom a thing was told.
Nothing here can hold content: there is no field for it.

The structs are stored as arrays, so fields may only ever be appended. None refers back to what holds
it, so that the search for cycles can leave them out (`gc=False`): there are hundreds a turn.
"""

from enum import IntEnum
from typing import Generic, TypeVar, final

from msgspec import Struct, field

from codex_telemetry.core.identity import ItemId, SessionId, TurnId

T = TypeVar("T")


class Clock(IntEnum):
    """Whose clock a time was read from, the better one greater."""

    LOG = 1
    """When Codex wrote a line of a rollout."""
    CODEX_S = 2
    """Codex's own, in whole seconds."""
    WIRE = 3
    """Ours, when the bytes passed."""
    CODEX_MS = 4
    """Codex's own, in milliseconds."""


class Source(IntEnum):
    LIVE = 1
    ROLLOUT = 2


class Weight(IntEnum):
    """How much a teller counts where two differ (compared on 411 turns of 0.42 to 0.169)."""

    HINT = 0
    ROLLOUT = 1
    LIVE = 2
    EXACT = 3


INTERRUPT = "interrupt"
"""The kind, and within its turn the key, of the event that the client asked to interrupt it."""

Times = dict[int, int]
"""Clock → ms (Unix time, UTC): one moment by each clock that told it."""


@final
class Said(Struct, Generic[T], frozen=True, array_like=True, gc=False):
    """A value and how much it counts: the weightier teller wins, then the later one. A claim is never
    false, whatever it says (`final` tells mypy so): `claim and claim.value` is its value or None."""

    value: T
    weight: int
    at: int = 0
    """ms UTC by the teller's clock."""


@final
class Usage(Struct, frozen=True, array_like=True, order=True, gc=False):
    """Tokens of one model response. Cached and cache-written are part of input, reasoning of output."""

    total: int
    input: int
    cached: int
    output: int
    reasoning: int


class ItemFacts(Struct, array_like=True, gc=False):
    """One item of a turn: a tool call, a message, reasoning."""

    kind: str
    """`contract`: command, file_change, mcp_tool, dynamic_tool, web_search, message, reasoning, …"""
    name: Said[str] | None = None
    status: Said[str] | None = None
    starts: Times = field(default_factory=dict)
    ends: Times = field(default_factory=dict)
    duration: Said[int] | None = None
    """ms by Codex: without the wait for an approval."""
    exit_code: Said[int] | None = None
    output_bytes: Said[int] | None = None
    output_capped: Said[bool] | None = None
    server: Said[str] | None = None
    """The MCP server of an `mcp_tool`."""
    action: Said[str] | None = None
    """Of a web search: search, open_page, find_in_page."""
    lines_added: Said[int] | None = None
    lines_removed: Said[int] | None = None
    command_hash: Said[str] | None = None
    """Keyed hash of a command's whole text: only where the user asked for it."""
    threads: frozenset[SessionId] = frozenset()
    """The threads of subagents that a `subagent` item speaks to."""
    context_before: Said[int] | None = None
    """Tokens in the context before a `compaction`, and after it: Codex's own count or estimate."""
    context_after: Said[int] | None = None


class AskFacts(Struct, array_like=True, gc=False):
    """A request of Codex to the client, and its answer."""

    kind: str
    """approval, user_input, tool"""
    item_id: ItemId | None = None
    starts: Times = field(default_factory=dict)
    ends: Times = field(default_factory=dict)
    decision: Said[str] | None = None


class ResponseFacts(Struct, array_like=True, gc=False):
    """One response of the model."""

    usage: Said[Usage] | None = None
    cache_write: Said[int] | None = None
    times: Times = field(default_factory=dict)
    model: Said[str] | None = None
    response_id: Said[str] | None = None
    tools_done: Times = field(default_factory=dict)
    """When the tools it called were done, those aside that were left in the background."""


class EventFacts(Struct, array_like=True, gc=False):
    """Something that happened at a moment: an error, a retry, a reroute, a compaction."""

    kind: str
    name: Said[str] | None = None
    starts: Times = field(default_factory=dict)
    ends: Times = field(default_factory=dict)
    status: Said[str] | None = None
    sources: int = 0
    item_id: ItemId | None = None
    """The item it is about."""


class Captured(Struct, frozen=True, array_like=True, order=True, gc=False):
    """When this machine first heard of it (ms UTC), and its offset from UTC then (minutes)."""

    at: int
    utc_offset_min: int


class TurnFacts(Struct, array_like=True, gc=False):
    """All that one source, or all sources joined, told of a turn."""

    turn_id: TurnId
    tellers: dict[SessionId, int | None] = field(default_factory=dict)
    """The threads under which it was told → their creation (ms), unknown None. The eldest owns it."""
    sources: int = 0
    captured: Captured | None = None
    root_turn_id: Said[str] | None = None
    status: Said[str] | None = None
    error_kind: Said[str] | None = None
    starts: Times = field(default_factory=dict)
    ends: Times = field(default_factory=dict)
    requested: Times = field(default_factory=dict)
    """When the client asked for the turn."""
    last_heard: dict[SessionId, int] = field(default_factory=dict)
    """The last line of it in a log, by thread (ms): an end for logs that mark none."""
    duration: Said[int] | None = None
    """ms by Codex; the weight is the clock."""
    ttft: Said[int] | None = None
    """ms by Codex."""
    model: Said[str] | None = None
    effort: Said[str] | None = None
    service_tier: Said[str] | None = None
    approval_policy: Said[str] | None = None
    sandbox: Said[str] | None = None
    sandbox_network: Said[bool] | None = None
    sandbox_writable_roots: Said[int] | None = None
    exclude_tmpdir: Said[bool] | None = None
    exclude_slash_tmp: Said[bool] | None = None
    truncation_policy: Said[str] | None = None
    summary_mode: Said[str] | None = None
    has_base_instructions: Said[bool] | None = None
    has_user_instructions: Said[bool] | None = None
    has_developer_instructions: Said[bool] | None = None
    cli_version: Said[str] | None = None
    cwd: Said[str] | None = None
    context_window: Said[int] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    """`<source>.<what>` → how many so far: sources are compared, never added."""
    items: dict[ItemId, ItemFacts] = field(default_factory=dict)
    responses: dict[int, ResponseFacts] = field(default_factory=dict)
    """By the thread's running total after the response: it repeats on no other response of a turn."""
    asks: dict[str, AskFacts] = field(default_factory=dict)
    events: dict[str, EventFacts] = field(default_factory=dict)
    base_instructions_length: Said[int] | None = None
    """Characters, here and below; the hashes are keyed."""
    base_instructions_hash: Said[str] | None = None
    user_instructions_length: Said[int] | None = None
    user_instructions_hash: Said[str] | None = None
    developer_instructions_length: Said[int] | None = None
    developer_instructions_hash: Said[str] | None = None
    traceparent: Said[str] | None = None
    """The trace context that the client passed with its request (W3C): ids alone."""
    unheard: frozenset[str] = frozenset()
    """Notifications that the client opted out of hearing: what they tell can't be observed."""
    startups: dict[str, EventFacts] | None = None
    """MCP servers that were starting while it ran, as long as it waited; None where nobody says."""
    secrets: frozenset[str] = frozenset()
    """The ids of the secrets with which the hashes in it were made."""


class SessionFacts(Struct, array_like=True, gc=False):
    """All that one source, or all sources joined, told of a thread."""

    session_id: SessionId
    sources: int = 0
    captured: Captured | None = None
    root_session_id: Said[str] | None = None
    parent_session_id: Said[str] | None = None
    forked_from_id: Said[str] | None = None
    relation: Said[str] | None = None
    source: Said[str] | None = None
    originator: Said[str] | None = None
    client_name: Said[str] | None = None
    client_version: Said[str] | None = None
    cli_version: Said[str] | None = None
    model_provider: Said[str] | None = None
    cwd: Said[str] | None = None
    git_branch: Said[str] | None = None
    git_commit: Said[str] | None = None
    git_repo: Said[str] | None = None
    created: Times = field(default_factory=dict)
    last_at: int | None = None
    """ms UTC: the last thing heard of it."""
    archived: Said[bool] | None = None
    rollout_path: Said[str] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    events: dict[str, EventFacts] = field(default_factory=dict)
    unheard: frozenset[str] = frozenset()
    """Notifications that its client opted out of hearing."""
    secrets: frozenset[str] = frozenset()
    """The ids of the secrets with which the hashes in it were made."""


class LimitSample(Struct, frozen=True, array_like=True, gc=False):
    """One reading of one rate-limit window."""

    limit_id: str | None
    window_minutes: int | None
    observed_at: int
    """ms UTC"""
    used_percent: float | None
    resets_at: int | None
    """ms UTC"""
    plan_type: str | None = None
    has_credits: bool | None = None
    unlimited_credits: bool | None = None
    credit_balance: str | None = None
    session_id: str | None = None


class Snapshot(Struct, frozen=True, array_like=True, gc=False):
    """What Codex said on a terminal of a session, as it said it: numbers of a panel are rounded."""

    at: int
    """ms UTC, here and below"""
    kind: str
    """panel: what `/status` shows; exit: the line it leaves with"""
    session_id: str | None = None
    model: str | None = None
    """As it is called there: that may be a name for people."""
    cwd: str | None = None
    total_tokens: int | None = None
    """Unlike elsewhere the input is told without what was cached, and so is the total."""
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_output_tokens: int | None = None
    context_used: int | None = None
    context_total: int | None = None
    five_hour_left_percent: int | None = None
    five_hour_resets_at: int | None = None
    weekly_left_percent: int | None = None
    weekly_resets_at: int | None = None
    secret_id: str | None = None
    """Of the secret with which its folder is hashed."""


class Drift(Struct, frozen=True):
    """Something Codex said that we don't know: names and paths only, never values."""

    codex_version: str | None
    name: str
    reason: str


class Gap(Struct, frozen=True, array_like=True, gc=False):
    """Traffic that passed and wasn't heard."""

    at: int
    """ms UTC"""
    dropped_bytes: int | None
    reason: str
    session_id: str | None = None


Fact = TurnFacts | SessionFacts | LimitSample | Snapshot | Drift | Gap
