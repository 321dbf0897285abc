"""Where the time of many turns went: added up by day, nobody's time twice."""

from pathlib import Path

import scenes
from codex_telemetry.cli.period import Zone
from codex_telemetry.core.facts import Source
from codex_telemetry.reports.time_spent import time_spent
from codex_telemetry.store.queries import Filters, reading

BERLIN = Zone("Europe/Berlin")


def test_parts_are_added_up_without_those_of_workers(tmp_path: Path) -> None:
    first = scenes.session()
    worker = scenes.session(
        n=5, relation=scenes.told("subagent"), parent_session_id=scenes.told(first.session_id)
    )
    database = scenes.write(
        tmp_path / "telemetry.db", first, worker, scenes.busy_turn(first),
        scenes.turn(worker, scenes.T0 + 2_200, 900, n=6),
    )  # fmt: skip
    with reading(database) as db:
        spent = time_spent(db, Filters(), BERLIN.days)
    assert spent.turns == 1
    assert sum(share.ms for share in spent.shares) == 4_220
    assert spent.shares[0].part == "model"


def test_a_day_is_that_of_the_zone(tmp_path: Path) -> None:
    session = scenes.session()
    late = scenes.T0 + 14 * scenes.HOUR + 30 * 60_000  # 23:30 UTC, half past midnight in Berlin
    database = scenes.write(
        tmp_path / "telemetry.db",
        session,
        scenes.busy_turn(session),
        scenes.busy_turn(session, late),
    )
    with reading(database) as db:
        assert sorted(time_spent(db, Filters(), BERLIN.days).by_key) == ["2026-03-02", "2026-03-03"]
        assert sorted(time_spent(db, Filters(), Zone("UTC").days).by_key) == ["2026-03-02"]
        assert time_spent(db, Filters(until=late), BERLIN.days).turns == 1


def test_of_turns_whose_parts_nobody_knows_nothing_is_added(tmp_path: Path) -> None:
    session = scenes.session(sources=Source.ROLLOUT)
    running = scenes.turn(session, scenes.T0, None)
    database = scenes.write(tmp_path / "telemetry.db", session, running)
    with reading(database) as db:
        assert time_spent(db, Filters(), BERLIN.days) == (0, 0, [], {})
