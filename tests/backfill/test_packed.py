"""A database that a backfill filled takes no more room than what is in it."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import histories
from codex_telemetry import history
from codex_telemetry.config import paths
from codex_telemetry.store import ours
from saved import query

ROWS = "SELECT t.turn_id, r.* FROM responses AS r JOIN turns AS t USING (turn_key) ORDER BY 1, 3"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    histories.write(tmp_path / "home", 20, typical=20_000)
    return tmp_path / "home"


def size_of(path: Path) -> int:
    beside = path.with_name(f"{path.name}-wal")
    return path.stat().st_size + (beside.stat().st_size if beside.exists() else 0)


def written_anew(path: Path) -> int:
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)
    with closing(sqlite3.connect(copy)) as db:
        db.execute("VACUUM")
    return size_of(copy)


def read(own: Path, home: Path) -> Path:
    where = paths(environ={"CODEX_TELEMETRY_HOME": str(own)})
    history.read_rollouts(where, [home])
    return where.database


def test_one_that_was_filled_just_now_is_packed_and_says_the_same(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose = read(tmp_path / "loose", home)
    assert size_of(loose) > written_anew(loose)
    monkeypatch.setattr(history, "MUCH", 0)
    monkeypatch.setattr(history, "MOST_OF", 0)
    packed = read(tmp_path / "packed", home)
    assert size_of(packed) == written_anew(packed)
    rows = {path: query(path, ROWS) for path in (loose, packed)}
    assert rows[packed] == rows[loose] != []


def test_one_that_others_write_to_stays_as_it_is(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose = read(tmp_path / "own", home)
    monkeypatch.setattr(history, "MUCH", 0)
    monkeypatch.setattr(history, "MOST_OF", 0)
    monkeypatch.setattr(ours.connect, "__defaults__", (10,))  # ms to wait for the other
    before = size_of(loose)
    assert before > written_anew(loose)
    with closing(sqlite3.connect(loose, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        history._pack(loose, 1)
        other.execute("ROLLBACK")
    assert size_of(loose) == before
