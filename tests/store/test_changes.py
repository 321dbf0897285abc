"""The change feed: whoever reads on from where it was is told of every change, once, in order."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from codex_telemetry.core.facts import Clock
from codex_telemetry.store import changes, copies, restore
from codex_telemetry.store.changes import Change, Place, changes_since
from codex_telemetry.store.db import open_reader, prepare
from saved import BORN, batch, prepare_before, prune, query, save, thread, turn

DAY = BORN // changes.DAY_MS


def number(path: Path) -> int:
    with closing(open_reader(path)) as db:
        return changes.state(db).number


def since(path: Path, n: int) -> list[Change]:
    with closing(open_reader(path)) as db:
        return changes_since(db, changes.after(n), 1_000)


def told(path: Path, n: int) -> set[tuple[str, str | None, int | None, bool]]:
    return {(c.kind, c.id, c.day, c.is_gone) for c in since(path, n)}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "t.db"
    save(path, batch("a", turn(1, thread(1)), turn(2, thread(1)), turn(3, thread(2))))
    return path


def test_what_a_save_changed_is_told_and_nothing_else(database: Path) -> None:
    before = number(database)
    assert len(told(database, 0)) == 5
    assert since(database, before) == []
    more = turn(2, thread(1), total=300)
    save(database, batch("b", more))
    turns = {(kind, id_) for kind, id_, _, _ in told(database, before)}
    assert turns == {("turn", more.turn_id), ("session", thread(1))}
    assert {change.place.number for change in since(database, before)} == {before + 1}


def test_a_turn_that_is_numbered_anew_has_changed(database: Path) -> None:
    before = number(database)
    save(database, batch("b", turn(0, thread(1))))
    assert {change.id for change in since(database, before)} >= {turn(2, thread(1)).turn_id}


def test_it_can_be_read_in_pieces_of_any_size(database: Path) -> None:
    save(database, batch("b", turn(1, thread(1), at=3 * changes.DAY_MS)), afresh=False)
    prune(database, BORN + 15_000)
    with closing(open_reader(database)) as db:
        whole = changes_since(db, Place(), 1_000)
        assert len({change.place for change in whole}) == len(whole)
        assert sorted(change.place for change in whole) == [change.place for change in whole]
        for size in (1, 2, 3):
            place, pieces = Place(), list[Change]()
            while piece := changes_since(db, place, size):
                pieces += piece
                place = piece[-1].place
            assert pieces == whole


def test_a_turn_that_moves_to_another_day_is_gone_from_the_first(database: Path) -> None:
    before = number(database)
    # An older log had its own idea of when it was; Codex's clock says better.
    late = turn(4, thread(1), starts={Clock.LOG: BORN + changes.DAY_MS}, ends={}, duration=None)
    late = msgspec.structs.replace(late, turn_id=f"{thread(1)}:@{BORN}")
    save(database, batch("b", late))
    (was,) = query(database, "SELECT started_at FROM turns WHERE turn_id = ?", late.turn_id)
    assert was == (BORN + changes.DAY_MS,)
    save(database, batch("c", msgspec.structs.replace(late, starts={Clock.CODEX_MS: BORN})))
    found = told(database, before)
    assert ("turn", str(late.turn_id), DAY + 1, True) in found
    assert ("turn", str(late.turn_id), DAY, False) in found


def test_of_a_pruned_turn_the_day_is_told_and_not_which_it_was(database: Path) -> None:
    before = number(database)
    gone = turn(1, thread(1)).turn_id
    prune(database, BORN + 15_000)
    assert told(database, before) == {
        ("turn", None, DAY, True),
        ("turn", str(turn(2, thread(1)).turn_id), DAY, False),  # the first of its session now
        ("session", str(thread(1)), DAY, False),
    }
    assert query(database, "SELECT count(*) FROM removed WHERE id = ?", gone) == [(0,)]


def test_what_an_older_version_wrote_counts_as_changed_once(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    prepare_before(path, "CREATE TABLE saves")
    with closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO sessions (session_id, sources) VALUES ('s', 1)")
        db.execute(
            """INSERT INTO turns (turn_id, session_id, turn_index, status, sources)
            VALUES ('t', 's', 0, 'completed', 1)"""
        )
        db.commit()
    prepare(path)
    assert told(path, 0) == {("session", "s", None, False), ("turn", "t", None, False)}
    assert told(path, number(path)) == set()


def test_a_restored_copy_has_another_history(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copies.backup(database, copy, force=False)
    with closing(open_reader(database)) as db:
        before = changes.state(db)
    restore.restore(copy, database, tmp_path / "kept.db", content=False)
    with closing(open_reader(database)) as db:
        now = changes.state(db)
    assert now.database == before.database
    assert now.history != before.history


@pytest.mark.parametrize("part", changes.PARTS)
def test_to_read_on_is_a_seek(database: Path, part: changes._Part) -> None:
    with closing(open_reader(database)) as db:
        for sql, values in ((part.rest, (1, 1, 1)), (part.further, (1, 1))):
            (plan,) = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
            assert plan.startswith("SEARCH")
            assert "=? AND" in plan or sql == part.further
