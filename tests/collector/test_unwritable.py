"""The database can't be written: what was heard waits in one private file, or in memory, and arrives
once; nothing of anyone else's is touched."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from canary import leaks
from codex_telemetry import pipeline
from codex_telemetry.config import paths
from codex_telemetry.store import db
from collecting import Place, Story, a_plain_turn, ended, finish, started
from powerless import powerless
from recordings import Recordings
from saved import query
from store_of import rows, until

TURNS = "SELECT status, total_tokens FROM turns"
WHOLE = [("completed", 1061)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path)
    for name, value in place.env.items():
        monkeypatch.setenv(name, value)
    return place


@pytest.fixture
def story(recordings: Recordings) -> Story:
    return a_plain_turn(recordings)


def said(story: Story) -> bytes:
    return started() + story.before + story.end + ended()


def readable_in(folder: Path) -> dict[str, bytes]:
    """The files, as far as we may look, but for the lock on which processes queue."""
    if not os.access(folder, os.R_OK | os.X_OK):
        return {}
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.is_file() and os.access(path, os.R_OK) and path.suffix != ".lock"
    }


def the_one_spool_file(place: Place) -> Path:
    (file,) = place.spooled
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert leaks(place.folder) == []
    return file


def arrives_with_the_next_who_can(place: Place) -> None:
    assert pipeline.take_in_spool(paths(str(place.database))) == 1
    assert query(place.database, TURNS) == WHOLE
    assert place.spooled == []


# What is wrong, and how it is mended. Each takes the database's path.
Fault = Callable[[Path], Callable[[], object]]


def a_folder(path: Path) -> Callable[[], object]:
    path.mkdir()
    return path.rmdir


def a_text(path: Path) -> Callable[[], object]:
    path.write_text("dear diary\n")
    return path.unlink


def of_another_program(path: Path) -> Callable[[], object]:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    return path.unlink


def newer_than_we_are(path: Path) -> Callable[[], object]:
    db.prepare(path, [*db.migrations(), "CREATE TABLE from_the_future (x INTEGER) STRICT;"])
    return path.unlink


def damaged(path: Path) -> Callable[[], object]:
    db.prepare(path)
    os.truncate(path, 8192)
    return path.unlink


def behind_a_closed_door(path: Path) -> Callable[[], object]:
    path.parent.chmod(0)
    return lambda: path.parent.chmod(0o700)


def in_a_folder_to_read(path: Path) -> Callable[[], object]:
    path.parent.chmod(0o500)
    return lambda: path.parent.chmod(0o700)


def a_file_to_read(path: Path) -> Callable[[], object]:
    db.prepare(path)
    path.chmod(0o400)
    return lambda: path.chmod(0o600)


def a_file_of_no_use(path: Path) -> Callable[[], object]:
    db.prepare(path)
    path.chmod(0)
    return lambda: path.chmod(0o600)


FAULTS: list[Fault] = [
    a_folder,
    a_text,
    of_another_program,
    newer_than_we_are,
    damaged,
    behind_a_closed_door,
    in_a_folder_to_read,
    a_file_to_read,
    a_file_of_no_use,
]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_heard_waits_in_one_file_and_arrives(
    place: Place, story: Story, fault: Fault
) -> None:
    place.database.parent.mkdir(mode=0o700)
    mend = fault(place.database)
    before = readable_in(place.database.parent)
    try:
        finish(place.collector(patience_s=0.3, through=powerless([])), said(story))
        after = readable_in(place.database.parent)
    finally:
        mend()
    assert after == before
    the_one_spool_file(place)
    arrives_with_the_next_who_can(place)


def test_a_full_disk_costs_nothing_that_fits(place: Place, story: Story) -> None:
    finish(place.collector(patience_s=0.3, largest_file=40_000), said(story))
    the_one_spool_file(place)
    arrives_with_the_next_who_can(place)


def test_a_disk_that_fills_up_on_the_way_keeps_what_was_saved(place: Place, story: Story) -> None:
    db.prepare(place.database)
    finish(place.collector(patience_s=0.3, largest_file=20_000), said(story))
    assert query(place.database, "PRAGMA integrity_check") == [("ok",)]
    the_one_spool_file(place)
    arrives_with_the_next_who_can(place)


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield other


def test_a_lock_of_three_seconds_is_waited_for(place: Place, story: Story) -> None:
    db.prepare(place.database)
    # Each attempt is short: it takes many.
    collector = place.collector(patience_s=20, busy_ms=50)
    with locked(place.database):
        feeding = threading.Thread(target=finish, args=(collector, said(story)))
        feeding.start()
        time.sleep(3)  # that long it is locked
        assert collector.poll() is None
        assert place.spooled == []
    feeding.join(20)
    assert query(place.database, TURNS) == WHOLE
    assert place.spooled == []


def test_a_lock_is_not_waited_for_for_ever(place: Place, story: Story) -> None:
    db.prepare(place.database)
    with locked(place.database):
        finish(place.collector(patience_s=0.5, busy_ms=50), said(story))
    the_one_spool_file(place)
    arrives_with_the_next_who_can(place)


def test_a_collector_that_has_spooled_takes_it_in_again_itself(place: Place, story: Story) -> None:
    db.prepare(place.database)
    collector = place.collector(patience_s=0.2, busy_ms=50)
    assert collector.stdin is not None
    with locked(place.database):
        collector.stdin.write(started() + story.before)
        collector.stdin.flush()
        until(lambda: place.spooled)
    collector.stdin.write(story.end)
    collector.stdin.flush()
    until(lambda: rows(place.database, "SELECT * FROM turns WHERE status = 'completed'"))
    until(lambda: not place.spooled)
    finish(collector)
    ((messages,),) = query(place.database, "SELECT messages FROM turns")
    assert messages == 1
    assert query(place.database, "SELECT count(*) FROM spools") == [(1,)]


def test_the_next_run_takes_in_what_waits(place: Place, story: Story) -> None:
    place.database.mkdir(parents=True)
    finish(place.collector(patience_s=0.1), said(story))
    place.database.rmdir()
    the_one_spool_file(place)
    # It hears the start of the same turn.
    finish(place.collector(), started("another") + story.before)
    assert query(place.database, TURNS) == WHOLE
    assert place.spooled == []


def test_any_report_takes_in_what_waits(place: Place, story: Story) -> None:
    place.database.mkdir(parents=True)
    finish(place.collector(patience_s=0.1), said(story))
    place.database.rmdir()
    assert len(place.spooled) == 1
    command = [sys.executable, "-P", "-m", "codex_telemetry", "turns", "--json"]
    report = subprocess.run(
        [*command, f"--db={place.database}"], env=place.env, capture_output=True, check=True
    )
    assert b'"total_tokens":1061' in report.stdout.replace(b" ", b"")
    assert place.spooled == []
    assert pipeline.take_in_spool(paths(str(place.database))) == 0


def test_the_database_is_deleted_while_it_is_open(place: Place, story: Story) -> None:
    collector = place.collector()
    assert collector.stdin is not None
    collector.stdin.write(started() + story.before)
    collector.stdin.flush()
    until(lambda: rows(place.database, TURNS))
    # What SQLite keeps beside it stays: the process still has it open.
    place.database.unlink()
    finish(collector, story.end)
    assert query(place.database, TURNS) == WHOLE
    assert query(place.database, "PRAGMA integrity_check") == [("ok",)]
    assert stat.S_IMODE(place.database.stat().st_mode) == 0o600


def test_it_is_deleted_under_two_collectors_and_both_go_on(place: Place, story: Story) -> None:
    one, two = place.collector(), place.collector()
    for n, collector in enumerate((one, two)):
        assert collector.stdin is not None
        collector.stdin.write(started(f"launch {n}") + story.before)
        collector.stdin.flush()
        heard = "SELECT * FROM origins WHERE name = ?"
        until(partial(rows, place.database, heard, f"launch {n}"))
    place.database.unlink()
    finish(one, story.end)
    finish(two, story.end)
    assert query(place.database, TURNS) == WHOLE
    names = query(place.database, "SELECT name FROM origins ORDER BY name")
    assert names == [("launch 0",), ("launch 1",)]
    assert query(place.database, "PRAGMA integrity_check") == [("ok",)]


def test_its_whole_folder_is_deleted(place: Place, story: Story) -> None:
    collector = place.collector()
    assert collector.stdin is not None
    collector.stdin.write(started() + story.before)
    collector.stdin.flush()
    until(lambda: rows(place.database, TURNS))
    shutil.rmtree(place.database.parent)
    finish(collector, story.end)
    assert query(place.database, TURNS) == WHOLE
    assert stat.S_IMODE(place.database.parent.stat().st_mode) == 0o700


def test_another_programs_takes_its_place_and_is_left_alone(place: Place, story: Story) -> None:
    collector = place.collector(patience_s=0.3)
    assert collector.stdin is not None
    collector.stdin.write(started() + story.before)
    collector.stdin.flush()
    until(lambda: rows(place.database, TURNS))
    other = place.folder / "other.db"
    of_another_program(other)
    theirs = other.read_bytes()
    for beside in place.database.parent.glob("telemetry.db-*"):
        beside.unlink()
    other.replace(place.database)
    finish(collector, story.end)
    assert place.database.read_bytes() == theirs
    the_one_spool_file(place)


def test_where_no_folder_can_be_written_nothing_is_lost_while_there_is_hope(
    place: Place, story: Story
) -> None:
    place.leave_no_room()
    collector = place.collector(patience_s=0.2)
    assert collector.stdin is not None
    collector.stdin.write(started() + story.before)
    collector.stdin.flush()
    time.sleep(1)  # several times its patience
    assert collector.poll() is None
    place.database.rmdir()
    finish(collector, story.end)
    assert query(place.database, TURNS) == WHOLE
    assert query(place.database, "SELECT * FROM gaps") == []


def test_what_could_be_kept_nowhere_is_a_gap_at_the_next_chance(place: Place, story: Story) -> None:
    place.leave_no_room()
    collector = place.collector(patience_s=0.2, most_unsaved=3)
    assert collector.stdin is not None
    collector.stdin.write(started() + story.before)
    collector.stdin.flush()
    until(lambda: b'"event": "lost"' in place.log)
    place.database.rmdir()
    finish(collector, story.end)
    assert query(place.database, "SELECT status FROM turns") == [("completed",)]
    assert query(place.database, "SELECT DISTINCT reason, dropped_bytes FROM gaps") == [
        ("nowhere to keep what was heard", None)
    ]


def test_where_nothing_can_be_kept_it_still_ends(place: Place, story: Story) -> None:
    place.leave_no_room()
    finish(place.collector(patience_s=0.2), said(story))
    assert place.spooled == []


def test_a_long_session_spools_once_in_a_while_and_not_at_every_word(
    place: Place, story: Story
) -> None:
    """Its database is of a newer version from the start."""
    place.database.parent.mkdir()
    newer_than_we_are(place.database)
    collector = place.collector(patience_s=300)
    assert collector.stdin is not None
    for frame in (started(), story.before, story.end):
        collector.stdin.write(frame)
        collector.stdin.flush()
        time.sleep(0.3)  # each is tried for itself
    assert place.spooled == []
    finish(collector)
    the_one_spool_file(place)
