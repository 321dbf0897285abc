"""`doctor`: each thing that can be wrong, said with what to do about it."""

import json
import os
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import scenes
from codex_telemetry.core.facts import Captured, Drift, Gap, Said
from codex_telemetry.host.version import PATIENCE_S, asked
from codex_telemetry.keys import key_file
from codex_telemetry.secret import load, secret_path
from codex_telemetry.store import consent, health, sink_cursors
from codex_telemetry.store.changes import Place
from commands import Command
from store_of import until

T0 = scenes.T0


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A codex that only says which release it is."""
    found = program(tmp_path / "codex", "echo codex-cli 0.169.0")
    monkeypatch.setenv("CODEX_TELEMETRY_CODEX", str(found))
    return found


def checks(cli: Command, *, code: int = 0) -> dict[str, dict[str, Any]]:
    answer = cli("doctor", "--json")
    assert (answer.code, answer.err) == (code, "")
    return {check["name"]: check for check in json.loads(answer.out)["checks"]}


def test_a_large_database_is_read_whole_only_if_that_is_asked(
    cli: Command, week: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damage in a page that nothing else reads."""
    with closing(sqlite3.connect(week)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'spools'").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with week.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\0" * size)
    assert checks(cli, code=1)["database"]["status"] == "fail"
    monkeypatch.setattr(health, "QUICKLY_READ", 0)
    unread = checks(cli)["database"]
    assert unread["status"] == "ok"
    assert "codex-telemetry doctor --whole" in unread["hint"]
    answer = cli("doctor", "--whole", "--json")
    assert answer.code == 1
    assert "is damaged" in answer.out


def warned(cli: Command, name: str, *, code: int = 0) -> str:
    """What it says of a thing that isn't well, and what to do."""
    check = checks(cli, code=code)[name]
    assert check["status"] == ("fail" if code else "warn")
    assert check["hint"]
    return f"{check['detail']}; {check['hint']}"


def test_all_is_well(cli: Command, week: Path) -> None:
    found = checks(cli)
    assert {check["status"] for check in found.values()} == {"ok"}
    assert set(found) == {
        "codex", "homes", "database", "schema", "permissions", "keys", "spool", "gaps", "drift",
        "sources", "models", "milestones", "unheard", "clocks", "content keys", "shims", "service",
    }  # fmt: skip
    assert "stream alone 6" in found["sources"]["detail"]
    assert found["codex"]["detail"].startswith("0.169.0 at /")


def test_no_database_yet_is_no_failure(cli: Command) -> None:
    assert "codex-telemetry backfill" in warned(cli, "database")


def test_what_a_client_does_not_hear_is_said_with_what_that_costs(
    cli: Command, database: Path
) -> None:
    deaf = scenes.session(unheard=frozenset({"error", "item/agentMessage/delta"}))
    scenes.write(database, deaf, scenes.session(n=1, unheard=frozenset({"error"})))
    said = warned(cli, "unheard")
    assert "error (2): errors and retries" in said
    assert "delta" not in said


def test_a_private_key_that_is_gone_or_open_is_a_failure(cli: Command, week: Path) -> None:
    public = b"p" * 32
    with closing(sqlite3.connect(week)) as db, db:
        columns = "project, public, kept_in, created_at"
        db.execute(f"INSERT INTO keys ({columns}) VALUES ('/a', ?, 'file', 0)", [public])
    assert "(1): what was captured" in warned(cli, "content keys", code=1)
    file = key_file(week, public)
    file.parent.mkdir(mode=0o700)
    file.touch(mode=0o600)
    assert checks(cli)["content keys"]["status"] == "ok"
    file.chmod(0o644)
    assert f"chmod 600 {file}" in warned(cli, "content keys", code=1)


def test_a_client_that_hears_all_that_matters_is_well(cli: Command, database: Path) -> None:
    scenes.write(database, scenes.session(unheard=frozenset({"item/agentMessage/delta"})))
    assert checks(cli)["unheard"]["status"] == "ok"


class TestCodex:
    def test_none_at_all_is_a_warning(
        self, cli: Command, week: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("CODEX_TELEMETRY_CODEX")
        monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
        monkeypatch.setattr("codex_telemetry.host.find._newest_in_cache", lambda _: None)
        assert "no codex on the PATH" in warned(cli, "codex")

    def test_one_that_is_misnamed_is_a_warning(
        self, cli: Command, week: Path, stand_in: Path
    ) -> None:
        stand_in.unlink()
        assert "CODEX_TELEMETRY_CODEX names no program" in warned(cli, "codex")

    @pytest.mark.parametrize("script", ["echo hello", "exit 3", "echo 0.169.0; exit 1", "kill $$"])
    def test_one_that_does_not_say_its_release_is_a_warning(
        self, cli: Command, week: Path, stand_in: Path, script: str
    ) -> None:
        program(stand_in, script)
        assert "--version" in warned(cli, "codex")

    def test_one_that_hangs_is_not_waited_for(self, stand_in: Path, tmp_path: Path) -> None:
        pids = tmp_path / "pids"
        program(stand_in, f"sleep 600 & echo $! >>{pids}; echo $$ >>{pids}; wait")
        with asked(stand_in) as answer:
            assert answer(3.0) is None
        child, shell = map(int, pids.read_text().split())
        until(lambda: not _is_running(child) and not _is_running(shell))

    def test_one_that_hangs_is_gone_when_nobody_waits_for_it_any_more(
        self, stand_in: Path, tmp_path: Path
    ) -> None:
        pid = tmp_path / "pid"
        program(stand_in, f"echo $$ >{pid}.new; mv {pid}.new {pid}; sleep 600")
        with asked(stand_in):
            until(pid.exists)
        assert not _is_running(int(pid.read_text()))

    def test_a_program_it_leaves_behind_is_not_waited_for(self, stand_in: Path) -> None:
        program(stand_in, "sleep 60 >/dev/null 2>&1 & echo codex-cli 0.63.0-alpha.1")
        with asked(stand_in) as answer:
            assert answer(PATIENCE_S) == "0.63.0-alpha.1"


def _is_running(pid: int) -> bool:
    """A dead one that nobody has reaped yet isn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


class TestHomes:
    def rollout(self, home: Path, name: str = "a") -> Path:
        folder = home / "sessions" / "2026" / "03" / "02"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"rollout-2026-03-02T10-00-00-{scenes.uuid7(T0)}{name}.jsonl"
        path.write_text("{}\n")
        return path

    def test_rollouts_are_counted_by_their_names(
        self, cli: Command, week: Path, tmp_path: Path
    ) -> None:
        for name in "abc":
            self.rollout(tmp_path / "codex-home", name)
        assert "has 3 rollouts" in checks(cli)["homes"]["detail"]

    def test_no_rollout_is_ever_opened(
        self, cli: Command, week: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By no report either: each is as a FIFO that nobody writes, which to open would be to hang."""
        home = tmp_path / "codex-home"
        os.mkfifo(self.rollout(home).with_suffix(".jsonl.zst"))
        whole = self.rollout(home, "b")
        before = whole.stat().st_atime_ns
        opened: list[str] = []
        real = os.open

        def watched(path: Any, *words: Any, **named: Any) -> int:
            opened.append(str(path))
            return real(path, *words, **named)

        monkeypatch.setattr(os, "open", watched)
        assert "1 things in it can't be read" in warned(cli, "homes")
        for words in (["turns"], ["sessions"], ["limits"], ["sql", "SELECT 1"]):
            assert cli(*words, "--json").code == 0
        assert whole.stat().st_atime_ns == before
        assert not [path for path in opened if "rollout-" in path]

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may look anywhere")
    def test_a_home_that_cannot_be_looked_into(
        self, cli: Command, week: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "codex-home").chmod(0)
        assert "can't be looked into" in warned(cli, "homes")

    def test_a_home_that_is_no_folder(self, cli: Command, week: Path, tmp_path: Path) -> None:
        (tmp_path / "codex-home").rmdir()
        (tmp_path / "codex-home").write_text("")
        assert "can't be looked into" in warned(cli, "homes")

    def test_a_home_that_is_not_there(
        self, cli: Command, week: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CODEX_HOME", f"{tmp_path}/codex-home,{tmp_path}/nowhere")
        said = warned(cli, "homes")
        assert f"{tmp_path}/nowhere isn't there" in said
        assert f"{tmp_path}/codex-home has 0 rollouts" in said


class TestFiles:
    def test_a_database_that_others_can_read_fails(self, cli: Command, week: Path) -> None:
        week.chmod(0o644)
        assert f"chmod 600 {week}" in warned(cli, "permissions", code=1)

    @pytest.mark.parametrize("ending", ["-wal", "-shm"])
    def test_what_sqlite_keeps_beside_it_counts_too(
        self, cli: Command, week: Path, ending: str
    ) -> None:
        with closing(sqlite3.connect(week)) as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute("UPDATE turns SET model = 'other'")
            db.execute("COMMIT")
            beside = week.with_name(week.name + ending)
            beside.chmod(0o640)
            assert f"chmod 600 {beside}" in warned(cli, "permissions", code=1)

    def test_a_folder_that_others_can_open_is_a_warning(self, cli: Command, week: Path) -> None:
        week.parent.chmod(0o755)
        assert f"chmod 700 {week.parent}" in warned(cli, "permissions")

    def test_a_newer_database_fails(self, cli: Command, week: Path) -> None:
        with closing(sqlite3.connect(week)) as db:
            db.execute("PRAGMA user_version=999")
        assert "newer version" in warned(cli, "schema", code=1)

    def test_a_secret_that_others_can_read_fails(self, cli: Command, week: Path) -> None:
        load(secret_path(week))
        assert checks(cli)["keys"]["detail"] == "the secret of keyed hashes is its owner's alone"
        secret_path(week).chmod(0o604)
        assert f"chmod 600 {secret_path(week)}" in warned(cli, "keys", code=1)

    def test_a_secret_that_is_none_fails(self, cli: Command, week: Path) -> None:
        secret_path(week).write_bytes(b"short")
        secret_path(week).chmod(0o600)
        assert "is no secret of ours" in warned(cli, "keys", code=1)

    def test_what_waits_in_the_spool_is_said(self, cli: Command, week: Path) -> None:
        folder = week.with_name(f"{week.name}.spool")
        folder.mkdir(mode=0o700)
        (folder / "x.spool").write_bytes(b"not ours")
        assert f"1 recordings wait in {folder}" in warned(cli, "spool")

    def test_it_makes_and_changes_nothing(self, cli: Command, week: Path, home: Path) -> None:
        def state() -> dict[str, tuple[int, int]]:
            return {
                path.name: (stat.S_IMODE(path.stat().st_mode), path.stat().st_mtime_ns)
                for path in home.iterdir()
                if not path.name.endswith(("-wal", "-shm"))
            }

        before = state()
        checks(cli)
        assert state() == before


class TestRows:
    def test_gaps_and_unknown_names_are_counted(self, cli: Command, database: Path) -> None:
        scenes.write(
            database,
            Gap(T0, 4096, "queue full"),
            *(Drift("0.169.0", "thread/new", "unknown method") for _ in range(3)),
            *(Drift("0.169.0", f"item/{n}", "unknown method") for n in range(12)),
        )
        report = json.loads(cli("doctor", "--json").out)
        assert report["gaps"] == [
            {
                "session_id": None,
                "at": "2026-03-02T09:00:00.000Z",
                "dropped_bytes": 4096,
                "reason": "queue full",
            }
        ]
        assert report["drift"][0]["name"] == "thread/new"
        assert (report["drift"][0]["n"], report["drift"][0]["source"]) == (3, "live")
        shown = cli("doctor").out
        assert "1 times something wasn't heard (4,096 bytes)" in shown
        assert "3 more: --json has all" in shown

    def test_sessions_without_a_model(self, cli: Command, database: Path) -> None:
        session = scenes.session()
        scenes.write(database, session, scenes.turn(session, T0, model=None))
        assert "of 1 session with turns no model is known" in warned(cli, "models")

    def test_milestones_that_are_still_to_be_written(self, cli: Command, week: Path) -> None:
        with closing(sqlite3.connect(week)) as db, db:
            db.execute("INSERT INTO windows_due VALUES ('codex', 300, 1)")
        assert "those of 1 rate-limit window aren't" in warned(cli, "milestones")

    def test_times_that_cannot_be(self, cli: Command, database: Path) -> None:
        session, far = scenes.session(), 40_000 * scenes.DAY
        scenes.write(
            database,
            session,
            scenes.turn(session, T0, n=1, captured=Captured(T0 + 2 * scenes.DAY, 60)),
            scenes.turn(session, T0 + 10_000, n=2, ends=scenes.by(T0)),
            scenes.turn(session, T0 + 20_000, n=3, duration=Said(-5, 4)),
            scenes.turn(session, T0 + far, n=4),
        )
        said = warned(cli, "clocks")
        assert "1 turn that end before they begin" in said
        assert "that begin more than a day from now" in said
        assert "1 live turn heard of more than a day" in said


class TestSinks:
    def test_none_was_ever_begun(self, cli: Command, database: Path) -> None:
        scenes.write(database, scenes.session())
        assert json.loads(cli("doctor", "--json").out)["sinks"] == []

    def test_how_far_one_is_and_why_it_stands_still(self, cli: Command, database: Path) -> None:
        session = scenes.session()
        scenes.write(database, session, scenes.turn(session, T0))
        now = time.time_ns() // 1_000_000
        with consent.writing(database) as db:
            sink_cursors.begin(db, "otlp", "http://127.0.0.1:4318", now)
            sink_cursors.advance(db, "otlp", Place(), now - 125_000, sent=7, rejected=2)
        assert checks(cli)["sink otlp"]["detail"] == (
            "turns sent to http://127.0.0.1:4318: 7, the last 2 minutes ago; "
            "changed turns to send: 1, refused: 2"
        )
        with consent.writing(database) as db:
            sink_cursors.fail(db, "otlp", "it is busy (503)", now - 3 * 3_600_000)
        assert "it is busy (503), for 3 hours; changed turns to send: 1" in warned(cli, "sink otlp")
        (state,) = json.loads(cli("doctor", "--json").out)["sinks"]
        assert (state["behind_turns"], state["sent"], state["rejected"]) == (1, 7, 2)
        assert state["error"] == "it is busy (503)"
