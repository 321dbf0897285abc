"""Where a sink is: it moves on with what was taken, and a copy that is restored brings its own place."""

from contextlib import closing
from pathlib import Path

import pytest

from codex_telemetry.store import changes, consent, copies, restore, sink_cursors
from codex_telemetry.store.changes import Place, changes_since
from codex_telemetry.store.db import open_reader
from codex_telemetry.store.sink_cursors import Cursor
from saved import BORN, batch, save, thread, turn

SINK, TARGET = "otlp", "http://127.0.0.1:4318"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "t.db"
    save(path, batch("a", turn(1, thread(1)), turn(2, thread(1)), turn(3, thread(2))))
    with consent.writing(path) as db:
        sink_cursors.begin(db, SINK, TARGET, BORN)
    return path


def found(path: Path) -> Cursor:
    with closing(open_reader(path)) as db:
        cursor = sink_cursors.of(db, SINK, TARGET)
    assert cursor is not None
    return cursor


def behind(path: Path) -> int:
    with closing(open_reader(path)) as db:
        return sink_cursors.turns_behind(db, found(path).place)


def read_on(path: Path, n: int) -> Place:
    with closing(open_reader(path)) as db:
        return changes_since(db, found(path).place, n)[-1].place


def advance(path: Path, place: Place, **told: int) -> None:
    with consent.writing(path) as db:
        sink_cursors.advance(db, SINK, place, BORN + 5, **told)


def test_what_comes_after_it_is_behind(database: Path) -> None:
    assert behind(database) == 3
    for left in (2, 1, 0, 0, 0):  # two sessions follow the turns
        advance(database, read_on(database, 1))
        assert behind(database) == left
    save(database, batch("b", turn(4, thread(2))))
    assert behind(database) == 1


def test_what_was_taken_and_refused_is_counted(database: Path) -> None:
    advance(database, Place(), rejected=2)
    assert found(database).sent_at is None
    advance(database, Place(), sent=3, rejected=1)
    cursor = found(database)
    assert (cursor.sent, cursor.rejected, cursor.sent_at) == (3, 3, BORN + 5)


def test_why_it_fails_is_the_latest_and_since_when_the_first(database: Path) -> None:
    with consent.writing(database) as db:
        sink_cursors.fail(db, SINK, "it can't be reached", BORN + 1)
        sink_cursors.fail(db, SINK, "it is busy (503)", BORN + 2)
    cursor = found(database)
    assert (cursor.error, cursor.error_at) == ("it is busy (503)", BORN + 1)
    advance(database, Place())
    cursor = found(database)
    assert (cursor.error, cursor.error_at) == (None, None)


def test_another_target_was_sent_nothing(database: Path) -> None:
    with closing(open_reader(database)) as db:
        assert sink_cursors.of(db, SINK, "http://other:4318") is None


def test_a_restored_copy_goes_on_where_it_was_when_it_was_made(
    database: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    advance(database, read_on(database, 2), sent=2)
    copies.backup(database, copy, force=False)
    save(database, batch("b", turn(4, thread(2))))
    advance(database, changes.after(99), sent=2)
    restore.restore(copy, database, tmp_path / "kept.db", content=False)
    assert (behind(database), found(database).sent) == (1, 2)
    save(database, batch("b", turn(4, thread(2))))
    assert behind(database) == 2
