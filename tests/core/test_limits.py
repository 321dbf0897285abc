"""How fast a window is used, when it will be full, and when each percent of it was crossed."""

import random

import hypothesis.strategies as st
import pytest
from hypothesis import given

from codex_telemetry.core.limits import HOUR_MS, JITTER_MS, Level, Window, merged, window_name
from codex_telemetry.core.milestones import (
    Crossing,
    First,
    Milestone,
    Took,
    costed,
    crossings,
)

MINUTE = HOUR_MS // 60
START = 1_800_000_000_000
ENDS = START + 5 * HOUR_MS


def five_hours(*readings: tuple[int, float]) -> Window:
    """A five-hour window: minutes after its start, percent."""
    window = Window(300, ENDS)
    for minute, used in readings:
        window.read(START + minute * MINUTE, used)
    return window


def level(window: Window, minute: float) -> Level:
    return window.level(START + round(minute * MINUTE))


@pytest.mark.parametrize(
    ("minutes", "name"),
    [
        (300, "5h"), (299, "5h"), (302, "5h"), (10_080, "weekly"), (10_079, "weekly"), (1_440, "daily"),
        (43_200, "monthly"), (60, "1h"), (90, "90min"), (4_320, "3d"), (0, None), (None, None), (-5, None),
    ],
)  # fmt: skip
def test_a_window_is_called_by_its_length(minutes: int | None, name: str | None) -> None:
    assert window_name(minutes) == name


def test_resets_that_differ_by_jitter_are_one_and_others_are_not() -> None:
    one = [START, START + JITTER_MS, START + 2 * JITTER_MS]
    other = [START + 3 * JITTER_MS + 1]
    assert merged([*other, *one]) == {**dict.fromkeys(one, one[-1]), other[0]: other[0]}
    assert merged([]) == {}


def test_a_lower_later_reading_does_not_lower_the_high_water_mark() -> None:
    assert level(five_hours((10, 20), (20, 50), (30, 40)), 30).high_water_percent == 50


def test_the_pace_is_that_of_the_last_hour_of_five() -> None:
    """Not of the quick beginning before it."""
    assert level(five_hours((5, 40), (60, 40), (120, 50)), 120).percent_per_hour == 10


def test_a_pause_slows_the_pace_down() -> None:
    window = five_hours((30, 15), (60, 30))
    assert level(window, 60).percent_per_hour == 30
    assert level(window, 90).percent_per_hour == 15
    assert level(window, 130).percent_per_hour == 0


def test_a_window_that_was_not_watched_from_its_start_has_the_pace_of_what_was_seen() -> None:
    window = five_hours((100, 60), (130, 65))
    assert level(window, 130).percent_per_hour == 10


def test_no_pace_is_told_before_five_minutes_were_seen() -> None:
    assert level(five_hours((2, 3)), 4.9).percent_per_hour is None
    assert level(five_hours((2, 3)), 6).percent_per_hour == 30
    assert level(five_hours((100, 60), (103, 65)), 104).percent_per_hour is None


def test_an_hour_is_enough_to_know_the_pace_of_a_week() -> None:
    week = Window(10_080, START + 7 * 24 * HOUR_MS)
    day = START + 3 * 24 * HOUR_MS
    week.read(day, 10)
    week.read(day + HOUR_MS, 12)
    assert week.level(day + HOUR_MS - 1).percent_per_hour is None
    assert week.level(day + HOUR_MS).percent_per_hour == 2


def test_it_runs_out_at_this_pace_if_that_is_before_the_reset() -> None:
    assert level(five_hours((60, 50)), 60).exhausted_at == START + 2 * HOUR_MS
    assert level(five_hours((60, 20)), 60).exhausted_at is None
    assert level(five_hours((60, 0)), 60).exhausted_at is None


def test_what_is_used_up_was_so_since_the_first_reading_that_said_it() -> None:
    window = five_hours((60, 90), (70, 100), (80, 100), (90, 99))
    assert level(window, 100).exhausted_at == START + 70 * MINUTE


def test_after_its_reset_a_window_has_no_pace() -> None:
    assert level(five_hours((60, 50)), 301) == Level(50, None, None)


def test_a_window_of_which_nothing_was_read_is_unknown() -> None:
    assert level(five_hours(), 10) == Level(None, None, None)


def test_each_percent_is_crossed_at_the_first_reading_of_it_or_more() -> None:
    told = [First(2, "live", 10), First(5, "live", 30), First(4, "live", 50)]
    assert crossings(told) == [
        Crossing(2, 10, "live"),
        Crossing(3, 30, "live"),
        Crossing(4, 30, "live"),
        Crossing(5, 30, "live"),
    ]


def test_nothing_is_said_of_percents_below_the_lowest_reading() -> None:
    assert [c.percent for c in crossings([First(37, "live", 10)])] == [37]
    assert crossings([First(0, "live", 10)]) == []
    assert crossings([]) == []


def test_no_window_has_more_than_a_hundred_percents() -> None:
    assert crossings([First(0, "live", 1), First(999, "live", 2)])[-1].percent == 100


def test_a_crossing_was_heard_live_if_the_stream_told_of_it_with_the_log() -> None:
    assert crossings([First(1, "rollout", 10), First(1, "live", 15)]) == [Crossing(1, 10, "live")]
    late = 10 + MINUTE + 1
    assert crossings([First(1, "rollout", 10), First(1, "live", late)])[0].source == "rollout"


firsts = st.lists(
    st.builds(
        First, st.integers(0, 12), st.sampled_from(["live", "rollout"]), st.integers(0, 9 * MINUTE)
    )
)


@given(firsts, firsts, st.randoms(use_true_random=False))
def test_who_told_first_and_how_often_changes_no_crossing(
    some: list[First], more: list[First], order: random.Random
) -> None:
    told = [*some, *more, *some]
    order.shuffle(told)
    assert crossings(told) == crossings([*some, *more])


@given(firsts, firsts)
def test_a_further_reading_only_adds_a_percent_or_moves_one_to_an_earlier_moment(
    some: list[First], more: list[First]
) -> None:
    before = {c.percent: c.at for c in crossings(some)}
    after = {c.percent: c.at for c in crossings([*some, *more])}
    assert all(after[percent] <= at for percent, at in before.items())


CROSSED = [Crossing(1, 10, "live"), Crossing(2, 20, "live"), Crossing(3, 30, "live")]
TOOK = [Took(100, 0.5), Took(200, 1.0), Took(300, 2.0)]
DEARER = [Took(100, 5.0), Took(200, 10.0), Took(300, 20.0)]


def written(milestones: list[Milestone]) -> dict[int, Milestone]:
    return {milestone.percent: milestone for milestone in milestones}


def test_a_milestone_took_all_that_was_used_since_the_window_began() -> None:
    assert costed(CROSSED, TOOK, {}) == [
        Milestone(1, 10, "live", 100, 0.5, 0.5),
        Milestone(2, 20, "live", 300, 1.5, 1.0),
        Milestone(3, 30, "live", 600, 3.5, 2.0),
    ]


def test_the_first_percent_that_is_known_has_no_cost_of_its_own() -> None:
    (only,) = costed([Crossing(37, 30, "live")], [Took(600, 3.5)], {})
    assert (only.cumulative_cost_usd, only.marginal_cost_usd) == (3.5, None)


def test_what_is_unpriced_makes_the_sum_unknown_from_there_on() -> None:
    found = costed(CROSSED, [TOOK[0], Took(10, None), TOOK[2]], {})
    assert [m.cumulative_cost_usd for m in found] == [0.5, None, None]
    assert [m.marginal_cost_usd for m in found] == [0.5, None, 2.0]


def test_what_is_written_is_never_repriced() -> None:
    first = costed(CROSSED, TOOK, {})
    assert costed(CROSSED, DEARER, written(first)) == first


def test_what_comes_after_goes_on_from_what_is_written() -> None:
    first = costed(CROSSED[:2], TOOK[:2], {})
    third = costed(CROSSED, DEARER, written(first))[2]
    assert (third.cumulative_cost_usd, third.marginal_cost_usd) == (1.5 + 20, 20)


def test_a_price_that_was_unknown_is_filled_in() -> None:
    unpriced = [took._replace(cost_usd=None) for took in TOOK]
    assert costed(CROSSED, TOOK, written(costed(CROSSED, unpriced, {}))) == costed(
        CROSSED, TOOK, {}
    )


def test_where_more_tokens_are_known_it_is_counted_anew() -> None:
    first = costed(CROSSED, [TOOK[0], Took(0, 0.0), Took(0, 0.0)], {})
    assert costed(CROSSED, TOOK, written(first)) == costed(CROSSED, TOOK, {})


def test_a_percent_that_moves_changes_what_the_next_took_since() -> None:
    first = costed(CROSSED, TOOK, {})
    moved = [CROSSED[0], Crossing(2, 15, "live"), CROSSED[2]]
    found = costed(moved, [TOOK[0], Took(0, 0.0), Took(500, 3.0)], written(first))
    assert [m.marginal_cost_usd for m in found] == [0.5, 0.0, 3.0]
    assert found[2].cumulative_cost_usd == first[2].cumulative_cost_usd
