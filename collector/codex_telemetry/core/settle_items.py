"""Bring the joined claims about the items and responses of a turn down to rows."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from codex_telemetry.core.facts import AskFacts, ItemFacts, ResponseFacts, Said, TurnFacts
from codex_telemetry.core.identity import ItemId
from codex_telemetry.core.rows import ItemRow, ResponseRow
from codex_telemetry.core.spans import best, between
from codex_telemetry.core.used import used_in_all

T = TypeVar("T")


def said(claim: Said[T] | None) -> T | None:
    return None if claim is None else claim.value


def settle_item(item_id: ItemId, item: ItemFacts, turn: TurnFacts, turn_status: str) -> ItemRow:
    """One item. It is `unfinished` if its turn ended and it never did."""
    ended = best(item.ends)
    status = said(item.status)
    if ended is None and status is None and turn_status != "in_progress":
        status = "unfinished"
    lifecycle = between(item.starts, item.ends)
    # A dynamic tool runs at the client: what Codex asks for then is its result.
    asks = []
    if turn.asks:
        asks = [ask for ask in turn.asks.values() if ask.item_id == item_id and ask.kind != "tool"]
    approval = total(waited(ask) for ask in asks) if asks else None
    duration = said(item.duration)
    if duration is None and lifecycle is not None:
        # As Codex counts it: without the wait. What was declined did nothing but wait.
        duration = max(0, lifecycle[0] - (approval or 0))
    return ItemRow(
        item_id=item_id,
        kind=item.kind,
        name=said(item.name),
        status=status or ("in_progress" if ended is None else "completed"),
        started_at=best(item.starts),
        ended_at=ended,
        duration_ms=duration if ended is not None else None,
        approval_ms=approval,
        exit_code=said(item.exit_code),
        output_bytes=said(item.output_bytes),
        output_capped=said(item.output_capped),
        decision=next((d for ask in asks if (d := said(ask.decision)) is not None), None),
        server=said(item.server),
        action=said(item.action),
        lines_added=said(item.lines_added),
        lines_removed=said(item.lines_removed),
        command_hash=said(item.command_hash),
        thread_ids=listed(item.threads),
        context_before=said(item.context_before),
        context_after=said(item.context_after),
    )


def settle_responses(turn: TurnFacts) -> list[ResponseRow]:
    """The turn's responses in order of the running total, which is their order in time; where only
    their sum is known, one row for all of them."""
    if not turn.responses:
        return used_in_all(turn, said(turn.model), best(turn.ends))
    return [
        _response(total, turn.responses[total], said(turn.model))
        for total in sorted(turn.responses)
    ]


def _response(running_total: int, told: ResponseFacts, model: str | None) -> ResponseRow:
    usage = said(told.usage)
    return ResponseRow(
        running_total_tokens=running_total,
        response_id=said(told.response_id),
        model=said(told.model) or model,
        at=best(told.times),
        input_tokens=usage.input if usage else None,
        cached_input_tokens=usage.cached if usage else None,
        cache_write_input_tokens=said(told.cache_write),
        output_tokens=usage.output if usage else None,
        reasoning_output_tokens=usage.reasoning if usage else None,
        total_tokens=usage.total if usage else None,
        cost_usd=None,
    )


def waited(ask: AskFacts) -> int | None:
    """How long Codex waited for the client (ms); None while it waits."""
    span = between(ask.starts, ask.ends)
    return span[0] if span is not None else None


def total(numbers: Iterable[int | None]) -> int | None:
    known = [n for n in numbers if n is not None]
    return sum(known) if known else None


def listed(names: frozenset[str]) -> str | None:
    """A JSON array, for a column; None for an empty one."""
    return msgspec.json.encode(sorted(names)).decode() if names else None
