"""Queries give what is asked for, in order, from tables of any size."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

import scenes
from codex_telemetry.core.facts import Drift
from codex_telemetry.errors import UserError
from codex_telemetry.store import queries
from codex_telemetry.store.find import find_session, find_turn
from codex_telemetry.store.queries import Filters, Store

T0 = scenes.T0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    first = scenes.session()
    second = scenes.session(T0 + scenes.DAY, n=1)
    path = scenes.write(
        tmp_path / "telemetry.db",
        first,
        second,
        scenes.busy_turn(first),
        *(scenes.turn(second, T0 + scenes.DAY + n * 1_000, 100, n=n) for n in range(5)),
    )
    with queries.reading(path) as db:
        yield db


def ids(rows: Iterator[queries.Row]) -> list[str]:
    return [row["turn_id"] for row in rows]


def test_turns_come_newest_last_however_few_are_asked_for(store: Store) -> None:
    every = ids(queries.turns(store, Filters()))
    for last in range(1, 8):
        assert ids(queries.turns(store, Filters(last=last))) == every[-last:]
        assert queries.count_turns(store, Filters(last=last)) == min(last, 6)


def test_a_count_is_the_number_of_rows(store: Store) -> None:
    for filters in (
        Filters(),
        Filters(since=T0 + 2_000),
        Filters(until=T0 + scenes.DAY + 2_000),
        Filters(model="gpt-5.5", status="completed", projects=("/home/me",)),
        Filters(session_id="none"),
    ):
        assert queries.count_turns(store, filters) == len(list(queries.turns(store, filters)))
        assert queries.count_sessions(store, filters) == len(list(queries.sessions(store, filters)))


def test_until_is_without_the_moment_itself(store: Store) -> None:
    at = T0 + scenes.DAY + 2_000
    before = ids(queries.turns(store, Filters(until=at)))
    after = ids(queries.turns(store, Filters(since=at)))
    assert before + after == ids(queries.turns(store, Filters()))
    assert len(after) == 3


def test_a_list_is_read_along_an_index(store: Store) -> None:
    """Half a million turns in order, without sorting them first."""
    for sql in (
        "SELECT * FROM turns WHERE 1 ORDER BY started_at, turn_key",
        "SELECT * FROM turns WHERE started_at >= 5 ORDER BY started_at DESC, turn_key DESC LIMIT 9",
        "SELECT * FROM sessions WHERE 1 ORDER BY last_at, session_key",
    ):
        plan = " ".join(row["detail"] for row in store.execute(f"EXPLAIN QUERY PLAN {sql}"))
        assert "USING INDEX" in plan
        assert "TEMP B-TREE" not in plan


def test_an_id_is_found_by_an_index(store: Store) -> None:
    plan = store.execute(
        "EXPLAIN QUERY PLAN SELECT turn_id FROM turns WHERE turn_id >= 'a' AND turn_id < 'b'"
    ).fetchall()
    assert "SEARCH" in plan[0]["detail"]


def test_items_come_in_order_of_start_and_responses_in_order_of_time(store: Store) -> None:
    (row,) = queries.turns(store, Filters(until=T0 + scenes.HOUR))
    items = [item["item_id"] for item in queries.items_of(store, row["turn_key"])]
    assert items == ["i0", "i1", "i2", "i3", "i4", "i5"]
    totals = [r["running_total_tokens"] for r in queries.responses_of(store, row["turn_key"])]
    assert totals == [1_200, 2_500, 3_900]
    assert [event["kind"] for event in queries.events_of(store, row["turn_id"])].count("retry") == 1


def test_drift_of_several_launches_is_added_up(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    for launch in ("a", "b"):
        scenes.write(path, Drift("0.169.0", "x/y", "unknown method"), origin=launch)
    with queries.reading(path) as db:
        (row,) = queries.drift(db)
        assert (row["n"], row["source"], row["codex_version"]) == (2, "live", "0.169.0")


@pytest.mark.parametrize("wanted", ["%", "_", "a' OR '1'='1", "", "019cadc6:x", ":0", "::"])
def test_an_id_is_no_pattern_and_no_sql(store: Store, wanted: str) -> None:
    with pytest.raises(UserError):
        find_turn(store, wanted)
    if wanted:
        with pytest.raises(UserError):
            find_session(store, wanted)


def test_a_readers_connection_writes_nothing(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store.execute("DELETE FROM turns")


def test_what_sqlite_says_becomes_one_line(tmp_path: Path) -> None:
    path = scenes.write(tmp_path / "telemetry.db")
    with pytest.raises(UserError, match="cannot read the database"), queries.reading(path) as db:
        db.execute("SELECT * FROM nowhere")
