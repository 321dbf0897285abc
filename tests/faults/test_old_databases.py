"""A database of any earlier version opens in this one: nothing is lost, every report answers, and
what is read again makes the same rows as in a database that is new."""

import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backfill.codex_home import BY_OUR_CLOCK, ROWS, place, take_in
from codex_telemetry.store import db
from collecting import Place, ended, finish, heard, started
from commands import run
from make_databases import ARCHIVE, HEARD, LOGGED, OLDEST
from recordings import Recordings
from saved import contents, query

with tarfile.open(ARCHIVE) as packed_ones:
    VERSIONS = [int(name[:4]) for name in packed_ones.getnames()]
"""Those that were ever on anybody's machine."""

REPORTS = (
    "turns", "turn --last", "sessions", "stats", "stats --by model", "tools", "tokens",
    "tokens --by project", "limits", "limits --history", "events", "prices", "capture status",
)  # fmt: skip


@pytest.fixture
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The database of that version, as its own program left it."""
    path = tmp_path / "telemetry.db"
    with tarfile.open(ARCHIVE) as archive:
        packed = archive.extractfile(f"{request.param:04}.db")
        assert packed is not None
        path.write_bytes(packed.read())
    assert query(path, "PRAGMA user_version") == [(request.param,)]
    return path


def shown(path: Path) -> list[tuple[Any, ...]]:
    """What every version has had of a turn."""
    return query(
        path,
        """SELECT session_id, turn_id, turn_index, status, started_at, ended_at, duration_ms, model,
                  effort, input_tokens, output_tokens, total_tokens, tool_calls, approvals
           FROM turns ORDER BY session_id, turn_index""",
    )


@pytest.mark.parametrize("old", VERSIONS, indirect=True, ids=str)
def test_nothing_that_an_earlier_version_knew_is_lost(old: Path) -> None:
    before = shown(old)
    assert len(before) > 10
    with closing(db.open_reader(old)):
        pass
    assert query(old, "PRAGMA user_version") == [(db.version(),)]
    assert query(old, "PRAGMA integrity_check") == [("ok",)]
    assert query(old, "PRAGMA foreign_key_check") == []
    assert shown(old) == before


@pytest.mark.parametrize("old", [OLDEST, VERSIONS[-1]], indirect=True, ids=str)
def test_every_report_answers_from_an_earlier_database(old: Path) -> None:
    for report in REPORTS:
        answer = run(*report.split(), "--json", f"--db={old}")
        assert (answer.code, answer.err) == (0, ""), report
        assert answer.out.strip() not in ("", "[]") or report in ("prices", "capture status")


@pytest.fixture(scope="module")
def anew(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A new database of the same recordings, and the home they were read from."""
    folder = tmp_path_factory.mktemp("anew")
    recordings = Recordings(folder / "recordings")
    home = place([recordings.one(name) for name in LOGGED], folder / "codex-home")
    return hear_and_read(Place(folder), recordings, home), home


def hear_and_read(place: Place, recordings: Recordings, home: Path) -> Path:
    place.database.parent.mkdir(exist_ok=True)
    for name in HEARD:
        said = started(f"launch of {name}") + heard(recordings.one(name).frames()) + ended()
        finish(place.collector(), said)
    take_in(place.database, home)
    return place.database


@pytest.mark.parametrize("old", [OLDEST, 6, VERSIONS[-1]], indirect=True, ids=str)
def test_what_is_heard_and_read_again_makes_the_rows_of_a_new_database(
    old: Path, anew: tuple[Path, Path], recordings: Recordings, tmp_path: Path
) -> None:
    new, home = anew
    its = Place(tmp_path)
    its.database.parent.mkdir()
    old.rename(its.database)
    for name in HEARD:
        said = started(f"launch of {name}") + heard(recordings.one(name).frames()) + ended()
        finish(its.collector(), said)
    take_in(its.database, home, rebuild=True)
    assert rows(its.database) == rows(new)


def rows(path: Path) -> dict[str, list[str]]:
    # Hashes are those of each installation's own secret.
    hashed = {"base_instructions_hash", "base_hash_stored", "secret_ids", "secrets_stored"}
    left_out = BY_OUR_CLOCK | hashed | {"event_id", "event_key"}
    return {
        table: sorted(repr({k: v for k, v in row.items() if k not in left_out}) for row in found)
        for table, found in contents(path).items()
        if table in ROWS
    }


def test_a_newer_database_is_refused_in_one_line_by_every_command(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    db.prepare(path)
    with closing(sqlite3.connect(path)) as newer:
        newer.execute(f"PRAGMA user_version={db.version() + 1}")
    before = path.read_bytes()
    for report in (*REPORTS, "doctor", "sql SELECT", f"backfill --codex-home={tmp_path}"):
        answer = run(*report.split(), f"--db={path}")
        assert answer.code in (3, 1), report
        assert "Traceback" not in answer.err
        assert "newer" in answer.err + answer.out, report
    assert path.read_bytes() == before
