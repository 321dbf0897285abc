"""The shapes of what worked for a turn or a session: `turn ID` and `session ID` in full."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from codex_telemetry.reports.shapes import At, Count, Ms, SessionDetail, Tokens, TurnDetail, Usd


class ChildTurn(Struct):
    """A turn of a subagent or a reviewer that worked for another turn. Its time is its own: in the
    other's parts it is time in tools, or the model's."""

    session_id: Annotated[str, Meta(description="Codex's thread id")]
    turn_id: str
    turn_index: Count
    parent_turn_id: Annotated[str, Meta(description="the turn it worked for")]
    relation: Literal["subagent", "review"]
    depth: Annotated[int, Meta(ge=1, description="1: for the turn itself, 2: for one of those")]
    status: Literal["completed", "interrupted", "failed", "in_progress"]
    started_at: At | None
    duration_ms: Ms | None
    model: str | None
    tool_calls: Count | None
    responses: Count | None
    input_tokens: Tokens | None
    cached_input_tokens: Tokens | None
    cache_write_input_tokens: Tokens | None
    output_tokens: Tokens | None
    reasoning_output_tokens: Tokens | None
    total_tokens: Tokens | None
    cost_usd: Usd | None


class RolledUp(Struct):
    """Sums over turns and all that worked for them. Of what isn't known of some, those of the others."""

    sessions: Count
    turns: Count
    responses: Count | None
    input_tokens: Tokens | None
    cached_input_tokens: Tokens | None
    cache_write_input_tokens: Tokens | None
    output_tokens: Tokens | None
    reasoning_output_tokens: Tokens | None
    total_tokens: Tokens | None
    cost_usd: Annotated[float, Meta(ge=0, description="null if any is unknown")] | None
    tool_calls: Count | None
    duration_ms: Annotated[int, Meta(description="while any of them ran: never a sum")] | None


class TurnInFull(TurnDetail):
    """A turn with its items in order of start, the model's responses, and what worked for it."""

    children: Annotated[list[ChildTurn], Meta(description="each after the turn it worked for")]
    rolled_up: Annotated[RolledUp, Meta(description="with --roll-up: it and its children")] | None


class SessionInFull(SessionDetail):
    """A session with its turns (`turns` is their number)."""

    rolled_up: Annotated[RolledUp, Meta(description="with --roll-up: it and its tree")] | None
