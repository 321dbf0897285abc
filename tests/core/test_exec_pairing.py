"""Turns and items that `codex exec` tells of without an id are those of the log, each once."""

from itertools import permutations

import hypothesis.strategies as st
from hypothesis import given

from codex_telemetry.core.counterparts import as_one, exec_item_id
from codex_telemetry.core.facts import Clock, ItemFacts, Said, Source, TurnFacts, Weight
from codex_telemetry.core.identity import (
    ItemId,
    LaunchId,
    SessionId,
    TurnId,
    exec_turn_id,
    is_exec_turn,
    launched_ms,
    log_turn_id,
    turn_id,
)
from codex_telemetry.core.pairing import may_be_heard_by_exec, pair, united

THREAD = SessionId("01a20737-3c41-7371-a1ad-2e4e9a7b12d7")
T0 = 1_795_500_000_000


def heard(launch: str, said_at: int) -> TurnFacts:
    return TurnFacts(
        exec_turn_id(THREAD, launch, 0),
        tellers={THREAD: 1},
        sources=Source.LIVE,
        starts={Clock.WIRE: T0 + said_at},
    )


def named(born: int) -> TurnId:
    ms = f"{T0 + born:012x}"
    return TurnId(f"{ms[:8]}-{ms[8:]}-7000-8000-000000000000")


def logged(born: int, ended: int | None = None) -> TurnFacts:
    return TurnFacts(
        named(born),
        tellers={THREAD: 1},
        sources=Source.ROLLOUT,
        ends={} if ended is None else {Clock.LOG: T0 + ended},
    )


def test_a_turn_takes_the_id_that_its_log_knows() -> None:
    mine, its = heard("a", 70), logged(0)
    (one,) = united({turn.turn_id: turn for turn in (mine, its)}).values()
    assert one.turn_id == named(0)
    assert one.sources == Source.LIVE | Source.ROLLOUT


def test_up_to_0_98_it_keeps_the_streams() -> None:
    its = TurnFacts(
        log_turn_id(THREAD, T0 - 5),
        tellers={THREAD: 1},
        sources=Source.ROLLOUT,
        starts={Clock.LOG: T0 - 5},
    )
    assert pair([heard("a", 0), its]) == {its.turn_id: exec_turn_id(THREAD, "a", 0)}


def test_runs_in_quick_succession_go_with_their_own_turns_in_any_order() -> None:
    turns = [heard("a", 60), heard("b", 860), logged(0, 700), logged(800, 1_500)]
    want = {
        exec_turn_id(THREAD, "a", 0): named(0),
        exec_turn_id(THREAD, "b", 0): named(800),
    }
    assert all(pair(order) == want for order in permutations(turns))


def test_a_turn_that_had_ended_before_is_another() -> None:
    assert pair([heard("b", 860), logged(0, 700)]) == {}
    assert pair([heard("b", 860), logged(0, 900)]) != {}


def test_a_turn_of_another_time_or_that_a_stream_named_is_another() -> None:
    by_stream = logged(0)
    by_stream.sources = Source.LIVE | Source.ROLLOUT
    for other in (logged(60_000), logged(-60_000), by_stream):
        assert pair([heard("a", 0), other]) == {}
    assert may_be_heard_by_exec(named(-9_000), [heard("a", 0)])
    assert not may_be_heard_by_exec(named(60_000), [heard("a", 0)])


def test_ids_of_exec_are_told_from_others() -> None:
    assert is_exec_turn(exec_turn_id(THREAD, "19af-1", 0))
    assert not is_exec_turn(turn_id(THREAD, LaunchId("19af-1"), "0"))
    assert not is_exec_turn(log_turn_id(THREAD, 1))
    assert launched_ms(LaunchId("1a219f5dae8-bbd166af")) == 0x1A219F5DAE8
    assert launched_ms(LaunchId("launch")) is None


def item(kind: str, name: str | None, at: int, source: Weight) -> ItemFacts:
    told = Said(name, source, at) if name is not None else None
    return ItemFacts(kind, name=told, starts={Clock.WIRE: at})


def by_exec(*names: str, kind: str = "command") -> dict[ItemId, ItemFacts]:
    return {exec_item_id(str(n)): item(kind, name, n, Weight.LIVE) for n, name in enumerate(names)}


def by_log(*names: str, kind: str = "command") -> dict[ItemId, ItemFacts]:
    return {
        ItemId(f"call_{kind}_{n}"): item(kind, name, n, Weight.ROLLOUT)
        for n, name in enumerate(names)
    }


def test_items_are_each_once_under_the_logs_ids() -> None:
    one = as_one(by_exec("ls", "cat", "ls") | by_log("ls", "cat", "ls"))
    assert list(one) == list(by_log("ls", "cat", "ls"))
    assert all(each.name is not None and each.name.weight == Weight.LIVE for each in one.values())


def test_what_only_the_log_tells_is_skipped_and_what_is_not_logged_yet_stays() -> None:
    one = as_one(by_exec("ls", "make") | by_log("ls", "refused", "make"))
    assert len(one) == 3
    late = as_one(by_exec("ls", "make", "rm") | by_log("ls"))
    assert [key for key in late if key.startswith("exec:")] == ["exec:item_1", "exec:item_2"]


def test_kinds_are_told_apart() -> None:
    both = by_exec("a", kind="message") | by_log("a")
    assert as_one(both) == both


words = st.lists(st.sampled_from(["ls", "cat", "rm"]), max_size=5)


@given(words, words)
def test_there_are_never_more_than_the_fuller_source_has(mine: list[str], its: list[str]) -> None:
    one = as_one(by_exec(*mine) | by_log(*its))
    assert len(one) == max(len(mine), len(its))
    assert by_log(*its).keys() <= one.keys()
