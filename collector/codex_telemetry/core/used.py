"""What a turn has used in all, where its source counts no single response."""

from codex_telemetry.core.facts import TurnFacts
from codex_telemetry.core.rows import ResponseRow

USED = {
    kind: f"live.used.{kind}"
    for kind in (
        "input_tokens",
        "cached_input_tokens",
        "cache_write_input_tokens",
        "output_tokens",
        "reasoning_output_tokens",
    )
}
"""Kinds of tokens → what the sum is called in `TurnFacts.counts`."""


def used_in_all(turn: TurnFacts, model: str | None, at: int | None) -> list[ResponseRow]:
    """One row for all responses of a turn; none where nobody says. A log counts each, and wins."""
    sums = {kind: turn.counts.get(counted) for kind, counted in USED.items()}
    given, said = sums["input_tokens"], sums["output_tokens"]
    if given is None or said is None or not (given or said):
        return []
    total = given + said
    return [
        ResponseRow(
            running_total_tokens=total,
            response_id=None,
            model=model,
            at=at,
            **sums,
            total_tokens=total,
            cost_usd=None,
        )
    ]
