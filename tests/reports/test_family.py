"""What worked for a turn or a session: whose turns they were, and what all of it came to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import scenes
from codex_telemetry.cli.family import workers
from codex_telemetry.cli.words import cells
from codex_telemetry.core.facts import (
    Clock,
    EventFacts,
    Fact,
    Said,
    SessionFacts,
    Source,
    TurnFacts,
    Weight,
)
from codex_telemetry.core.identity import ItemId
from codex_telemetry.reports import family
from codex_telemetry.reports.shapes import Item
from codex_telemetry.reports.shapes_family import ChildTurn, RolledUp
from codex_telemetry.store import queries
from codex_telemetry.store.find import find_session, find_turn
from codex_telemetry.store.queries import Filters, Store
from recordings import Recording, Recordings, names
from scenes import T0
from stored import stored
from told import sent_by_the_model

TOLD = {"heard": (True, False), "logged": (False, True), "both": (True, True)}
SPAWNING = tuple(name for name in names("*/o_subagent*") if name != "0.63.0/o_subagent")
"""0.63 refuses to."""


@contextmanager
def store(path: Path) -> Iterator[Store]:
    with queries.reading(path) as db:
        yield db


async def told(tmp_path: Path, recording: Recording, how: str) -> Path:
    live, logged = TOLD[how]
    return await stored(tmp_path, recording, live=live, logged=logged)


def children(path: Path, turn: TurnFacts) -> list[ChildTurn]:
    with store(path) as db:
        return family.children(db, find_turn(db, turn.turn_id))


def rolled_up(path: Path, session: SessionFacts) -> RolledUp:
    with store(path) as db:
        found = family.session(db, find_session(db, session.session_id), roll_up=True).rolled_up
    assert found is not None
    return found


@pytest.mark.parametrize("how", TOLD)
@pytest.mark.parametrize("name", SPAWNING)
async def test_a_subagents_turn_is_known_by_the_turn_it_worked_for(
    recordings: Recordings, tmp_path: Path, name: str, how: str
) -> None:
    recording = recordings.one(name)
    path = await told(tmp_path, recording, how)
    with store(path) as db:
        rows = list(queries.turns(db, Filters()))
        (root,) = [row for row in rows if family.children(db, row)]
        found = family.turn(db, root, roll_up=True)
        whole = family.session(db, find_session(db, root["session_id"]), roll_up=True).rolled_up
    (child,) = found.children
    assert len(rows) == 2
    if how != "heard" and name.startswith(("0.155", "0.169")):
        assert {row["root_turn_id"] for row in rows} == {found.turn_id}
    assert (child.relation, child.depth, child.parent_turn_id) == (
        "subagent",
        1,
        found.turn_id,
    )
    assert child.session_id != found.session_id
    assert child.total_tokens == sent_by_the_model(recording) - (found.total_tokens or 0)
    assert child.total_tokens
    assert found.rolled_up is not None
    assert found.rolled_up.total_tokens == sent_by_the_model(recording)
    assert whole is not None
    assert whole.total_tokens == sent_by_the_model(recording)


@pytest.mark.parametrize("how", TOLD)
@pytest.mark.parametrize("name", SPAWNING)
async def test_an_item_names_the_threads_it_speaks_to(
    recordings: Recordings, tmp_path: Path, name: str, how: str
) -> None:
    path = await told(tmp_path, recordings.one(name), how)
    with store(path) as db:
        (child,) = [row["session_id"] for row in queries.sessions(db, Filters()) if _spawned(row)]
        items = [item for row in queries.turns(db, Filters()) for item in _items(db, row)]
    assert {child} == {thread for item in items for thread in item.thread_ids or ()}
    assert any(item.thread_ids and "spawn_0" in item.item_id for item in items)


def _spawned(row: queries.Row) -> bool:
    return bool(row["relation"] == "subagent")


def _items(db: Store, row: queries.Row) -> list[Item]:
    return family.turn(db, row).items


@pytest.mark.parametrize("how", ["logged", "both"])
@pytest.mark.parametrize("name", names("0.1*/i_review"))
async def test_a_reviewers_turn_is_known_by_the_review(
    recordings: Recordings, tmp_path: Path, name: str, how: str
) -> None:
    """To 0.130 nothing says whose reviewer a thread is, but when and where it was made."""
    path = await told(tmp_path, recordings.one(name), how)
    with store(path) as db:
        rows = list(queries.turns(db, Filters()))
        reviewed = {row["turn_id"]: found for row in rows if (found := family.children(db, row))}
        reviewers = [
            row["turn_id"]
            for row in rows
            if find_session(db, row["session_id"])["relation"] == "review"
        ]
    assert reviewers
    assert sorted(c.turn_id for found in reviewed.values() for c in found) == sorted(reviewers)
    assert all(len(found) == 1 for found in reviewed.values())
    assert {c.relation for found in reviewed.values() for c in found} == {"review"}


@pytest.mark.parametrize("how", ["logged", "both"])
@pytest.mark.parametrize("name", names("*/i_review"))
async def test_all_that_reviews_cost_is_in_some_sessions_tree(
    recordings: Recordings, tmp_path: Path, name: str, how: str
) -> None:
    """Also where a log tells of no turn for the review itself (to 0.98)."""
    recording = recordings.one(name)
    with store(await told(tmp_path, recording, how)) as db:
        tops = [
            row for row in queries.sessions(db, Filters()) if row["relation"] in ("root", "fork")
        ]
        sums = [family.session(db, row, roll_up=True).rolled_up for row in tops]
    assert sum(s.total_tokens or 0 for s in sums if s is not None) == sent_by_the_model(recording)
    assert any(s is not None and s.sessions > 1 for s in sums)


def spawned(parent: SessionFacts, at: int, n: int, **fields: object) -> SessionFacts:
    return scenes.session(
        at,
        n=n,
        parent_session_id=scenes.told(parent.session_id),
        relation=scenes.told("subagent"),
        **fields,
    )


def with_tokens(turn: TurnFacts, total: int) -> TurnFacts:
    turn.responses = {total: scenes.response(T0, total)}
    return turn


def test_a_family_of_three_generations_is_told_in_order(tmp_path: Path) -> None:
    top = scenes.session()
    one, two = spawned(top, T0 + 1_000, 1), spawned(top, T0 + 2_000, 2)
    deep = spawned(one, T0 + 1_500, 3)
    root = with_tokens(scenes.turn(top, T0 + 100, 9_000), 1_000)
    turns = [
        root,
        with_tokens(scenes.turn(one, T0 + 1_000, 4_000, n=2), 2_000),
        with_tokens(scenes.turn(two, T0 + 2_000, 3_000, n=3), 4_000),
        with_tokens(scenes.turn(deep, T0 + 1_600, 500, n=4), 8_000),
        with_tokens(scenes.turn(top, T0 + 20_000, 1_000, n=5), 16_000),
    ]
    path = scenes.write(tmp_path / "t.db", top, one, two, deep, *turns)
    found = children(path, root)
    assert [(c.turn_id, c.depth) for c in found] == [
        (turns[1].turn_id, 1),
        (turns[3].turn_id, 2),
        (turns[2].turn_id, 1),
    ]
    assert found[1].parent_turn_id == turns[1].turn_id
    with store(path) as db:
        whole = family.turn(db, find_turn(db, root.turn_id), roll_up=True)
    assert whole.rolled_up is not None
    assert (whole.rolled_up.turns, whole.rolled_up.sessions) == (4, 4)
    assert whole.rolled_up.total_tokens == 15_000
    # What they took is in the turn already: it is never added up.
    assert whole.rolled_up.duration_ms == whole.duration_ms == 9_000
    assert whole.tools_ms == 0
    assert rolled_up(path, top).total_tokens == 31_000


def test_a_subagent_that_a_person_prompts_later_works_for_nobody(tmp_path: Path) -> None:
    top = scenes.session()
    agent = spawned(top, T0 + 1_000, 1)
    root = scenes.turn(top, T0 + 100, 5_000)
    own = scenes.turn(agent, T0 + 9_000, 500, n=2)
    path = scenes.write(tmp_path / "t.db", top, agent, root, own)
    assert children(path, root) == []
    assert rolled_up(path, top).turns == 2


def test_the_root_that_codex_names_counts_more_than_the_time(tmp_path: Path) -> None:
    """An agent goes on in the background: it was begun for the first of two turns."""
    top = scenes.session()
    agent = spawned(top, T0 + 1_000, 1)
    first, second = scenes.turn(top, T0 + 100, 2_000), scenes.turn(top, T0 + 3_000, 5_000, n=2)
    first.root_turn_id = scenes.told(first.turn_id)
    second.root_turn_id = scenes.told(second.turn_id)
    late = scenes.turn(agent, T0 + 4_000, 500, n=3, root_turn_id=scenes.told(first.turn_id))
    path = scenes.write(tmp_path / "t.db", top, agent, first, second, late)
    assert [c.turn_id for c in children(path, first)] == [late.turn_id]
    assert children(path, second) == []


def test_a_grandchild_works_for_the_turn_that_spawned_it(tmp_path: Path) -> None:
    """Both turns of the agent have one root: the later one begun by then had it made."""
    top = scenes.session()
    agent = spawned(top, T0 + 1_000, 1)
    deep = spawned(agent, T0 + 5_000, 2)
    root = scenes.turn(top, T0 + 100, 9_000)
    of_root = {"root_turn_id": scenes.told(root.turn_id)}
    root.root_turn_id = scenes.told(root.turn_id)
    first = scenes.turn(agent, T0 + 1_000, 1_000, n=2, **of_root)
    second = scenes.turn(agent, T0 + 4_000, 4_000, n=3, **of_root)
    third = scenes.turn(deep, T0 + 5_000, 1_000, n=4, **of_root)
    path = scenes.write(tmp_path / "t.db", top, agent, deep, root, first, second, third)
    assert children(path, first) == []
    assert [c.turn_id for c in children(path, second)] == [third.turn_id]
    assert {c.turn_id: c.depth for c in children(path, root)} == {
        first.turn_id: 1,
        second.turn_id: 1,
        third.turn_id: 2,
    }


def test_threads_that_claim_to_be_each_others_children_are_told_once(tmp_path: Path) -> None:
    one, two = scenes.session(), scenes.session(T0 + 1, n=1)
    for mine, other in ((one, two), (two, one)):
        mine.parent_session_id = scenes.told(other.session_id)
        mine.relation = scenes.told("subagent")
    a, b = scenes.turn(one, T0 + 100, 5_000), scenes.turn(two, T0 + 100, 4_000, n=2)
    path = scenes.write(tmp_path / "t.db", one, two, a, b)
    assert [c.turn_id for c in children(path, a)] == [b.turn_id]
    assert rolled_up(path, one).sessions == 2


def test_a_thread_of_nobodys_is_known_by_the_item_that_speaks_to_it(tmp_path: Path) -> None:
    top = scenes.session()
    agent = scenes.session(T0 + 1_000, n=1, relation=scenes.told("subagent"))
    call = scenes.item("subagent", T0 + 900, T0 + 2_000, threads=frozenset({agent.session_id}))
    root = scenes.turn(top, T0 + 100, 5_000, items={ItemId("spawn"): call})
    own = scenes.turn(agent, T0 + 1_000, 500, n=2)
    path = scenes.write(tmp_path / "t.db", top, agent, root, own)
    assert [c.turn_id for c in children(path, root)] == [own.turn_id]


def test_of_two_reviews_at_one_moment_nobody_knows_whose_a_reviewer_is(tmp_path: Path) -> None:
    def reviewed(n: int) -> SessionFacts:
        entered = EventFacts("entered_review_mode", starts={Clock.LOG: T0 + 5_000})
        return scenes.session(T0 + n, n=n, events={"e": entered}, sources=Source.ROLLOUT)

    reviewer = scenes.session(T0 + 5_001, n=9, relation=Said("review", Weight.ROLLOUT))
    turn = with_tokens(scenes.turn(reviewer, T0 + 5_001, 500), 1_000)
    alone: list[Fact] = [reviewed(1), reviewer, turn]
    assert rolled_up(scenes.write(tmp_path / "1.db", *alone), reviewed(1)).total_tokens == 1_000
    both = scenes.write(tmp_path / "2.db", *alone, reviewed(2))
    assert rolled_up(both, reviewed(1)).total_tokens is None


@pytest.mark.parametrize("width", [40, 80, 200])
def test_however_many_work_for_it_the_lines_fit(tmp_path: Path, width: int) -> None:
    top = scenes.session()
    agents = [spawned(top, T0 + 1_000 + n, n) for n in range(1, 20)]
    root = scenes.turn(top, T0 + 100, 9_000)
    turns = [
        scenes.turn(agent, T0 + 1_000 + n, 1_000, n=n, status=scenes.told("interrupted"))
        for n, agent in enumerate(agents, 100)
    ]
    with store(scenes.write(tmp_path / "t.db", top, *agents, root, *turns)) as db:
        told = family.turn(db, find_turn(db, root.turn_id), roll_up=True)
    lines = ["".join(span.text for span in line) for line in workers(told, width)]
    assert all(cells(line) <= width for line in lines)
    assert any("7 turns more" in line for line in lines)
    assert any("together 20 turns" in line for line in lines)


def test_a_sum_is_unpriced_where_any_of_it_is() -> None:
    def child(tokens: int | None, cost: float | None) -> ChildTurn:
        unknown = [None] * (len(ChildTurn.__struct_fields__) - 9)
        told = ChildTurn("s", "t", 0, "p", "subagent", 1, "completed", None, None, *unknown)
        told.total_tokens, told.cost_usd = tokens, cost
        return told

    assert family.rolled_up([child(10, 0.5), child(20, 0.25), child(None, None)]).cost_usd == 0.75
    assert family.rolled_up([child(10, 0.5), child(20, None)]).cost_usd is None
    assert family.rolled_up([child(None, None)]).cost_usd is None
