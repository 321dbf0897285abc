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
    status = item.status and item.status.value
    if ended is None and status is None and turn_status != "in_progress":
        status = "unfinished"
    approval = decision = None
    if turn.asks:
        # A dynamic tool runs at the client: what Codex asks for then is its result.
        asks = [a for a in turn.asks.values() if a.item_id == item_id and a.kind != "tool"]
        approval = total([waited(ask) for ask in asks])
        decision = next((d for ask in asks if (d := said(ask.decision)) is not None), None)
    duration = item.duration and item.duration.value
    if duration is None and (lasted := between(item.starts, item.ends)) is not None:
        # As Codex counts it: without the wait. What was declined did nothing but wait.
        duration = max(0, lasted - (approval or 0))
    # In the order of its fields, here and below: by their names it takes twice as long, of so many.
    return ItemRow(
        item_id,
        item.kind,
        item.name and item.name.value,
        status or ("in_progress" if ended is None else "completed"),
        best(item.starts),
        ended,
        duration if ended is not None else None,
        approval,
        item.exit_code and item.exit_code.value,
        item.output_bytes and item.output_bytes.value,
        item.output_capped and item.output_capped.value,
        decision,
        item.server and item.server.value,
        item.action and item.action.value,
        item.lines_added and item.lines_added.value,
        item.lines_removed and item.lines_removed.value,
        item.command_hash and item.command_hash.value,
        listed(item.threads),
        item.context_before and item.context_before.value,
        item.context_after and item.context_after.value,
    )


def settle_responses(turn: TurnFacts) -> list[ResponseRow]:
    """The turn's responses in order of the running total, which is their order in time; where only
    their sum is known, one row for all of them."""
    model = said(turn.model)
    if not turn.responses:
        return used_in_all(turn, model, best(turn.ends))
    return [_response(total, told, model) for total, told in sorted(turn.responses.items())]


def _response(running_total: int, told: ResponseFacts, model: str | None) -> ResponseRow:
    usage = told.usage and told.usage.value
    return ResponseRow(
        running_total,
        told.response_id and told.response_id.value,
        said(told.model) or model,
        best(told.times),
        usage and usage.input,
        usage and usage.cached,
        told.cache_write and told.cache_write.value,
        usage and usage.output,
        usage and usage.reasoning,
        usage and usage.total,
        None,
    )


def waited(ask: AskFacts) -> int | None:
    """How long Codex waited for the client (ms); None while it waits."""
    return between(ask.starts, ask.ends)


def total(numbers: Iterable[int | None]) -> int | None:
    known = [n for n in numbers if n is not None]
    return sum(known) if known else None


def listed(names: frozenset[str]) -> str | None:
    """A JSON array, for a column; None for an empty one."""
    return msgspec.json.encode(sorted(names)).decode() if names else None
