"""Percentiles by nearest rank: a value that was measured, and no unknown counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_telemetry.reports import percentiles
from codex_telemetry.reports.percentiles import Spread

values = st.lists(st.none() | st.integers(-50, 50) | st.integers(0, 10_000_000))


@pytest.mark.parametrize(
    ("percent", "expected"), [(1, 15), (30, 20), (31, 20), (40, 20), (41, 35), (50, 35), (100, 50)]
)
def test_the_example_of_the_textbooks(percent: int, expected: int) -> None:
    assert Spread([40, 15, 50, 20, 35]).at(percent) == expected


@given(values, st.integers(1, 100))
def test_it_is_the_smallest_value_that_enough_of_them_do_not_exceed(
    told: list[int | None], percent: int
) -> None:
    known = [value for value in told if value is not None]
    enough = [v for v in known if sum(w <= v for w in known) * 100 >= percent * len(known)]
    assert Spread(told).at(percent) == min(enough, default=None)


@given(values)
def test_what_is_not_known_does_not_count(told: list[int | None]) -> None:
    known = [value for value in told if value is not None]
    spread = Spread(told)
    assert len(spread) == len(known)
    assert spread.total == sum(known)
    assert spread.at(100) == max(known, default=None)


@given(values, st.integers(-1, 60))
def test_what_lies_below_an_edge_is_counted(told: list[int | None], edge: int) -> None:
    assert Spread(told).below(edge) == sum(v < edge for v in told if v is not None)


@given(values, st.lists(values), st.integers(-1, 60), st.integers(1, 100))
def test_it_is_the_same_in_however_many_runs_the_values_come(
    told: list[int | None], more: list[list[int | None]], edge: int, percent: int
) -> None:
    whole = Spread([value for values in (told, *more) for value in values])
    runs = [sorted(value for value in values if value is not None) for values in more]
    for many in (0, 1_000_000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(percentiles, "MANY", many)
            spread = Spread(told, runs)
        assert (len(spread), spread.total) == (len(whole), whole.total)
        assert (spread.at(percent), spread.below(edge)) == (whole.at(percent), whole.below(edge))
