"""What is summed up further for reports says what all usage says, whatever has happened to it since."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import big_database
import large
from codex_telemetry.cli.period import Zone
from codex_telemetry.reports.shapes_tokens import Tokens
from codex_telemetry.reports.tokens import By, Calendar, tokens
from codex_telemetry.store import queries, summing
from codex_telemetry.store.queries import Filters
from saved import query

BEGUN, SPAN = big_database.BEGUN, big_database.SPAN_MS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = large.write(tmp_path_factory.mktemp("summed") / "telemetry.db", 400)
    change(path, "UPDATE usage SET cost_usd = NULL, input_tokens = NULL WHERE quarter % 3 = 0")
    change(path, "UPDATE usage SET quarter = NULL WHERE session_key = 5")
    change(path, "UPDATE usage SET quarter = -3 WHERE session_key = 6")
    summing.sum_due(path)
    assert len(blocks(path)) > 15
    return path


@pytest.fixture
def database(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path))


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(sql)
        db.commit()


def blocks(path: Path) -> set[int]:
    return {row[0] for row in query(path, "SELECT block FROM summed_blocks")}


def reports(path: Path, filters: Filters, *keys: By) -> list[list[Tokens]]:
    calendar = Calendar(Zone("Asia/Kathmandu").offsets)
    with queries.reading(path) as db:
        found = [tokens(db, filters, by, calendar, roll_up=False) for by in keys or get_args(By)]
    return [[_rounded(row) for row in (used.total, *used.rows)] for used in found]


def _rounded(row: Tokens) -> Tokens:
    """Numbers with a fraction may be added up in another order."""
    usd = None if row.cost_usd is None else round(row.cost_usd, 6)
    return msgspec.structs.replace(row, cost_usd=usd)


def without(path: Path) -> Path:
    """The same usage, with nothing summed up further."""
    copy = Path(shutil.copy(path, path.with_name("plain.db")))
    change(copy, "DELETE FROM summed_blocks")
    for table in ("usage_of_quarters", "usage_of_groups"):
        assert query(copy, f"SELECT count(*) FROM {table}") == [(0,)]
    return copy


moments = st.none() | st.integers(0, SPAN).map(lambda ms: BEGUN + ms)


@settings(max_examples=40, deadline=None)
@given(
    st.builds(
        Filters,
        since=moments,
        until=moments,
        last=st.none() | st.just(3),
        model=st.none() | st.just("gpt-5.5"),
        status=st.none() | st.just("completed"),
        projects=st.sampled_from([(), ("/home/me/work/project-1",)]),
    ),
    st.sampled_from(get_args(By)),
)
def test_reports_say_the_same_of_what_is_summed_up(made: Path, filters: Filters, by: By) -> None:
    assert reports(made, filters, by) == reports(without(made), filters, by)


CHANGES = (
    "DELETE FROM usage WHERE session_key % 5 = 0",
    "UPDATE usage SET total_tokens = total_tokens + 1 WHERE session_key % 5 = 0",
    "UPDATE usage SET quarter = quarter + 2688 WHERE session_key % 5 = 0",
    "UPDATE usage SET quarter = NULL WHERE session_key % 5 = 0",
    "INSERT INTO usage SELECT * FROM usage WHERE session_key % 5 = 0",
)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("sql", CHANGES)
def test_after_any_change_the_reports_say_what_usage_says(
    database: Path, sql: str, again: bool
) -> None:
    before = blocks(database)
    change(database, sql)
    assert blocks(database) < before
    if again:
        assert summing.sum_due(database) > 0
    assert reports(database, Filters()) == reports(without(database), Filters())


def test_the_newest_block_is_left_alone_and_the_rest_is_summed_up_once(database: Path) -> None:
    ((newest,),) = query(database, f"SELECT max(quarter) / {summing.SIZE} FROM usage")
    assert newest not in blocks(database)
    assert summing.sum_due(database) == 0
