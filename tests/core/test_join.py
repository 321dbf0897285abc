"""Joining is a lattice: what is told in any order, however often, comes down to the same."""

import hypothesis.strategies as st
import msgspec
from hypothesis import given

from codex_telemetry.core.facts import (
    AskFacts,
    Captured,
    Clock,
    EventFacts,
    ItemFacts,
    ResponseFacts,
    Said,
    SessionFacts,
    TurnFacts,
    Usage,
)
from codex_telemetry.core.identity import ItemId, SessionId, TurnId
from codex_telemetry.core.join import join
from codex_telemetry.core.settle import owner, settle_session, settle_turn
from codex_telemetry.core.settle_items import settle_item

PARENT = SessionId("01a20723-e07a-7931-8126-7830aff6bc9a")
CHILD = SessionId("01a20737-3ea1-7190-b11a-0294f78e2525")
TURN = TurnId("01a20724-25db-75a2-b830-6a9c0d17030c")

numbers = st.integers(0, 5)
words = st.sampled_from(["a", "b", "c"])
times = st.dictionaries(st.sampled_from([int(c) for c in Clock]), numbers, max_size=3)


def said(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | st.builds(Said, values, numbers, numbers)


def facts_of(
    told: type[msgspec.Struct], /, **own: st.SearchStrategy[object]
) -> st.SearchStrategy[object]:
    """Claims with any of their fields told, by the types of the fields themselves."""
    by_type: dict[object, st.SearchStrategy[object]] = {
        Said[str] | None: said(words),
        Said[int] | None: said(numbers),
        Said[bool] | None: said(st.booleans()),
        Said[Usage] | None: said(st.builds(Usage, *[numbers] * 5)),
        Captured | None: st.none() | st.builds(Captured, numbers, numbers),
        dict[int, int]: times,
        dict[str, int]: st.dictionaries(words, numbers, max_size=2),
        int | None: st.none() | numbers,
    }
    fields = {f.name: own.get(f.name, by_type.get(f.type)) for f in msgspec.structs.fields(told)}
    return st.builds(told, **{name: s for name, s in fields.items() if s is not None})


items = facts_of(ItemFacts, kind=words)
events = facts_of(EventFacts, kind=words, sources=st.integers(0, 3))
turns = facts_of(
    TurnFacts,
    turn_id=st.just(TURN),
    tellers=st.dictionaries(st.sampled_from([PARENT, CHILD]), st.none() | numbers, min_size=1),
    sources=st.integers(0, 3),
    last_heard=st.dictionaries(st.sampled_from([PARENT, CHILD]), numbers),
    items=st.dictionaries(words, items, max_size=2),
    responses=st.dictionaries(numbers, facts_of(ResponseFacts), max_size=2),
    asks=st.dictionaries(
        words, facts_of(AskFacts, kind=words, item_id=st.none() | words), max_size=2
    ),
    events=st.dictionaries(words, events, max_size=2),
)
sessions = facts_of(
    SessionFacts,
    session_id=st.just(PARENT),
    sources=st.integers(0, 3),
    events=st.dictionaries(words, events, max_size=2),
)


@given(turns, turns)
def test_order_changes_nothing_about_a_turn(a: TurnFacts, b: TurnFacts) -> None:
    assert join(a, b) == join(b, a)


@given(turns, turns, turns)
def test_who_is_joined_first_changes_nothing(a: TurnFacts, b: TurnFacts, c: TurnFacts) -> None:
    assert join(join(a, b), c) == join(a, join(b, c))


@given(turns, turns)
def test_what_is_told_again_changes_nothing(a: TurnFacts, b: TurnFacts) -> None:
    once = join(a, b)
    assert join(once, b) == once
    assert join(once, a) == once


@given(sessions, sessions, sessions)
def test_the_same_holds_of_a_thread(a: SessionFacts, b: SessionFacts, c: SessionFacts) -> None:
    assert join(a, b) == join(b, a)
    assert join(join(a, b), c) == join(a, join(b, c))
    assert join(join(a, b), b) == join(a, b)


@given(turns, turns)
def test_neither_claim_is_changed_by_joining(a: TurnFacts, b: TurnFacts) -> None:
    before = msgspec.msgpack.encode((a, b))
    join(a, b)
    assert msgspec.msgpack.encode((a, b)) == before


@given(turns)
def test_a_claim_survives_being_stored(a: TurnFacts) -> None:
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(a), type=TurnFacts)
    assert stored == a


@given(turns)
def test_any_claims_come_down_to_a_row(a: TurnFacts) -> None:
    row = settle_turn(a)
    assert row.session_id in a.tellers
    for item_id, item in a.items.items():
        settle_item(ItemId(item_id), item, a, row.status)


@given(sessions)
def test_any_claims_about_a_thread_come_down_to_a_row(a: SessionFacts) -> None:
    assert settle_session(a).session_id == PARENT


def test_a_turn_told_by_two_threads_is_the_elder_ones() -> None:
    by_fork = TurnFacts(TURN, tellers={CHILD: 2_000})
    by_parent = TurnFacts(TURN, tellers={PARENT: 1_000})
    assert owner(join(by_fork, by_parent)) == PARENT


def test_a_fork_does_not_restamp_its_parents_turn() -> None:
    by_parent = TurnFacts(TURN, tellers={PARENT: 1}, starts={Clock.LOG: 4_000})
    by_fork = TurnFacts(TURN, tellers={CHILD: 2}, starts={Clock.LOG: 9_000})
    assert join(by_fork, by_parent).starts == {Clock.LOG: 4_000}


def test_a_better_clock_wins_and_the_worse_is_kept_apart() -> None:
    by_us = TurnFacts(TURN, tellers={PARENT: 1}, starts={Clock.WIRE: 1_010})
    by_codex = TurnFacts(TURN, tellers={PARENT: 1}, starts={Clock.CODEX_MS: 1_000})
    assert join(by_us, by_codex).starts == {Clock.WIRE: 1_010, Clock.CODEX_MS: 1_000}


def test_sources_are_compared_and_never_added() -> None:
    live = TurnFacts(TURN, tellers={PARENT: 1}, counts={"live.messages": 2})
    rollout = TurnFacts(TURN, tellers={PARENT: 1}, counts={"rollout.messages": 3})
    assert settle_turn(join(live, rollout)).messages == 3
