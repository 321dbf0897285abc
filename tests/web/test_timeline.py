"""A session's turns on one axis of time."""

from pathlib import Path

import scenes
from codex_telemetry.reports import family
from codex_telemetry.store.find import find_session
from codex_telemetry.store.queries import reading
from codex_telemetry.web.timeline import LANES, Timeline, timeline
from scenes import T0, told


def drawn(database: Path, session: str, now: int = T0) -> Timeline | None:
    with reading(database) as db:
        return timeline(family.together(db, find_session(db, session)["session_id"]), session, now)


def test_threads_that_worked_for_a_session_lie_below_it(tmp_path: Path) -> None:
    root = scenes.session()
    worker = scenes.session(
        T0 + 100, n=1, relation=told("subagent"), parent_session_id=told(root.session_id)
    )
    fork = scenes.session(
        T0 + 200, n=2, relation=told("fork"), forked_from_id=told(root.session_id)
    )
    database = scenes.write(
        tmp_path / "a.db",
        *(root, worker, fork),
        scenes.turn(root, T0, 500),
        scenes.turn(root, T0 + 800, 200, n=2, status=told("failed")),
        scenes.turn(worker, T0 + 250, 100, n=3),
        scenes.turn(fork, T0 + 5_000, 100, n=4),
    )
    found = drawn(database, root.session_id)
    assert found is not None
    assert [(lane.session_id, lane.relation, lane.turns) for lane in found.lanes] == [
        (root.session_id, "root", 2),
        (worker.session_id, "subagent", 1),
    ]
    own, other = (
        [(rect.part, round(rect.x), round(rect.width)) for rect in lane.rects]
        for lane in found.lanes
    )
    assert own == [("completed", 0, 500), ("failed", 800, 200)]
    assert other == [("completed", 250, 100)]


def test_turns_too_short_to_be_told_apart_are_one(tmp_path: Path) -> None:
    root = scenes.session()
    ends = ["completed"] * 5 + ["failed"]
    close = [
        scenes.turn(root, T0 + n * 1_000, 10, n=n, status=told(end)) for n, end in enumerate(ends)
    ]
    last = scenes.turn(root, T0 + scenes.DAY, 10, n=9)
    found = drawn(scenes.write(tmp_path / "a.db", root, *close, last), root.session_id)
    assert found is not None
    assert [rect.says for rect in found.lanes[0].rects] == [
        "5 turns, completed",
        "failed, 10 ms",
        "completed, 10 ms",
    ]


def test_a_turn_that_runs_reaches_to_now(tmp_path: Path) -> None:
    root = scenes.session()
    database = scenes.write(tmp_path / "a.db", root, scenes.turn(root, T0, None))
    found = drawn(database, root.session_id, T0 + 60_040)
    assert found is not None
    assert (found.length_ms, found.lanes[0].rects[0].part) == (60_040, "in_progress")


def test_a_swarm_is_cut_and_said_to_be(tmp_path: Path) -> None:
    root = scenes.session()
    swarm = [
        scenes.session(n=n, relation=told("subagent"), parent_session_id=told(root.session_id))
        for n in range(1, LANES + 4)
    ]
    turns = [scenes.turn(one, T0 + n, 50, n=n + 50) for n, one in enumerate([root, *swarm])]
    found = drawn(scenes.write(tmp_path / "a.db", root, *swarm, *turns), root.session_id)
    assert found is not None
    assert (len(found.lanes), found.hidden) == (LANES, 4)


def test_a_session_without_turns_has_no_axis(tmp_path: Path) -> None:
    root = scenes.session()
    assert drawn(scenes.write(tmp_path / "a.db", root), root.session_id) is None
