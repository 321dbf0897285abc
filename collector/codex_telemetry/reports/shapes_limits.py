"""The shapes of `limits --json`."""

from typing import Annotated

from msgspec import Meta, Struct

from codex_telemetry.reports.shapes import At, Count, Source, Usd

Percent = Annotated[float, Meta(description="of 100")]


class Limit(Struct):
    """A rate-limit window: as it was read last, or one reading of it."""

    limit_id: str | None
    window: Annotated[str, Meta(description="by its length: 5h, weekly, …")] | None
    window_minutes: Annotated[int, Meta(ge=1)] | None
    used_percent: Percent | None
    high_water_percent: Annotated[Percent, Meta(description="the highest since it began")] | None
    percent_per_hour: (
        Annotated[Percent, Meta(description="over the last fifth of the window, pauses included")]
        | None
    )
    exhausted_at: (
        Annotated[
            At,
            Meta(
                description="when it was full, or will be at this pace; null: not before resets_at"
            ),
        ]
        | None
    )
    resets_at: At | None
    observed_at: At | None
    plan_type: str | None
    has_credits: bool | None
    unlimited_credits: bool | None
    credit_balance: str | None
    session_id: Annotated[str, Meta(description="in whose traffic it was read")] | None


class Milestone(Struct):
    """The moment a whole percent of a window was crossed. Written once, never repriced."""

    limit_id: str | None
    window: str | None
    window_minutes: Annotated[int, Meta(ge=1)] | None
    window_resets_at: At | None
    percent: Annotated[int, Meta(ge=1, le=100)]
    at: Annotated[At, Meta(description="the first reading of that percent or more")] | None
    cumulative_tokens: Annotated[Count, Meta(description="since the window began")]
    cumulative_cost_usd: Annotated[Usd, Meta(description="null if any of it is unpriced")] | None
    marginal_cost_usd: Annotated[Usd, Meta(description="since the percent before")] | None
    five_hour_percent: (
        Annotated[Percent, Meta(description="used of the five-hour window then")] | None
    )
    source: Source
