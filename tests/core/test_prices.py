"""What a response costs: by its own model, tier, moment and size; what has no price stays without one."""

import pytest

from codex_telemetry.core.prices import Book, Price, PriceModel, cost_of_all, tier_of
from codex_telemetry.core.rows import ResponseRow

APRIL, MAY = 1_775_000_000_000, 1_777_600_000_000


def response(
    read: int = 1_000_000, cached: int = 0, written: int | None = None, out: int = 0, **more: object
) -> ResponseRow:
    told = {"model": "m", "at": MAY, "total_tokens": read + out, **more}
    return ResponseRow(
        running_total_tokens=1,
        response_id=None,
        input_tokens=read,
        cached_input_tokens=cached,
        cache_write_input_tokens=written,
        output_tokens=out,
        reasoning_output_tokens=out,
        cost_usd=None,
        **told,  # type: ignore[arg-type]
    )


def price(number: int = 1, tier: str = "default", **told: object) -> Price:
    bare = Price(number, tier, None, None, 0, 10.0, 1.0, 12.0, 100.0)
    return bare._replace(**told)  # type: ignore[arg-type]


def book(*prices: Price) -> Book:
    models = [PriceModel(0, "config", "m", r"\Am\Z"), PriceModel(1, "package", "m", r"\Am\Z")]
    return Book(models, prices)


def cost(its: Book, row: ResponseRow, tier: str | None = None) -> float | None:
    return its.cost(row, tier, None)


def test_cached_input_and_cache_writes_are_parts_of_the_input_and_reasoning_of_the_output() -> None:
    assert cost(book(price()), response(cached=500_000, written=250_000, out=10_000)) == (
        0.25 * 10 + 0.5 * 1 + 0.25 * 12 + 0.01 * 100
    )


def test_what_has_no_price_of_its_own_is_priced_as_input() -> None:
    its = book(price(cached_input_usd=None, cache_write_usd=None))
    assert cost(its, response(cached=500_000, written=250_000)) == 10


def test_counts_that_cannot_be_never_make_a_cost_below_zero() -> None:
    assert cost(book(price()), response(cached=2_000_000, written=9_000_000)) == 1


def test_a_response_has_the_price_of_its_moment() -> None:
    its = book(price(valid_until=MAY), price(valid_from=MAY, input_usd=5.0))
    assert cost(its, response(at=MAY - 1)) == 10
    assert cost(its, response(at=MAY)) == 5
    assert its.cost(response(at=None), None, APRIL) == 10, "its turn's start stands in"
    assert its.cost(response(at=None), None, None) is None, "either price would be a guess"


def test_a_price_ends_with_its_time_even_if_none_follows() -> None:
    its = book(price(valid_until=MAY))
    assert cost(its, response(at=MAY - 1)) == 10
    assert cost(its, response(at=MAY)) is None


def test_before_the_first_price_there_is_none() -> None:
    assert cost(book(price(valid_from=MAY)), response(at=APRIL)) is None


def test_long_context_costs_more_above_its_threshold_and_for_the_whole_response() -> None:
    its = book(price(), price(above_input_tokens=272_000, input_usd=20.0, output_usd=150.0))
    assert cost(its, response(272_000, out=1_000)) == pytest.approx(2.72 + 0.1)
    assert cost(its, response(272_001, out=1_000)) == pytest.approx(5.44002 + 0.15)


def test_a_tier_without_a_price_is_never_priced_as_standard() -> None:
    its = book(price(), price(tier="priority", valid_from=MAY, input_usd=20.0))
    assert cost(its, response(), "flex") is None
    assert cost(its, response(), "auto") is None
    assert cost(its, response(at=APRIL), "priority") is None
    assert cost(its, response(), "priority") == 20


def test_no_tier_is_the_default_one_and_codexs_older_names_are_known() -> None:
    assert [tier_of(told) for told in (None, "default", "standard")] == ["default"] * 3
    assert [tier_of(told) for told in ("fast", "priority")] == ["priority"] * 2
    assert cost(book(price(tier="priority", input_usd=20.0)), response(), "fast") == 20


def test_ones_own_price_wins_where_it_applies() -> None:
    own = price(0, input_usd=3.0, valid_from=MAY)
    its = book(price(), own, price(tier="flex", input_usd=5.0))
    assert cost(its, response(at=MAY)) == 3
    assert cost(its, response(at=APRIL)) == 10
    assert cost(its, response(), "flex") == 5


def test_a_model_nobody_knows_and_a_response_without_tokens_have_no_cost() -> None:
    its = book(price())
    assert cost(its, response(model="other")) is None
    assert cost(its, response(model="m2")) is None
    assert cost(its, response(model=None)) is None
    assert cost(its, response(total_tokens=None)) is None
    assert cost(its, response(model="M")) == 10


def test_a_turn_any_of_whose_tokens_are_unpriced_has_no_cost() -> None:
    known, unknown, empty = response(), response(), response(0)
    known.cost_usd = 1.5
    assert cost_of_all([known, known]) == 3
    assert cost_of_all([known, empty]) == 1.5
    assert cost_of_all([known, unknown]) is None
    assert cost_of_all([]) is None
