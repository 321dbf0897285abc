"""The package's prices in our own terms: held against what the package itself would charge."""

import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import Usage, types
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import Provider

from codex_telemetry.core.prices import Book
from codex_telemetry.core.rows import ResponseRow
from codex_telemetry.pricing import package

SIZES = (1_000, 272_000, 272_001, 900_000)


@pytest.fixture(scope="module")
def openai() -> Provider:
    return next(p for p in get_snapshot().providers if p.id == "openai")


@pytest.fixture(scope="module")
def book() -> Book:
    return Book(*package.read(0))


def names(clause: Any) -> set[str]:
    """Names that a match takes, and some that are nearly so."""
    found: set[str] = set()
    for value in vars(clause).values():
        for each in value if isinstance(value, list) else [value]:
            found |= (
                {each, f"{each}-2026-01-01", f"x{each}"} if isinstance(each, str) else names(each)
            )
    return found


def moments(openai: Provider) -> list[datetime]:
    """Just before and just after every change."""
    days = {
        told.constraint.start_date
        for model in openai.models
        for told in (
            *(model.prices if isinstance(model.prices, list) else ()),
            *(model.price_variants or ()),
        )
        if isinstance(told.constraint, types.StartDateConstraint)
    }
    starts = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in sorted(days)]
    assert starts, "or nothing here is tried"
    return [datetime.fromtimestamp(s.timestamp() + d, UTC) for s in starts for d in (-1, 0)]


@pytest.mark.parametrize("tier", [None, "flex", "priority"])
def test_every_response_costs_what_the_package_says(
    openai: Provider, book: Book, tier: str | None
) -> None:
    tried = priced = 0
    for name in sorted(set().union(*(names(model.match) for model in openai.models))):
        info = openai.find_model(name)
        for at in moments(openai):
            for size in SIZES:
                tried += 1
                row = ResponseRow(
                    1, None, name, int(at.timestamp() * 1000), size, size // 3, size // 5, 777, 7,
                    size + 777, None,
                )  # fmt: skip
                cost = book.cost(row, tier, None)
                if info is None or not _is_sold(info, at, tier):
                    assert cost is None, (name, at, tier)
                    continue
                priced += 1
                usage = Usage(
                    input_tokens=size,
                    cache_read_tokens=size // 3,
                    cache_write_tokens=size // 5,
                    output_tokens=777,
                )
                context = {"service_tier": tier} if tier else None
                wanted = info.calc_price(
                    usage, openai, genai_request_timestamp=at, price_context=context
                )
                assert cost == pytest.approx(float(wanted.total_price), abs=1e-9), (name, at, tier)
    assert priced > 500
    assert tried > priced


def _is_sold(info: types.ModelInfo, at: datetime, tier: str | None) -> bool:
    """By the token, at that tier, on that day."""
    standard = info.get_prices(at)
    if standard.input_mtok is None or standard.output_mtok is None:
        return False
    return tier is None or any(
        variant.when == {"service_tier": tier}
        and (variant.constraint is None or variant.constraint.active(at))
        for variant in info.price_variants or ()
    )


def test_the_models_of_codex_are_known(book: Book) -> None:
    for name in ("gpt-5-codex", "gpt-5.2-codex", "gpt-5.5", "gpt-6.1-sol", "codex-mini-latest"):
        (prices,) = book.of(name)
        assert any(price.tier == "default" for price in prices), name


def test_a_model_of_another_provider_is_known_by_its_name(book: Book) -> None:
    assert next(book.matching("claude-opus-4-5", "package")).model
    assert book.of("no-such-model") == ()


@pytest.mark.parametrize(
    ("clause", "taken", "refused"),
    [
        (types.ClauseEquals("gpt-5.5"), "gpt-5.5", "gpt-5x5"),
        (types.ClauseStartsWith("gpt-5."), "gpt-5.5", "xgpt-5.5"),
        (types.ClauseEndsWith("-mini"), "x-mini", "x-mini-2"),
        (types.ClauseContains("b+"), "ab+c", "abbc"),
        (types.ClauseRegex(r"^a\d$"), "a1", "a12"),
        (types.ClauseOr([types.ClauseEquals("a"), types.ClauseEquals("b")]), "b", "ab"),
        (types.ClauseAnd([types.ClauseContains("a"), types.ClauseEndsWith("b")]), "xab", "abx"),
        (types.ClauseAnd([types.ClauseEndsWith("b"), types.ClauseStartsWith("a")]), "ab", "b"),
    ],
)
def test_a_match_of_the_package_is_a_pattern_of_ours(clause: Any, taken: str, refused: str) -> None:
    own = package.pattern(clause)
    assert own is not None
    from codex_telemetry.core.prices import PriceModel

    its = Book([PriceModel(0, "package", "m", own)])
    assert any(its.matching(taken, "package")) is bool(clause.is_match(taken)) is True
    assert any(its.matching(refused, "package")) is bool(clause.is_match(refused)) is False


def test_a_match_we_do_not_know_prices_nothing() -> None:
    class ClauseOfTomorrow:
        def __init__(self) -> None:
            self.sounds_like = "gpt"

    assert package.pattern(ClauseOfTomorrow()) is None
    assert package.pattern(types.ClauseAnd([types.ClauseEquals("a"), ClauseOfTomorrow()])) is None  # type: ignore[list-item]


def test_a_price_by_the_time_of_day_is_no_price() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC).timetz()
    paid = types.ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(1))
    info = types.ModelInfo(
        "m",
        types.ClauseEquals("m"),
        prices=[
            types.ConditionalPrice(prices=paid),
            types.ConditionalPrice(types.TimeOfDateConstraint(noon, noon), prices=paid),
        ],
    )
    assert list(package._prices(info, 0)) == []
    assert package.day_start(date(1970, 1, 2)) == 86_400_000


def test_the_version_is_known_without_the_package_being_imported() -> None:
    code = """
import sys
from codex_telemetry.pricing import package
print(package.version())
assert not {"genai_prices", "pydantic", "importlib.metadata"} & set(sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    from importlib.metadata import version

    assert found.stdout.strip() == version("genai-prices")
