"""The shapes of `stats`, `tools` and `events`, as `shapes` has those of what is listed."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from codex_telemetry.reports.shapes import At, Count, Ms

ToldBy = Literal["live", "rollout", "both"]
Rank = Annotated[int, Meta(description="ms; percentiles are by nearest rank, of what is known")]
Percent = Annotated[float, Meta(description="of what it was before")]


class Stats(Struct):
    """How long turns took, to their first output, in tools, and waiting for approvals."""

    key: Annotated[str, Meta(description="what --by names; null without it, or if unknown")] | None
    turns: Count
    duration_p50_ms: Rank | None
    duration_p90_ms: Rank | None
    duration_p95_ms: Rank | None
    duration_p99_ms: Rank | None
    duration_max_ms: Rank | None
    ttft_p50_ms: Rank | None
    ttft_p90_ms: Rank | None
    ttft_p95_ms: Rank | None
    ttft_p99_ms: Rank | None
    ttft_max_ms: Rank | None
    tools_p50_ms: Rank | None
    tools_p90_ms: Rank | None
    tools_p95_ms: Rank | None
    tools_p99_ms: Rank | None
    tools_max_ms: Rank | None
    approval_p50_ms: Rank | None
    approval_p90_ms: Rank | None
    approval_p95_ms: Rank | None
    approval_p99_ms: Rank | None
    approval_max_ms: Rank | None


class StatsChange(Struct):
    """One measure of a stretch of time beside that of the equally long stretch before it."""

    key: Annotated[str, Meta(description="what --by names; null without it, or if unknown")] | None
    measure: Literal["duration", "ttft", "tools", "approval"]
    turns: Count
    turns_before: Count
    p50_ms: Rank | None
    p50_before_ms: Rank | None
    p50_change_ms: Ms | None
    p50_change_percent: Percent | None
    p90_ms: Rank | None
    p90_before_ms: Rank | None
    p90_change_ms: Ms | None
    p90_change_percent: Percent | None
    p95_ms: Rank | None
    p95_before_ms: Rank | None
    p95_change_ms: Ms | None
    p95_change_percent: Percent | None
    p99_ms: Rank | None
    p99_before_ms: Rank | None
    p99_change_ms: Ms | None
    p99_change_percent: Percent | None
    max_ms: Rank | None
    max_before_ms: Rank | None
    max_change_ms: Ms | None
    max_change_percent: Percent | None


class ToolStats(Struct):
    """Calls of tools, and how long they ran; without the wait for an approval."""

    key: Annotated[str, Meta(description="what --by names; null if it has no such name")] | None
    kind: Annotated[str, Meta(description="the kind of item")]
    calls: Count
    failures: Annotated[int, Meta(ge=0, description="without the declined ones")]
    declines: Count
    p50_ms: Annotated[int, Meta(description="nearest rank; what was declined never ran")] | None
    p95_ms: Rank | None
    max_ms: Ms | None
    total_ms: Ms | None


class Event(Struct):
    """What happened at a moment."""

    event_id: Annotated[int, Meta(description="this database's own; a rebuilt one has others")]
    session_id: str
    turn_id: str | None
    kind: str
    name: str | None
    at: At | None
    duration_ms: Ms | None
    status: str | None
    source: Annotated[ToldBy, Meta(description="who told of it")]
