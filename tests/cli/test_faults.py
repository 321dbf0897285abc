"""Whatever is wrong with the files: one line, an exit code, never a traceback."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import scenes
from codex_telemetry import history, pipeline
from codex_telemetry.backfill import Tally
from codex_telemetry.cli import app, turns
from codex_telemetry.config import paths
from codex_telemetry.core.batch import Batch
from codex_telemetry.reports import turns as report
from codex_telemetry.store import spool
from codex_telemetry.store.db import version
from commands import Command, run

READERS = (
    ["turns"],
    ["turns", "--json"],
    ["turn", "--last"],
    ["sessions", "--csv"],
    ["session", "x"],
    ["limits"],
    ["sql", "SELECT 1"],
    ["limits", "--milestones", "--json"],
)


def one_line(err: str) -> str:
    assert err.startswith("codex-telemetry: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_no_database_yet_says_how_to_fill_one(
    cli: Command, database: Path, words: list[str]
) -> None:
    answer = cli(*words)
    assert (answer.code, answer.out) == (1, "")
    assert "codex-telemetry run -- codex app-server" in one_line(answer.err)
    assert not database.exists()


def test_an_empty_database_has_no_last_turn(cli: Command, database: Path) -> None:
    scenes.write(database)
    answer = cli("turn", "--last")
    assert answer.code == 1
    assert "there are no turns yet" in one_line(answer.err)
    assert cli("turns", "--json").out == "[]\n"


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_a_newer_database_is_exit_code_3(cli: Command, week: Path, words: list[str]) -> None:
    with closing(sqlite3.connect(week)) as db:
        db.execute(f"PRAGMA user_version={version() + 1}")
    answer = cli(*words)
    assert (answer.code, answer.out) == (3, "")
    assert "newer version" in one_line(answer.err)


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_a_file_of_another_program_is_left_as_it_is(
    cli: Command, database: Path, words: list[str]
) -> None:
    with closing(sqlite3.connect(database)) as db:
        db.execute("CREATE TABLE theirs (a)")
    before = database.read_bytes()
    answer = cli(*words)
    assert (answer.code, answer.out) == (1, "")
    assert "another program" in one_line(answer.err)
    assert database.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"not a database " * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_what_is_no_database_is_one_line(cli: Command, database: Path, content: bytes) -> None:
    database.write_bytes(content)
    answer = cli("turns", "--json")
    assert answer.code == 1
    one_line(answer.err)
    assert database.read_bytes() == content


def test_a_damaged_database_is_one_line(cli: Command, week: Path) -> None:
    with closing(sqlite3.connect(week)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode=DELETE")
        pages = db.execute("PRAGMA page_count").fetchone()[0]
    with week.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 4096 * (pages - 1))
    answer = cli("turns")
    assert answer.code == 1
    assert "doctor" in one_line(answer.err)
    assert cli("doctor").code == 1


def test_a_folder_is_no_database(cli: Command, tmp_path: Path) -> None:
    answer = cli("turns", "--db", str(tmp_path))
    assert answer.code == 1
    one_line(answer.err)


@pytest.mark.parametrize(
    "words", [["turnz"], ["turns", "--jsn"], ["--nonsense"], ["schema", "nix"]]
)
def test_a_mistyped_command_is_one_line(cli: Command, words: list[str]) -> None:
    answer = cli(*words)
    assert (answer.code, answer.out) == (2, "")
    one_line(answer.err)


def test_a_mistake_of_the_program_is_one_line_without_values(
    cli: Command, week: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("SECRET")

    monkeypatch.setattr(report, "turns", broken)
    answer = cli("turns", "--log-level", "error")
    assert answer.code == 1
    assert "KeyError at test_faults.py" in one_line(answer.err)
    log = (home / "telemetry.log").read_text()
    assert "test_faults.py" in log
    assert "SECRET" not in answer.err + log
    assert (home / "telemetry.log").stat().st_mode & 0o777 == 0o600


def test_ctrl_c_is_130_and_silent(
    cli: Command, week: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(turns, "print_list", interrupted)
    answer = cli("turns")
    assert (answer.code, answer.out, answer.err) == (130, "", "")


class TestSpool:
    def keep(self, at: int = scenes.T0) -> Path:
        session = scenes.session(at)
        batch = Batch("live", f"launch{at}", "0.169.0")
        for fact in (session, scenes.turn(session, at)):
            batch.add(fact, at)
        kept = spool.put(batch, paths().spool)
        assert kept is not None
        return kept

    def test_a_report_takes_in_what_waits(self, cli: Command) -> None:
        kept = self.keep()
        assert len(json.loads(cli("turns", "--json").out)) == 1
        assert not kept.exists()

    def test_backfill_takes_it_in_and_says_so(self, cli: Command) -> None:
        kept = [self.keep(), self.keep(scenes.T0 + scenes.DAY)]
        assert "took in 2 recordings" in cli("backfill", "--json").err
        assert not any(path.exists() for path in kept)
        assert len(json.loads(cli("turns", "--json").out)) == 2
        assert "took in" not in cli("backfill", "--json").err

    def test_what_came_while_it_read_is_not_said_to_be_unreadable(
        self, cli: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reads = history.read_rollouts

        def meanwhile(*words: Any, **more: Any) -> Tally:
            tally = reads(*words, **more)
            self.keep()
            return tally

        self.keep(scenes.T0 + scenes.DAY).write_bytes(b"\xff\xff")
        monkeypatch.setattr(history, "read_rollouts", meanwhile)
        assert "1 file of the spool can't be read" in cli("backfill", "--json").err

    def test_a_report_shows_what_there_is_when_it_cannot_be_taken_in(
        self, cli: Command, week: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(*_: object) -> int:
            raise sqlite3.OperationalError("database is locked")

        self.keep(scenes.T0 + 9 * scenes.DAY)
        monkeypatch.setattr(pipeline, "take_in_spool", fails)
        monkeypatch.setattr(spool, "take_in", fails)
        assert len(json.loads(cli("turns", "--json").out)) == 6
        answer = cli("backfill")
        assert answer.code == 1
        assert "cannot write to the database" in one_line(answer.err)

    def test_a_file_that_cannot_be_read_stays_and_doctor_shows_it(
        self, cli: Command, week: Path
    ) -> None:
        broken = self.keep()
        broken.write_bytes(b"\xff\xff")
        assert cli("turns", "--json").code == 0
        assert broken.exists()
        checks = {c["name"]: c for c in json.loads(cli("doctor", "--json").out)["checks"]}
        assert checks["spool"]["status"] == "warn"
        assert str(broken.parent) in checks["spool"]["detail"]


def test_a_report_reads_while_another_writes(cli: Command, week: Path) -> None:
    with closing(sqlite3.connect(week, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE turns SET model = 'changed'")
        assert "changed" not in cli("turns", "--json").out
        db.execute("ROLLBACK")


def test_a_report_writes_nothing(cli: Command, week: Path) -> None:
    week.chmod(0o400)
    before = week.read_bytes()
    for words in (["turns"], ["turn", "--last"], ["sessions"], ["doctor"]):
        cli(*words)
    assert week.read_bytes() == before


def test_the_entry_point_is_the_same(week: Path) -> None:
    assert run("turns", "--ndjson").out.count("\n") == 6
    assert app.NAME in run("--help").out
