"""What is sorted for reports says what the rows themselves say, whatever has happened to them since."""

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import large
from codex_telemetry.cli.period import Zone
from codex_telemetry.reports import stats, tools
from codex_telemetry.reports.shapes_stats import Stats, ToolStats
from codex_telemetry.store import queries, sorted_times, sorting, turn_words
from codex_telemetry.store.measured import BYS, By
from codex_telemetry.store.queries import Filters
from codex_telemetry.store.stored_items import stored_kind, stored_status
from saved import query

TURNS = 240
APART = 1_700
BLOCKS = TURNS * APART // sorting.SIZE
DAYS = Zone("Europe/Berlin").days

Report = tuple[dict[By | None, list[Stats]], list[ToolStats]]


def spread_out(path: Path) -> None:
    """So that a few turns fill several blocks."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN")
        for table in ("turns", "items", "responses"):
            # Twice, since no two may ever have the same key.
            db.execute(f"UPDATE {table} SET turn_key = -turn_key")
            db.execute(f"UPDATE {table} SET turn_key = -turn_key * {APART}")
        db.execute("COMMIT")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = large.write(tmp_path_factory.mktemp("sorted") / "telemetry.db", TURNS)
    spread_out(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "UNSETTLED", 0)
        patch.setattr(sorted_times, "FEW", 10 * BLOCKS)
        assert sorting.sort_due(path, DAYS) == BLOCKS
        yield path


@pytest.fixture
def database(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path))


def reports(path: Path, filters: Filters = Filters(), zone: str = "UTC") -> Report:  # noqa: B008
    days = Zone(zone).days
    with queries.reading(path) as db:
        return (
            {by: list(stats.rows(stats.groups(db, filters, by, days))) for by in (None, *BYS)},
            [row for key in tools.BYS for row in tools.tools(db, filters, key)],
        )


def without(path: Path) -> Path:
    """The same rows, with nothing sorted."""
    copy = Path(shutil.copy(path, path.with_name("unsorted.db")))
    change(copy, "DELETE FROM sorted_blocks")
    assert query(copy, "SELECT count(*) FROM sorted_times") == [(0,)]
    return copy


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA foreign_keys=ON")
        db.execute(sql)
        db.commit()


def blocks(path: Path) -> set[int]:
    return {row[0] for row in query(path, "SELECT block FROM sorted_blocks")}


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "America/New_York"])
@pytest.mark.parametrize("status", [None, "completed", "failed"])
def test_reports_say_the_same_of_what_is_sorted(
    database: Path, status: str | None, zone: str
) -> None:
    filters = Filters(status=status)
    with queries.reading(database) as db:
        assert sorted_times.unsorted(db, filters) is not None
    assert reports(database, filters, zone) == reports(without(database), filters, zone)


def test_times_of_any_size_are_kept(database: Path) -> None:
    change(database, f"UPDATE turns SET duration_ms = -7 WHERE turn_key = {3 * APART}")
    change(database, f"UPDATE turns SET ttft_ms = 1 << 40 WHERE turn_key = {30 * APART}")
    sorting.sort_due(database, DAYS)
    assert len(blocks(database)) == BLOCKS
    assert reports(database) == reports(without(database))


FAILED = turn_words.stored_status("failed")
SOME = "turn_key % 7 = {n}"
CHANGES = (
    f"DELETE FROM turns WHERE {SOME}",
    f"DELETE FROM items WHERE {SOME}",
    f"UPDATE turns SET status_stored = {FAILED}, model = 'other' WHERE {SOME}",
    f"UPDATE turns SET started_at = started_at + 86400000, effort_stored = NULL WHERE {SOME}",
    f"UPDATE turns SET duration_ms = duration_ms + 1, tools_ms = NULL WHERE {SOME}",
    f"UPDATE turns SET ttft_ms = 5, approval_ms = 6, cli_version = '1' WHERE {SOME}",
    f"UPDATE turns SET cwd = NULL WHERE {SOME}",
    f"""UPDATE turns SET turn_index = -turn_key,
            session_key = (SELECT max(session_key) FROM sessions) WHERE {SOME}""",
    f"UPDATE items SET duration_ms = 9, name = 'n' WHERE {SOME}",
    f"""UPDATE items SET status_stored = {stored_status("declined")},
                kind_stored = {stored_kind("mcp_tool")}, server = 's' WHERE {SOME}""",
    "UPDATE sessions SET cwd = '/a', originator = 'o' WHERE session_key % 7 = {n}",
    "UPDATE sessions SET git_repo = NULL, client_name = 'c' WHERE session_key % 7 = {n}",
    "UPDATE sessions SET cwd = NULL WHERE git_repo IS NOT NULL AND session_key % 7 < {n}",
    f"""INSERT INTO turns
                (turn_key, turn_id, session_key, session_stored, turn_index, status_stored, duration_ms,
                 sources)
            SELECT turn_key + 1, turn_id || 'b', session_key, session_stored, -turn_key, status_stored,
                8, 1
            FROM turns WHERE {SOME}""",
    f"""INSERT INTO items (turn_key, nth, id_stored, kind_stored, name, status_stored, duration_ms)
            SELECT turn_key, 999, 'new', {stored_kind("command")}, 'new', {stored_status("completed")}, 4
            FROM turns WHERE {SOME}""",
)
SORT = "sort"


@pytest.mark.parametrize("sql", CHANGES)
def test_after_any_change_the_reports_say_what_the_rows_say(database: Path, sql: str) -> None:
    before = blocks(database)
    change(database, sql.format(n=3))
    assert blocks(database) < before
    assert reports(database) == reports(without(database))
    assert query(database, _ASTRAY) == []


def test_a_turn_without_items_can_be_removed(database: Path) -> None:
    change(database, f"DELETE FROM items WHERE turn_key = {APART}")
    sorting.sort_due(database, DAYS)
    assert len(blocks(database)) == BLOCKS
    change(database, f"DELETE FROM turns WHERE turn_key = {APART}")
    assert len(blocks(database)) == BLOCKS - 1


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*CHANGES, SORT]), st.integers(0, 6)), max_size=5))
def test_whatever_changes_and_is_sorted_again_the_reports_say_what_the_rows_say(
    made: Path, done: list[tuple[str, int]]
) -> None:
    folder = made.with_name("changed")
    folder.mkdir(exist_ok=True)
    path = Path(shutil.copy(made, folder))
    for sql, n in done:
        if sql == SORT:
            sorting.sort_due(path, DAYS)
        else:
            # Some can't be done twice.
            with contextlib.suppress(sqlite3.IntegrityError):
                change(path, sql.format(n=n))
    assert reports(path) == reports(without(path))
    assert query(path, _ASTRAY) == []


_ASTRAY = "SELECT * FROM sorted_times WHERE block NOT IN (SELECT block FROM sorted_blocks)"


def test_what_changes_nothing_leaves_all_sorted(database: Path) -> None:
    change(
        database,
        "UPDATE turns SET status_stored = status_stored, prompts = 99, turn_index = -turn_index",
    )
    change(database, "UPDATE sessions SET cwd = cwd, archived = 1")
    change(database, "UPDATE items SET kind_stored = kind_stored, output_bytes = 1")
    assert len(blocks(database)) == BLOCKS


def test_a_change_takes_out_its_block_alone(database: Path) -> None:
    before = blocks(database)
    change(database, f"UPDATE turns SET duration_ms = 1 WHERE turn_key = {TURNS // 2 * APART - 7}")
    assert blocks(database) == before
    change(database, f"UPDATE turns SET duration_ms = 1 WHERE turn_key = {TURNS // 2 * APART}")
    assert len(before - blocks(database)) == 1


def test_nothing_sorted_is_used_where_most_isnt(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorted_times, "FEW", 1)
    change(database, "DELETE FROM sorted_blocks WHERE block < 2")
    with queries.reading(database) as db:
        assert sorted_times.unsorted(db, Filters()) is None
    assert reports(database) == reports(without(database))


def test_a_block_is_sorted_once_it_is_full_and_settled(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(database, "DELETE FROM sorted_blocks")
    monkeypatch.setattr(sorting, "UNSETTLED", sorting.SIZE + 1)
    assert sorting.sort_due(database, DAYS) == BLOCKS - 1
    assert sorting.sort_due(database, DAYS) == 0
