"""A recorded terminal session through the collector: its panels are rows, and nothing else of it is kept."""

import sqlite3
from pathlib import Path

import pytest

from canary import leaks
from casts import cast
from codex_telemetry import pipeline
from codex_telemetry.config import paths
from codex_telemetry.core.veil import is_hashed
from codex_telemetry.frames import COUNT, GAP_SCREEN, frame
from collecting import Place, finish
from saved import query

TOLD = "SELECT kind, total_tokens, cached_input_tokens FROM status_snapshots ORDER BY at"
AS_SHOWN = [("panel", 660, None), ("panel", 1_330, None), ("exit", 1_330, 803)]
WORK = "/tmp/codex-telemetry-demo-recorded/work"

SHOWN = cast("0.125.0-45x110")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_panels_and_the_last_line_are_rows_and_events(place: Place) -> None:
    finish(place.collector(), SHOWN.frames())
    assert query(place.database, TOLD) == AS_SHOWN
    assert query(
        place.database, "SELECT DISTINCT cwd, model FROM status_snapshots WHERE cwd > ''"
    ) == [(WORK, "gpt-5.5")]
    events = (
        "SELECT e.name, e.at = s.at FROM events e JOIN status_snapshots s USING (at) ORDER BY e.at"
    )
    assert query(place.database, events) == [("panel", 1), ("panel", 1), ("exit", 1)]
    # Its log has the rest, and wasn't there.
    assert query(place.database, "SELECT turns, sources FROM sessions") == [(0, 1)]


def test_nothing_else_of_the_screen_is_in_any_file(place: Place) -> None:
    finish(place.collector(patience_s=0.2), SHOWN.frames())
    assert place.log
    assert leaks(place.folder) == []


def test_nothing_of_the_screen_is_in_a_spool_file_but_the_rows(place: Place) -> None:
    place.database.mkdir(parents=True)
    finish(place.collector(patience_s=0.2), SHOWN.frames())
    assert len(place.spooled) == 1
    assert leaks(place.folder) == []
    place.database.rmdir()
    assert pipeline.take_in_spool(paths(str(place.database))) == 1
    assert query(place.database, TOLD) == AS_SHOWN


def test_heard_twice_it_is_told_once(place: Place) -> None:
    for _ in range(2):
        finish(place.collector(), SHOWN.frames("the same launch"))
    assert query(place.database, TOLD) == AS_SHOWN


def test_a_copy_that_was_dropped_is_a_gap(place: Place) -> None:
    whole = SHOWN.frames()
    lost = frame(GAP_SCREEN, SHOWN.chunks[0][0] * 10**6, 1, COUNT.pack(4_000))
    finish(place.collector(), lost + whole)
    reason = "copies of the screen dropped"
    assert query(place.database, "SELECT reason, dropped_bytes FROM gaps") == [(reason, 4_000)]


def test_in_strict_mode_the_folder_is_a_hash_that_says_whose(place: Place) -> None:
    (place.folder / "own").mkdir()
    (place.folder / "own" / "config.toml").write_text('privacy = "strict"\n')
    finish(place.collector(), SHOWN.frames())
    folders = query(
        place.database, "SELECT DISTINCT cwd, secret_id FROM status_snapshots WHERE cwd > ''"
    )
    ((folder, secret),) = folders
    assert is_hashed(folder)
    assert secret is not None
    assert WORK.encode() not in place.database.read_bytes()


def test_a_stored_kind_is_one_of_two(place: Place) -> None:
    finish(place.collector(), SHOWN.frames())
    with sqlite3.connect(place.database) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE status_snapshots SET kind = 'other'")
    db.close()
