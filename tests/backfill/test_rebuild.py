"""`--rebuild` forgets what files told that can be read again, and nothing else."""

import shutil
from pathlib import Path

import pytest

from backfill.codex_home import heard, place, rollouts, rows, take_in
from codex_telemetry.backfill import one_file
from codex_telemetry.formats.rollout.reader import RolloutReader
from codex_telemetry.secret import load, secret_path
from recordings import Recordings
from saved import contents, query

NAMES = ("0.169.0/b_shell", "0.98.0/b_shell", "0.169.0/k_resume_fork", "0.125.0/f_interrupt")


@pytest.fixture
def home(recordings: Recordings, tmp_path: Path) -> Path:
    home = place([recordings.one(name) for name in NAMES], tmp_path / "home")
    with rollouts(home)[0].open("ab") as file:
        file.write(b"no message\n")
    with rollouts(home)[1].open("ab") as file:
        file.write(b"no message\n" * 2)
    return home


def test_a_rebuilt_history_is_the_same(home: Path, tmp_path: Path) -> None:
    database = tmp_path / "t.db"
    take_in(database, home)
    once = contents(database)
    tally = take_in(database, home, rebuild=True)
    assert tally.files == tally.files_read == len(rollouts(home))
    again = contents(database)
    assert query(database, "SELECT sum(n) FROM drift") == [(3,)]
    for found in (once, again):
        for table in ("told_sessions", "rollout_files", "drift"):
            found.pop(table)  # these know when a file was looked at
        for session in found["sessions"]:
            session.pop("captured_at")
    assert again == once


def test_what_was_read_wrongly_is_forgotten(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by an earlier version of ours that made a mistake."""
    database = tmp_path / "t.db"

    class Mistaken(RolloutReader):
        def read(self, line, captured):  # type: ignore[no-untyped-def]
            line = line.replace(b'"output_tokens":', b'"output_tokens":9').replace(b"call_", b"x_")
            return super().read(line, captured)

    with monkeypatch.context() as wrong:
        wrong.setattr(one_file, "RolloutReader", Mistaken)
        take_in(database, home)
    wrongly = rows(database)
    take_in(database, home, rebuild=True)
    take_in(tmp_path / "fresh.db", home)
    assert rows(database) == rows(tmp_path / "fresh.db") != wrongly


def test_what_the_stream_and_vanished_files_told_stays(
    recordings: Recordings, home: Path, tmp_path: Path
) -> None:
    database = tmp_path / "t.db"
    live = [batch for name in NAMES for batch in heard(recordings.one(name))]
    for n, batch in enumerate(live):
        batch.origin = f"L{n}"
    gone = rollouts(home)[0]
    take_in(database, *live, home)
    before, everything = rows(database), contents(database)
    gone.unlink()
    take_in(database, home, rebuild=True)
    assert rows(database) == before
    after = contents(database)

    def of_others(table: str, found: dict[str, list[dict[str, object]]]) -> list[object]:
        return [
            row
            for row in found[table]
            if row["origin"][0] == "live" or gone.stem in row["origin"][1]  # type: ignore[index]
        ]

    for table in ("told_sessions", "told_turns", "drift", "rate_limits", "gaps", "rollout_files"):
        kept = of_others(table, everything)
        assert of_others(table, after) == kept
        assert kept or table in ("gaps", "rate_limits")
    assert len(of_others("drift", after)) == 1


def test_a_home_that_is_gone_rebuilds_to_what_it_was(home: Path, tmp_path: Path) -> None:
    database = tmp_path / "t.db"
    take_in(database, home)
    before = rows(database)
    shutil.rmtree(home / "sessions")
    shutil.rmtree(home / "archived_sessions")
    take_in(database, home, rebuild=True)
    assert rows(database) == before


def test_a_state_of_another_version_is_read_anew(home: Path, tmp_path: Path) -> None:
    database = tmp_path / "t.db"
    take_in(database, home)
    before = rows(database)
    change(database, "UPDATE rollout_files SET state = x'93c0'")
    for path in rollouts(home):
        with path.open("ab") as file:
            file.write(b"\n")
    tally = take_in(database, home)
    assert tally.unreadable == 0
    assert tally.bytes_read == sum(path.stat().st_size for path in rollouts(home))
    assert rows(database) == before


def test_the_secret_stays_and_is_made_once(tmp_path: Path) -> None:
    path = secret_path(tmp_path / "t.db")
    name = load(path).hash("https://example.com/a.git")
    assert path.stat().st_mode & 0o777 == 0o600
    assert load(path).hash("https://example.com/a.git") == name
    assert load(tmp_path / "other").hash("https://example.com/a.git") != name
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other", path.name]


def test_who_starts_at_once_has_the_same_secret(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        names = {found.id for found in pool.map(load, [tmp_path / "s"] * 32)}
    assert len(names) == 1


def change(database: Path, statement: str) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(database)) as db, db:
        db.execute(statement)
