"""Which prices apply to the models that were used, since when, and from where."""

from collections.abc import Iterator, Sequence

from codex_telemetry.core.prices import Book
from codex_telemetry.core.prices import Price as Listed
from codex_telemetry.reports.moments import written
from codex_telemetry.reports.shapes_tokens import Price
from codex_telemetry.store import price_list
from codex_telemetry.store.queries import Store


def prices(db: Store, model: str | None) -> Iterator[Price]:
    """Of one model, or of all that were used and those that the user has prices for. One without any
    price is there too, its prices unknown."""
    book, version = price_list.stored(db), price_list.package_version(db)
    names = [model] if model is not None else _names(db, book)
    for name in names:
        found = [
            _price(name, book, version, price) for its in book.of(name) for price in _sorted(its)
        ]
        yield from found or [Price(name, *[None] * 11)]


def _names(db: Store, book: Book) -> list[str]:
    used = price_list.models_used(db)
    own = [model.model for model in book.models if model.source == "config"]
    lowered = {name.lower() for name in used}
    return used + [name for name in own if name not in lowered]


def _sorted(its: Sequence[Listed]) -> list[Listed]:
    return sorted(
        its, key=lambda p: (p.tier != "default", p.tier, p.valid_from or 0, p.above_input_tokens)
    )


def _price(name: str, book: Book, version: str | None, price: Listed) -> Price:
    model = next(m for m in book.models if m.price_model == price.price_model)
    return Price(
        model=name,
        priced_as=model.model,
        tier=price.tier,
        source="config" if model.source == "config" else "package",
        package_version=version if model.source == "package" else None,
        valid_from_at=written(price.valid_from),
        valid_until_at=written(price.valid_until),
        above_input_tokens=price.above_input_tokens,
        input_usd=price.input_usd,
        cached_input_usd=price.cached_input_usd,
        cache_write_usd=price.cache_write_usd,
        output_usd=price.output_usd,
    )
