"""Milestones of some time are found by their windows: all, whatever clock they were read by."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from codex_telemetry.core.facts import LimitSample
from codex_telemetry.store import db as database
from codex_telemetry.store import limit_queries, queries
from codex_telemetry.store import milestone_statements as sql
from codex_telemetry.store.queries import Filters, Row, Store
from saved import BORN, batch, query, save

MINUTE, HOUR = 60_000, 3_600_000
LENGTHS = [("", 300), ("", 10_080), ("codex", 60), ("codex", 300), ("codex_other", 10_080)]
MOMENTS = [BORN + n * HOUR for n in (-300, -40, -7, 0, 5, 33, 300)]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of some windows some milestones: before, in and after the window."""
    path = tmp_path_factory.mktemp("milestones") / "telemetry.db"
    database.prepare(path)
    chance = random.Random(7)
    with closing(sqlite3.connect(path)) as db, db:
        for limit_id, minutes in LENGTHS:
            for reset in chance.sample(range(-200, 200), 12):
                resets_at = BORN + reset * HOUR
                for percent in chance.sample(range(1, 101), 6):
                    at = resets_at - int(chance.uniform(-0.5, 2.5) * minutes * MINUTE)
                    row = (limit_id, minutes, resets_at, percent, at, "live", 1, None, None, None)
                    db.execute(sql.KEEP, row)
    return path


@pytest.fixture
def db(path: Path) -> Iterator[Store]:
    with queries.reading(path) as opened:
        yield opened


def all_of(db: Store) -> list[Row]:
    return db.execute(
        "SELECT * FROM milestones ORDER BY at, limit_id, window_minutes, percent"
    ).fetchall()


def test_some_were_read_by_a_clock_that_was_wrong(db: Store) -> None:
    odd = db.execute(f"SELECT count(*) FROM milestones WHERE {sql.ODD}").fetchone()[0]
    assert 50 < odd < len(all_of(db)) - 50


@pytest.mark.parametrize("last", [None, 1, 7, 100, 1_000])
def test_a_report_has_all_of_its_stretch_of_time(db: Store, last: int | None) -> None:
    rows = all_of(db)
    for since, until in product([None, *MOMENTS], [*MOMENTS, None]):
        there = [
            (row["at"], row["limit_id"] or None, row["window_minutes"], row["percent"])
            for row in rows
            if (since is None or row["at"] >= since) and (until is None or row["at"] < until)
        ]
        filters = Filters(since=since, until=until, last=last)
        told = [
            (row["at"], row["limit_id"], row["window_minutes"], row["percent"])
            for row in limit_queries.milestones(db, filters)
        ]
        assert told == (there if last is None else there[-last:])
        assert limit_queries.count_milestones(db, filters) == len(there)


def test_windows_that_ran_when_something_was_used_are_those_with_a_milestone_since(
    db: Store,
) -> None:
    rows = all_of(db)
    for first, last in product(MOMENTS, MOMENTS):
        running = {
            (row["limit_id"], row["window_minutes"], row["window_resets_at"])
            for row in rows
            if row["at"] >= first
            and row["window_resets_at"] - row["window_minutes"] * MINUTE <= last
        }
        told = db.execute(sql.RUNNING, {"first": first, "last": last}).fetchall()
        assert len(told) == len(running)
        assert {tuple(row) for row in told} == running


@pytest.mark.parametrize("resets_after", [-8 * HOUR, 400 * HOUR])
def test_what_a_wrong_clock_read_of_a_week_has_the_five_hours_of_then(
    tmp_path: Path, resets_after: int
) -> None:
    path = tmp_path / "telemetry.db"
    save(path, batch("a", LimitSample("codex", 10_080, BORN, 51, BORN + resets_after)))
    save(path, batch("a", LimitSample("codex", 300, BORN - 5, 7, BORN + HOUR)))
    week = "SELECT at, five_hour_percent FROM milestones WHERE window_minutes = 10080"
    assert query(path, week) == [(BORN, 7.0)]


PLANNED: dict[str, Any] = {
    sql.LENGTHS: {},
    sql.RUNNING: {"first": BORN, "last": BORN},
    sql.FIVE_HOURS_OF_LENGTH: ["codex", 300, BORN, BORN],
    sql.FIVE_HOURS_OF_ODD: ["codex", BORN, BORN],
}


@pytest.mark.parametrize("statement", PLANNED)
def test_no_save_goes_through_all_milestones_there_are(db: Store, statement: str) -> None:
    plan = db.execute(f"EXPLAIN QUERY PLAN {statement}", PLANNED[statement])
    steps = [step["detail"] for step in plan]
    assert [step for step in steps if step.startswith("SEARCH")]
    assert not [step for step in steps if step.startswith(("SCAN m", "SCAN t"))]
    assert "SEARCH milestones USING PRIMARY KEY (limit_id=?)" not in steps
