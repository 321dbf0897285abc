"""Old releases give a turn no id in common: it is one row all the same, whoever told of it first."""

from itertools import permutations

import hypothesis.strategies as st
from hypothesis import given

from codex_telemetry.core.facts import Clock, ResponseFacts, Said, Source, TurnFacts, Weight
from codex_telemetry.core.identity import LaunchId, SessionId, TurnId, log_turn_id, turn_id
from codex_telemetry.core.pairing import pair, united

THREAD = SessionId("01a20737-3c41-7371-a1ad-2e4e9a7b12d7")


def live(n: int, asked: int) -> TurnFacts:
    return TurnFacts(
        turn_id(THREAD, LaunchId("L"), str(n)),
        tellers={THREAD: 1},
        sources=Source.LIVE,
        requested={Clock.WIRE: asked},
        status=Said("completed", Weight.LIVE),
    )


def logged(said_at: int) -> TurnFacts:
    return TurnFacts(
        log_turn_id(THREAD, said_at),
        tellers={THREAD: 1},
        sources=Source.ROLLOUT,
        starts={Clock.LOG: said_at},
        effort=Said("high", Weight.ROLLOUT),
    )


def by_id(turns: list[TurnFacts]) -> dict[TurnId, TurnFacts]:
    return {turn.turn_id: turn for turn in turns}


def test_a_turn_heard_and_logged_is_one_under_the_streams_id() -> None:
    (one,) = united(by_id([live(0, 1_000), logged(1_093)])).values()
    assert one.turn_id.endswith(":L:0")
    assert one.sources == Source.LIVE | Source.ROLLOUT
    assert one.effort is not None


def test_order_changes_nothing() -> None:
    turns = [live(0, 1_000), live(1, 2_500), logged(1_100), logged(2_600)]
    found = {tuple(sorted(pair(order).items())) for order in permutations(turns)}
    assert len(found) == 1
    assert len(dict(next(iter(found)))) == 2


def test_each_is_used_once() -> None:
    pairs = pair([live(0, 1_000), logged(1_100), logged(1_200)])
    assert pairs == {log_turn_id(THREAD, 1_100): turn_id(THREAD, LaunchId("L"), "0")}


def test_a_turn_that_only_one_tells_stays_its_own() -> None:
    turns = by_id([live(0, 1_000), logged(60_000)])
    assert united(turns) == turns


def test_what_no_time_pairs_a_running_total_of_tokens_may() -> None:
    heard, said = live(0, 1_000), logged(60_000)
    heard.requested = {}
    for turn in (heard, said):
        turn.responses = {1_061: ResponseFacts(), 2_133: ResponseFacts()}
    (one,) = united(by_id([heard, said])).values()
    assert one.sources == Source.LIVE | Source.ROLLOUT


def test_a_running_total_of_two_turns_pairs_none() -> None:
    """Up to 0.77 a resume starts counting again: the same total may come twice in a thread."""
    heard, said, again = live(0, 1_000), logged(60_000), logged(90_000)
    heard.requested = {}
    for turn in (heard, said, again):
        turn.responses = {1_061: ResponseFacts()}
    assert pair([heard, said, again]) == {}


def test_turns_with_ids_of_codexs_own_take_no_part() -> None:
    own = live(0, 1_000)
    own.turn_id = TurnId("01a20724-25db-75a2-b830-6a9c0d17030c")
    own.requested = {}
    assert pair([own, logged(1_100)]) == {}


@given(st.lists(st.integers(0, 20_000), max_size=6), st.lists(st.integers(0, 20_000), max_size=6))
def test_pairs_are_one_to_one_and_near_in_time(asked: list[int], said: list[int]) -> None:
    turns = [live(n, ms) for n, ms in enumerate(asked)] + [logged(ms) for ms in set(said)]
    pairs = pair(turns)
    known = by_id(turns)
    assert len(set(pairs.values())) == len(pairs)
    for log_turn, live_turn in pairs.items():
        wait = known[log_turn].starts[Clock.LOG] - known[live_turn].requested[Clock.WIRE]
        assert -50 <= wait <= 2_000
