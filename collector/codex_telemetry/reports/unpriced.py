"""Which tokens have no price, and why."""

from typing import Literal, NamedTuple

from codex_telemetry.core.prices import Book, tier_of
from codex_telemetry.store import price_list, usage
from codex_telemetry.store.queries import Filters, Store
from codex_telemetry.store.usage import Sessions

Reason = Literal["model", "price", "tier", "moment"]
"""What isn't known: its model; any price of the model; one of that tier; one at that moment."""


class Unpriced(NamedTuple):
    model: str | None
    tier: str
    tokens: int
    reason: Reason


def unpriced(db: Store, filters: Filters) -> list[Unpriced]:
    """By model and tier, the most tokens first: what `tokens` counts as `unpriced_tokens`."""
    of_group = {row["usage_group"]: row for row in usage.groups(db)}
    own = filters.session_id
    only = [] if own is None else [Sessions(usage.keys_of(db, own))]
    found: dict[tuple[str | None, str], int] = {}
    for group, *_, tokens in usage.sums(db, "usage_group", filters, only):
        if tokens:
            row = of_group[group]
            key = row["model"], tier_of(row["service_tier"])
            found[key] = found.get(key, 0) + tokens
    book = price_list.stored(db) if found else Book()
    told = [Unpriced(*key, tokens, _reason(book, *key)) for key, tokens in found.items()]
    return sorted(told, key=lambda row: (-row.tokens, row.model or "", row.tier))


def _reason(book: Book, model: str | None, tier: str) -> Reason:
    if model is None:
        return "model"
    prices = [price for its in book.of(model) for price in its]
    if not prices:
        return "price"
    return "moment" if any(price.tier == tier for price in prices) else "tier"
