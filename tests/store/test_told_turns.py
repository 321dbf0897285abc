"""What is told together is kept together, and apart from that nothing is otherwise."""

from contextlib import closing
from pathlib import Path

import anyio
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from codex_telemetry.core.batch import Batch
from codex_telemetry.store.cursors import Cursor
from codex_telemetry.store.db import open_reader
from codex_telemetry.store.told_turns import HEAVY, TOGETHER, Body, decoded, told_of
from codex_telemetry.store.writer import Writer
from saved import BORN, batch, contents, prune, query, save, thread, turn


def read_for_the_first_time(path: Path, *logs: Batch) -> None:
    async def run() -> None:
        writer = await Writer.open(path)
        try:
            await writer.save_new(
                [
                    (log, Cursor("/home", f"{log.origin}.jsonl", 1, 1, 1, b"", b"", b"", 1, 0))
                    for log in logs
                ]
            )
        finally:
            await writer.close()

    anyio.run(run)


def logs(*turns: int, first: int = 0) -> list[Batch]:
    """Of so many turns each."""
    return [
        batch(f"/home|{n}", *(turn(100 * n + i, thread(n)) for i in range(number)), kind="rollout")
        for n, number in enumerate(turns, first)
    ]


def bodies(path: Path) -> list[Body]:
    found = query(
        path,
        """SELECT body, min(origin) FROM told_bodies JOIN told_by_origin USING (told_body)
        GROUP BY told_body ORDER BY told_body""",
    )
    assert len(found) == query(path, "SELECT count(*) FROM told_bodies")[0][0]
    return [decoded(body, origin) for body, origin in found]


def ids(log: Batch, *which: int) -> set[str]:
    return {str(id_) for n, id_ in enumerate(log.turns) if n in which}


def test_logs_of_few_turns_share_a_body_and_take_half_the_room(tmp_path: Path) -> None:
    together, alone = tmp_path / "together.db", tmp_path / "alone.db"
    some = logs(3, 5, 2)
    read_for_the_first_time(together, *some)
    for log in some:
        for facts in log.turns.values():
            save(alone, batch(log.origin, facts, kind="rollout"))
    assert [sum(map(len, body.values())) for body in bodies(together)] == [10]
    assert len(bodies(alone)) == 10
    room = "SELECT sum(length(body)) FROM told_bodies"
    assert query(together, room)[0][0] < query(alone, room)[0][0] / 2


def test_a_body_is_never_so_large_that_one_turn_of_it_takes_long(tmp_path: Path) -> None:
    (log,) = logs(2 * TOGETHER + 1)
    read_for_the_first_time(tmp_path / "many.db", log)
    assert [len(its) for body in bodies(tmp_path / "many.db") for its in body.values()] == [
        *(TOGETHER, TOGETHER, 1)
    ]
    (log,) = logs(3)
    for facts in log.turns.values():
        (response,) = facts.responses.values()
        facts.responses |= dict.fromkeys(range(HEAVY), response)
    read_for_the_first_time(tmp_path / "heavy.db", log)
    assert len(bodies(tmp_path / "heavy.db")) == 3


def test_of_a_turn_that_is_told_again_nothing_old_is_left(tmp_path: Path) -> None:
    database = tmp_path / "t.db"
    some = logs(2, 2)
    read_for_the_first_time(database, *some)
    first = turn(0, thread(0), status=None)
    save(database, batch(some[0].origin, first, kind="rollout"))
    shared, own = bodies(database)
    assert {turn_id for its in shared.values() for turn_id in its} == {
        *ids(some[0], 1), *ids(some[1], 0, 1)
    }  # fmt: skip
    assert [set(its) for its in own.values()] == [ids(some[0], 0)]


def test_what_is_pruned_is_gone_from_the_body_that_others_stay_in(tmp_path: Path) -> None:
    database = tmp_path / "t.db"
    (log,) = logs(4)
    read_for_the_first_time(database, log)
    prune(database, BORN + 15_000)  # after the second began and ended
    (left,) = bodies(database)
    assert [set(its) for its in left.values()] == [ids(log, 2, 3)]
    with closing(open_reader(database)) as db:
        assert [told_of(db, turn_id) for turn_id in sorted(ids(log, 0, 2))] == [
            [], [log.turns[turn_id] for turn_id in log.turns if turn_id in ids(log, 2)],
        ]  # fmt: skip


def test_a_log_that_is_forgotten_leaves_those_it_shared_a_body_with(tmp_path: Path) -> None:
    database = tmp_path / "t.db"
    some = logs(2, 3)
    read_for_the_first_time(database, *some)
    save(database, batch(some[0].origin, kind="rollout"), afresh=True)
    (left,) = bodies(database)
    assert [set(its) for its in left.values()] == [ids(some[1], 0, 1, 2)]


STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sets(st.integers(0, 4)), st.booleans()), max_size=6
)


@settings(max_examples=5, deadline=None)
@given(steps=STEPS)
def test_whoever_tells_what_again_the_rest_stays_as_it_was_told(
    steps: list[tuple[int, set[int], bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Three logs tell of the same turns; each step is one that tells of some of them, perhaps afresh."""
    database = tmp_path_factory.mktemp("told") / "t.db"
    told = {n: set(range(5)) for n in range(3)}
    every = [turn(i, thread(0)) for i in range(5)]
    read_for_the_first_time(database, *(batch(f"/home|{n}", *every, kind="rollout") for n in told))
    for log, some, afresh in steps:
        again = batch(f"/home|{log}", *(every[i] for i in some), kind="rollout")
        save(database, again, afresh=afresh)
        told[log] = some if afresh else told[log] | some
    kept = {
        (row["origin"][1], row["turn_id"]): row["body"] for row in contents(database)["told_turns"]
    }
    assert kept == {
        (f"/home|{n}", str(every[i].turn_id)): every[i] for n, some in told.items() for i in some
    }
