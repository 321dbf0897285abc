"""How SQLite goes about each report's statements: along indexes, and never through what was told.

Said by its own plan, for what takes a second on half a million turns takes nothing on a few.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import large
from codex_telemetry.cli.period import Zone
from codex_telemetry.reports import (
    events,
    forest,
    sessions,
    startups,
    stats,
    tools,
    turns,
    versions,
)
from codex_telemetry.store import happenings, health, queries
from codex_telemetry.store.find import find_session, find_turn
from codex_telemetry.store.measured import BYS
from codex_telemetry.store.queries import Filters, Store

TURN, LATE = 40, 1_780_000_000_000
NARROWED = {
    "all": Filters(),
    "since": Filters(since=LATE),
    "last": Filters(last=20),
    "status": Filters(status="failed"),
    "model": Filters(model="gpt-5.5"),
    "project": Filters(projects=("/home/me/work/project-1",)),
    "session": Filters(session_id="nobody's"),
}
DAYS = Zone("UTC").days


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return large.write(tmp_path_factory.mktemp("plans") / "telemetry.db", 500)


@pytest.fixture
def db(database: Path) -> Iterator[Store]:
    with queries.reading(database) as opened:
        yield opened


def plans(db: Store, report: Callable[[Store], Any]) -> list[str]:
    """What SQLite does for each step of each statement of a report."""
    asked: list[str] = []
    db.set_trace_callback(asked.append)
    found = report(db)
    if isinstance(found, Iterator):
        list(found)
    db.set_trace_callback(None)
    statements = [sql for sql in asked if sql.lstrip().startswith("SELECT")]
    assert statements
    return [
        step["detail"] for sql in statements for step in db.execute(f"EXPLAIN QUERY PLAN {sql}")
    ]


def _turn(db: Store) -> sqlite3.Row:
    row = db.execute("SELECT * FROM turns WHERE turn_key = ?", [TURN]).fetchone()
    return find_turn(db, row["turn_id"][:20])


REPORTS: dict[str, Callable[[Store, Filters], Any]] = {
    "turns": turns.turns,
    "turns counted": queries.count_turns,
    "sessions": sessions.sessions,
    "sessions counted": queries.count_sessions,
    "stats": lambda db, f: stats.groups(db, f, None, DAYS),
    **{
        f"stats by {by}": lambda db, f, by=by: stats.groups(db, f, by, DAYS)  # type: ignore[misc]
        for by in BYS
    },
    "tools": lambda db, f: tools.tools(db, f, "name"),
    "events": lambda db, f: events.events(db, f, None),
    "events of a kind": lambda db, f: events.events(db, f, "error"),
    "events counted": lambda db, f: happenings.count_events(db, f, "error"),
    "kinds of events": lambda db, _: happenings.kinds_of_events(db),
    "trees of sessions": lambda db, f: forest.page(db, f, size=30, skipped=0),
    "starts of servers": lambda db, f: startups.startups(db, f, DAYS),
    "versions": lambda db, f: versions.versions(db, f, DAYS),
}
ONE: dict[str, Callable[[Store], Any]] = {
    "turn": lambda db: turns.detail(db, _turn(db)),
    "turn drawn": lambda db: (turns.outlined(db, _turn(db)), turns.events(db, _turn(db))),
    "last turn": queries.last_turn,
    "session": lambda db: sessions.detail(db, find_session(db, _turn(db)["session_id"])),
    "doctor": lambda db: [
        list(queries.gaps(db)),
        list(queries.drift(db)),
        health.turns_by_sources(db),
        health.odd_times(db, LATE),
    ],
}


@pytest.mark.parametrize("narrowed", NARROWED)
@pytest.mark.parametrize("name", REPORTS)
def test_a_list_goes_through_no_table_that_grows_by_item_or_claim(
    db: Store, name: str, narrowed: str
) -> None:
    steps = plans(db, lambda db: REPORTS[name](db, NARROWED[narrowed]))
    assert not [step for step in steps if "told_" in step]
    whole = [step for step in steps if step.startswith("SCAN items")]
    assert not [step for step in whole if "USING COVERING INDEX" not in step]


@pytest.mark.parametrize("name", ONE)
def test_what_is_about_one_thing_looks_it_up(db: Store, name: str) -> None:
    steps = plans(db, ONE[name])
    for table in (
        "told_turns",
        "told_bodies",
        "told_sessions",
        "items",
        "responses",
        "events",
        "turns",
    ):
        scans = [step for step in steps if step.startswith(f"SCAN {table}")]
        assert not [step for step in scans if "INDEX" not in step]
    assert not [step for step in steps if step.startswith("SCAN told_")]


@pytest.mark.parametrize("narrowed", NARROWED)
@pytest.mark.parametrize("name", [name for name in REPORTS if name.startswith("stats")])
def test_stats_read_an_index_and_never_the_turns(db: Store, name: str, narrowed: str) -> None:
    steps = plans(db, lambda db: REPORTS[name](db, NARROWED[narrowed]))
    of_turns = [step for step in steps if " turns" in step]
    assert of_turns
    assert all("turns USING COVERING INDEX turns_measured" in step for step in of_turns)


@pytest.mark.parametrize("narrowed", ["all", "since"])
def test_since_goes_to_where_it_begins(db: Store, narrowed: str) -> None:
    steps = plans(db, lambda db: stats.groups(db, NARROWED[narrowed], "model", DAYS))
    assert any(step.startswith("SEARCH turns") for step in steps) == (narrowed == "since")


def test_all_tool_calls_come_out_of_one_index_in_order(db: Store) -> None:
    steps = plans(db, lambda db: tools.tools(db, Filters(), "name"))
    (step,) = [step for step in steps if " items" in step]
    assert "items USING COVERING INDEX tool_calls" in step


def test_the_calls_of_a_few_turns_are_looked_up_by_turn(db: Store) -> None:
    steps = plans(db, lambda db: tools.tools(db, Filters(last=20), "name"))
    assert "SEARCH items USING PRIMARY KEY (turn_key=?)" in steps


@pytest.mark.parametrize("name", [name for name in REPORTS if name.startswith(("stats", "tools"))])
def test_where_times_are_sorted_they_are_read_and_only_the_rest_of_the_turns(
    database: Path, tmp_path: Path, name: str
) -> None:
    path = Path(shutil.copy(database, tmp_path))
    with closing(sqlite3.connect(path)) as filled:
        filled.execute("INSERT INTO sorted_blocks VALUES (1)")
        filled.commit()
    with queries.reading(path) as db:
        steps = plans(db, lambda db: REPORTS[name](db, NARROWED["all"]))
    assert any(step.startswith("SEARCH sorted_times USING PRIMARY KEY") for step in steps)
    assert "SEARCH turns USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in steps
    assert not [step for step in steps if step.startswith(("SCAN turns", "SCAN items"))]


@pytest.mark.parametrize("kind", [None, "error"])
def test_the_newest_events_are_found_at_the_end_of_an_index(db: Store, kind: str | None) -> None:
    steps = plans(db, lambda db: events.events(db, Filters(last=20), kind))
    inner = next(step for step in steps if " events" in step)
    assert "events_by_time" in inner if kind is None else "events_by_kind (kind=?)" in inner
