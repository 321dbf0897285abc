"""What a response would have cost at the API: by its own model, tier, moment and size, or not known.

It is an equivalent, never a bill. What has no price at that moment is never priced as something else.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from codex_telemetry.core.rows import ResponseRow

DEFAULT_TIER = "default"

_TIER_BY_ALIAS = {"standard": DEFAULT_TIER, "fast": "priority"}

DIGITS = 12
"""Of a dollar: far below a token's price, and sums come out the same in any order."""


class PriceModel(NamedTuple):
    """A model that has prices. The smaller its number, the sooner it is tried."""

    price_model: int
    source: str
    """config, package"""
    model: str
    pattern: str
    """Names (in lower case) that are of this model."""


class Price(NamedTuple):
    """US dollars per million tokens, of one tier, for a stretch of time and from a size on."""

    price_model: int
    tier: str
    valid_from: int | None
    valid_until: int | None
    above_input_tokens: int
    input_usd: float
    cached_input_usd: float | None
    cache_write_usd: float | None
    output_usd: float

    def applies(self, at: int | None, input_tokens: int) -> bool:
        """Where the moment isn't known, only a price that holds at any moment does."""
        begun = self.valid_from is None or (at is not None and at >= self.valid_from)
        ended = self.valid_until is not None and (at is None or at >= self.valid_until)
        large = self.above_input_tokens == 0 or input_tokens > self.above_input_tokens
        return begun and not ended and large

    def cost(self, row: ResponseRow) -> float:
        """Cached input and cache writes are parts of the input, reasoning is a part of the output."""
        whole, cached = row.input_tokens or 0, row.cached_input_tokens or 0
        cached = min(cached, whole)
        written = row.cache_write_input_tokens or 0
        written = min(written, whole - cached)
        input_usd, cached_usd, write_usd = (
            self.input_usd,
            self.cached_input_usd,
            self.cache_write_usd,
        )
        usd = (
            (whole - cached - written) * input_usd
            + cached * (input_usd if cached_usd is None else cached_usd)
            + written * (input_usd if write_usd is None else write_usd)
            + (row.output_tokens or 0) * self.output_usd
        )
        return round(usd / 1_000_000, DIGITS)


class Book:
    """All prices there are, and which of them apply."""

    def __init__(self, models: Iterable[PriceModel] = (), prices: Iterable[Price] = ()) -> None:
        self.models = sorted(models)
        self._prices: dict[int, list[Price]] = {}
        for price in prices:
            self._prices.setdefault(price.price_model, []).append(price)
        self._known: dict[str, tuple[Sequence[Price], ...]] = {}
        self._of_tier: dict[tuple[str, str | None], Sequence[Price]] = {}

    def of(self, model: str) -> tuple[Sequence[Price], ...]:
        """The prices of a model by that name: the user's own, if any, then the package's.

        Within each, the first that applies is the one: the largest size first, then the latest.
        """
        if model not in self._known:
            own, package = self.matching(model, "config"), self.matching(model, "package")
            self._known[model] = tuple(
                sorted(
                    self._prices.get(m.price_model, ()),
                    key=lambda p: (-p.above_input_tokens, -(p.valid_from or 0)),
                )
                for m in (*own, *islice(package, 1))
            )
        return self._known[model]

    def matching(self, model: str, source: str) -> Iterator[PriceModel]:
        """Those of that name, the first tried first."""
        # To compile all patterns takes a fifth of an unchanged backfill: only those that are
        # looked at are, and `re` keeps them.
        lowered = model.lower()
        return (m for m in self.models if m.source == source and re.search(m.pattern, lowered))

    def price(
        self, model: str, tier: str | None, at: int | None, input_tokens: int
    ) -> Price | None:
        prices = self._of_tier.get((model, tier))
        if prices is None:
            wanted = tier_of(tier)
            prices = [p for its in self.of(model) for p in its if p.tier == wanted]
            self._of_tier[model, tier] = prices
        for price in prices:
            if price.applies(at, input_tokens):
                return price
        return None

    def cost(self, row: ResponseRow, tier: str | None, turn_start: int | None) -> float | None:
        """None where its model, tier or tokens aren't known, or have no price at that moment."""
        if row.model is None or row.total_tokens is None:
            return None
        at = row.at if row.at is not None else turn_start
        price = self.price(row.model, tier, at, row.input_tokens or 0)
        return None if price is None else price.cost(row)


def tier_of(told: str | None) -> str:
    """The tier by its name at the API.

    Codex tells null where it asks for none: the API then serves, and charges, its default. What it
    called `standard` is that too; its older `fast` is asked for as `priority`.
    """
    return DEFAULT_TIER if told is None else _TIER_BY_ALIAS.get(told, told)


def cost_of_all(responses: Sequence[ResponseRow]) -> float | None:
    """What they cost together; None if any of their tokens has no price, or there are none."""
    told = [row for row in responses if row.total_tokens]
    costs = [row.cost_usd for row in told if row.cost_usd is not None]
    return round(sum(costs), DIGITS) if told and len(costs) == len(told) else None


def same_prices(one: Book, other: Book, model: str) -> bool:
    """Whether a model costs the same by both, wherever that is written."""

    def bare(book: Book) -> list[list[Mapping[str, object]]]:
        return [[{**p._asdict(), "price_model": None} for p in prices] for prices in book.of(model)]

    return bare(one) == bare(other)
