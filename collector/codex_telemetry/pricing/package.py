"""What the genai-prices package says models cost, in our own terms. Heavy: only a refresh imports it."""

import importlib.util
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_telemetry.core.prices import DEFAULT_TIER, Price, PriceModel, tier_of

if TYPE_CHECKING:
    from decimal import Decimal

    from genai_prices.types import (
        ConditionalPrice,
        ModelInfo,
        ModelPrice,
        PriceVariant,
        Provider,
        TieredPrices,
    )

    Dated = tuple[int, ModelPrice]

SINCE_EVER = 0
_KINDS = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok")

FIRST = "openai"
"""Whose models are looked up first; a name of another's is found by what its provider claims."""


def version() -> str | None:
    """The installed one, without importing it; None if it isn't there."""
    spec = importlib.util.find_spec("genai_prices")
    if spec is None or spec.origin is None:
        return None
    # `importlib.metadata` would take longer than a report.
    for found in Path(spec.origin).parents[1].glob("genai_prices-*.dist-info"):
        return found.name.removesuffix(".dist-info").partition("-")[2]
    from importlib import metadata  # noqa: PLC0415

    return metadata.version("genai-prices")


def read(first_number: int) -> tuple[list[PriceModel], list[Price]]:
    """All that the package can price by the token, numbered from there on."""
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    providers = get_snapshot().providers
    known = [p for p in providers if p.id == FIRST]
    others = [p for p in providers if p.id != FIRST and p.model_match is not None]
    models: list[PriceModel] = []
    prices: list[Price] = []
    for provider, info in ((p, info) for p in (*known, *others) for info in p.models):
        number = first_number + len(models)
        pattern = _pattern_of(provider, info)
        its = list(_prices(info, number))
        if pattern is not None and its:
            models.append(PriceModel(number, "package", info.id, pattern))
            prices += its
    return models, prices


def _pattern_of(provider: "Provider", info: "ModelInfo") -> str | None:
    own = pattern(info.match)
    if provider.id == FIRST or own is None:
        return own
    claimed = pattern(provider.model_match)
    return None if claimed is None else _all_of([claimed, own])


def pattern(clause: Any) -> str | None:
    """A match of the package as a regular expression to search a name with, in lower case."""
    match vars(clause):
        case {"equals": str(text)}:
            return rf"\A{re.escape(text.lower())}\Z"
        case {"starts_with": str(text)}:
            return rf"\A{re.escape(text.lower())}"
        case {"ends_with": str(text)}:
            return rf"{re.escape(text.lower())}\Z"
        case {"contains": str(text)}:
            return re.escape(text.lower())
        case {"regex": str(text)}:
            return f"(?:{text})"
        case {"or_": list(clauses)}:
            parts = [part for part in map(pattern, clauses) if part is not None]
            return f"(?:{'|'.join(parts)})" if parts else None
        case {"and_": list(clauses)}:
            parts = [part for part in map(pattern, clauses) if part is not None]
            return _all_of(parts) if parts and len(parts) == len(clauses) else None
    return None


def _all_of(patterns: list[str]) -> str:
    return r"\A" + "".join(f"(?=(?s:.*?)(?:{part}))" for part in patterns)


def _prices(info: "ModelInfo", number: int) -> Iterator[Price]:
    """None of a model whose price depends on the time of day."""
    told = info.prices
    standard = _dated(told) if isinstance(told, list) else [(SINCE_EVER, told)]
    by_tier: dict[str, list[PriceVariant]] = {DEFAULT_TIER: []}
    for variant in info.price_variants or ():
        tier = variant.when.get("service_tier", DEFAULT_TIER)
        if len(variant.when) == 1 and tier != DEFAULT_TIER and tier == tier_of(tier):
            by_tier.setdefault(tier, []).append(variant)
    for tier, its in by_tier.items():
        variants = _dated(its)
        if standard is not None and variants is not None:
            yield from _of_a_tier(number, tier, standard, variants)


def _of_a_tier(
    number: int,
    tier: str,
    standard: "Sequence[Dated]",
    variants: "Sequence[Dated]",
) -> Iterator[Price]:
    """The package would price a tier without a price at that moment as standard: here it has none."""
    points = sorted({start for start, _ in (*standard, *variants)})
    for n, point in enumerate(points):
        until = points[n + 1] if n + 1 < len(points) else None
        base = [price for start, price in standard if start <= point]
        own = [price for start, price in variants if start <= point]
        if base and (own or tier == DEFAULT_TIER):
            since = None if point == SINCE_EVER else point
            yield from _of_a_time(number, tier, since, until, [*own, base[-1]])


def _of_a_time(
    number: int, tier: str, since: int | None, until: int | None, told: Sequence["ModelPrice"]
) -> Iterator[Price]:
    """By the size of the input: above it the whole response has that price. The first to tell of a
    kind of token decides."""
    kinds = [
        next((v for p in told if (v := getattr(p, kind)) is not None), None) for kind in _KINDS
    ]
    sizes = {0} | {tier.start for kind in kinds for tier in getattr(kind, "tiers", ())}
    for size in sorted(sizes):
        read, cached, written, out = (_at(kind, size) for kind in kinds)
        if read is not None and out is not None:
            yield Price(number, tier, since, until, size, read, cached, written, out)


def _at(price: "Decimal | TieredPrices | None", size: int) -> float | None:
    if price is None:
        return None
    base: Any = getattr(price, "base", price)
    above = [tier.price for tier in getattr(price, "tiers", ()) if tier.start <= size]
    return float(above[-1] if above and size else base)


def _dated(told: "Sequence[ConditionalPrice | PriceVariant]") -> "list[Dated] | None":
    """From when on (ms UTC) each holds; None where that isn't a matter of the date alone."""
    dated: list[Dated] = []
    for each in told:
        start = getattr(each.constraint, "start_date", None)
        if isinstance(start, date):
            dated.append((day_start(start), each.prices))
        elif each.constraint is None:
            dated.append((SINCE_EVER, each.prices))
        else:
            return None
    return dated


def day_start(day: date) -> int:
    """The ms at which a day of UTC begins."""
    return int(datetime.combine(day, time(), UTC).timestamp() * 1000)
