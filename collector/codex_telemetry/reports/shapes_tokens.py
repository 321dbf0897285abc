"""The shapes of `tokens` and `prices`. Costs are what the API would charge, never a bill."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from codex_telemetry.reports.shapes import At, Count
from codex_telemetry.reports.shapes import Tokens as Number

PerMillion = Annotated[float, Meta(ge=0, description="US dollars per million tokens")]


class Tokens(Struct):
    """The tokens of one day, week, month, model, project, session or tier."""

    key: (
        Annotated[str, Meta(description="`2026-11-23`, `2026-W48`, `2026-11`, a name, a folder")]
        | None
    )
    responses: Count
    input_tokens: Number | None
    cached_input_tokens: Annotated[int, Meta(ge=0, description="part of input_tokens")] | None
    cache_write_input_tokens: Annotated[int, Meta(ge=0, description="part of input_tokens")] | None
    output_tokens: Number | None
    reasoning_output_tokens: Annotated[int, Meta(ge=0, description="part of output_tokens")] | None
    total_tokens: Annotated[int, Meta(ge=0, description="input and output")] | None
    cost_usd: (
        Annotated[float, Meta(ge=0, description="of what has a known price, at the API")] | None
    )
    unpriced_tokens: Annotated[
        int,
        Meta(ge=0, description="without a known price at that moment and tier: not in cost_usd"),
    ]
    cache_hit_rate: (
        Annotated[float, Meta(ge=0, le=1, description="cached_input_tokens of input_tokens")] | None
    )


class Price(Struct):
    """What a model costs at the API, for a tier, a stretch of time and a size of the input."""

    model: Annotated[str, Meta(description="as Codex says it")]
    priced_as: Annotated[str, Meta(description="the model that the source knows it as")] | None
    tier: str | None
    source: Annotated[Literal["config", "package"], Meta(description="your own come first")] | None
    package_version: Annotated[str, Meta(description="of genai-prices")] | None
    valid_from_at: At | None
    valid_until_at: At | None
    above_input_tokens: (
        Annotated[int, Meta(ge=0, description="for responses to more input than that")] | None
    )
    input_usd: PerMillion | None
    cached_input_usd: Annotated[float, Meta(ge=0, description="null: as input_usd")] | None
    cache_write_usd: Annotated[float, Meta(ge=0, description="null: as input_usd")] | None
    output_usd: PerMillion | None
