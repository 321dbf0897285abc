"""Nothing leaks sideways: no command, no crash, no log, no file holds what was said."""

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backfill.codex_home import heard, place, rollouts
from canary import MARKED, Canary, leaks, leaks_in
from codex_telemetry.formats.app_server.reader import AppServer
from codex_telemetry.formats.rollout.reader import RolloutReader
from codex_telemetry.hearing import Hearing
from codex_telemetry.store import queries
from codex_telemetry.store.bodies import squeezed
from commands import PROGRAM, Answer, Command
from privacy.walking import ELSEWHERE, FILE, SESSION, TURN, leaves, uncalled, walk
from recordings import Recordings
from saved import query

NAMES = re.compile(r"/home/canary|\bmaster\b|\bcanary\b(?!-)")
"""Folders, the branch and the MCP server of recorded turns."""


def called(cli: Command, database: Path, tmp_path: Path) -> Iterator[tuple[list[str], Answer]]:
    """Every command, and what it said."""
    ((turn, session),) = query(
        database,
        "SELECT turn_id, session_id FROM turns JOIN items USING (turn_key) "
        "WHERE server IS NOT NULL ORDER BY turn_id LIMIT 1",
    )
    for words in walk():
        shared = {TURN: turn, SESSION: session, FILE: str(tmp_path / f"{time.monotonic_ns()}")}
        yield words, cli(*(shared.get(word, word) for word in words))


def test_every_command_is_walked_or_somebody_says_where_it_is() -> None:
    assert uncalled() == []
    assert not ELSEWHERE.keys() - leaves().keys()


def test_no_command_prints_what_was_said(
    cli: Command, normal: Path, database: Path, tmp_path: Path
) -> None:
    said = 0
    for words, answer in called(cli, database, tmp_path):
        assert not leaks_in(answer.out), words
        assert not leaks_in(answer.err), words
        assert "a mistake of the program" not in answer.err, words
        said += len(answer.out)
    assert said > 1_000_000
    assert (normal / "telemetry.log").exists()
    assert leaks(normal) == []
    assert leaks(tmp_path) == []


def test_names_are_printed_where_nobody_asked_for_less(
    cli: Command, normal: Path, database: Path, tmp_path: Path
) -> None:
    loud = {
        words[0] for words, answer in called(cli, database, tmp_path) if NAMES.search(answer.out)
    }
    assert loud >= {"turns", "turn", "sessions", "session", "tokens", "sql"}


@pytest.mark.parametrize("mode", ["redacted", "strict"])
def test_no_command_prints_a_name_where_labels_are_asked_for(
    cli: Command, request: pytest.FixtureRequest, database: Path, tmp_path: Path, mode: str
) -> None:
    home = request.getfixturevalue("normal" if mode == "redacted" else "strict")
    (home / "config.toml").write_text(f'privacy = "{mode}"\n')
    for words, answer in called(cli, database, tmp_path):
        if words[:2] != ["capture", "enable"]:
            assert not NAMES.search(answer.out), words
            assert not NAMES.search(answer.err), words
    assert not NAMES.search((home / "telemetry.log").read_text())


def test_redact_is_an_option_of_every_command_that_prints_data() -> None:
    for leaf, command in leaves().items():
        options = {option for parameter in command.params for option in parameter.opts}
        shows = "--json" in options or leaf == ("top",)
        assert shows == ("--redact" in options), leaf


# A reader, a report, a file, a database: whatever breaks on what was said doesn't repeat it.

SAID = "CANARY-secret words of a session"


def breaks(*_: object, **__: object) -> None:
    raise ValueError(SAID)


def test_a_reader_that_fails_on_a_log_says_nothing_of_it(
    cli: Command, canary: Canary, recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    place([recordings.one("0.169.0/b_shell")], Path(canary.env["CODEX_HOME"]))
    for name in ("read", "finish", "state"):
        with monkeypatch.context() as patch:
            patch.setattr(RolloutReader, name, breaks)
            answer = cli("backfill", "--log-level", "debug", "--rebuild")
            canary.heard(answer.out, answer.err)
        answer = cli("doctor", "--json")
        canary.heard(answer.out, answer.err)
        assert '"ValueError"' in answer.out


async def test_a_reader_that_fails_on_a_stream_says_nothing_of_it(
    canary: Canary, recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codex_telemetry.inputs.live import Line

    hearing = Hearing()
    monkeypatch.setattr(AppServer, "read", breaks)
    for frame in recordings.one("0.169.0/b_shell").frames():
        if frame.direction in ("c2s", "s2c"):
            at = int(frame.wall_s * 1000)
            hearing.hear(Line(frame.direction == "s2c", at, 0, frame.line))
    batch = hearing.take()
    assert batch.drift
    canary.heard(repr(batch))


@pytest.mark.parametrize("words", [["turns"], ["turns", "--json"], ["turns", "--csv"]])
def test_a_report_that_fails_says_where_and_not_on_what(
    cli: Command, canary: Canary, monkeypatch: pytest.MonkeyPatch, week: Path, words: list[str]
) -> None:
    shutil.copytree(week.parent, canary.home)
    monkeypatch.setattr(queries, "turns", breaks)
    answer = cli(*words, "--log-level", "debug", "--db", str(canary.home / "telemetry.db"))
    canary.heard(answer.out, answer.err)
    assert answer.code == 1
    assert "a mistake of the program: ValueError at" in answer.err
    assert (canary.home / "telemetry.log").read_text()


@pytest.mark.parametrize(
    "damage", ["a page", "the schema", "another program's", "a body", "a text"]
)
def test_a_damaged_database_is_not_quoted(
    cli: Command, normal: Path, database: Path, tmp_path: Path, damage: str
) -> None:
    """Its pages may hold anything: what somebody wrote over it, say."""
    if damage == "a page":
        with database.open("r+b") as file:
            for page in range(2, os.path.getsize(database) // 4096, 3):
                file.seek(page * 4096)
                file.write((SAID * 200).encode()[:4096])
    elif damage == "another program's":
        database.write_bytes(SAID.encode() * 1000)
    else:
        with sqlite3.connect(database) as db:
            if damage == "a text":  # that is no UTF-8
                db.execute("UPDATE sessions SET cwd = CAST(x'ff' || ? AS TEXT)", [SAID])
                db.execute("UPDATE turns SET model = CAST(x'ff' || ? AS TEXT)", [SAID])
            elif damage == "a body":
                db.execute("UPDATE told_bodies SET body = ?", [SAID.encode()])
                db.execute("UPDATE rollout_files SET state = ?", [SAID.encode()])
                db.execute("UPDATE sessions SET models = ?", [SAID])
            else:
                db.execute("PRAGMA writable_schema=ON")
                db.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'turns'", [SAID])
        db.close()
    codex = tmp_path / "codex-home"
    (codex / "sessions").mkdir()
    for words in walk(("--json",)):
        told = {TURN: "01a2", SESSION: "01a2", FILE: str(tmp_path / "f")}
        if words[0] == "sql" and damage in ("a page", "a body", "a text"):
            continue  # whoever asks for a column is told what is in it
        answer = cli(*(told.get(word, word) for word in words))
        assert not leaks_in(answer.err), words
        if damage != "a page":  # a cell may be anything then, and a table shows cells
            assert not leaks_in(answer.out), words
    log = normal / "telemetry.log"
    assert not log.exists() or not leaks_in(log.read_bytes())


def test_a_broken_log_is_not_quoted(cli: Command, canary: Canary, recordings: Recordings) -> None:
    home = place([recordings.one("0.169.0/b_shell")], Path(canary.env["CODEX_HOME"]))
    (path,) = rollouts(home)
    text = path.read_bytes()
    lines = text.splitlines(keepends=True)
    path.write_bytes(
        b"".join(
            cut
            for line in lines
            for cut in (line, line[: len(line) // 2] + b"\n", line.replace(b'":"', b'":["', 1))
        )
    )
    for words in (["backfill", "--log-level", "debug"], ["doctor", "--json"], ["sessions"]):
        answer = cli(*words)
        canary.heard(answer.out, answer.err)
    assert MARKED.search(path.read_bytes())
    found = json.loads(cli("doctor", "--json").out)["drift"]
    assert any(drift["name"] == "(line)" for drift in found)


@pytest.mark.parametrize(
    "config",
    [
        f'tz = "{SAID}"',
        f'privacy = "{SAID}"',
        f'week_start = ["{SAID}"]',
        f'[[prices]]\nmodel = "m"\ninput = "{SAID}"\noutput = 1',
        f"tz = {SAID}",
        f'tz = "{SAID}',
    ],
)
def test_a_broken_config_is_not_quoted(canary: Canary, config: str) -> None:
    canary.folders.clear()
    canary.home.mkdir()
    file = canary.home.parent / "broken.toml"
    file.write_text(config)
    for words in (["turns"], ["config"], ["backfill"], ["privacy", "status"], ["path"]):
        answer = canary.run(*words, "--config", str(file), "--log-level", "debug")
        assert answer.code == (0 if words == ["path"] else 2), words


def test_nothing_that_is_said_is_seen_from_outside(
    canary: Canary, recordings: Recordings, tmp_path: Path
) -> None:
    """Neither command lines nor the environment of what `run` starts tell it: of the collector they
    name the files it uses."""
    hold = tmp_path / "hold.py"
    hold.write_text("import sys\nfor line in sys.stdin:\n    print(line, end='', flush=True)\n")
    frames = [f for f in recordings.one("0.169.0/b_shell").frames() if f.direction == "c2s"]
    with subprocess.Popen(
        [
            *PROGRAM,
            "run",
            "--log-level",
            "debug",
            "--",
            sys.executable,
            str(hold),
            "--ask=CANARY-x",
        ],
        env={**os.environ, **canary.env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as wrapped:
        assert wrapped.stdin is not None
        assert wrapped.stdout is not None
        for frame in frames:
            wrapped.stdin.write(frame.line + b"\n")
            wrapped.stdin.flush()
            wrapped.stdout.readline()
        seen = outside()
        wrapped.stdin.close()
        wrapped.wait(timeout=30)
    collectors = {pid: told for pid, told in seen.items() if b"\0collect\0" in told}
    assert len(collectors) == 1
    (told,) = collectors.values()
    assert not leaks_in(told)


def outside() -> dict[int, bytes]:
    """The command line and the environment of each process that knows of this home."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            told = (folder / "cmdline").read_bytes() + b"\n" + (folder / "environ").read_bytes()
        except OSError:
            continue
        if os.environ["CODEX_TELEMETRY_HOME"].encode() in told:
            found[int(folder.name)] = told
    return found


def test_what_is_heard_of_all_recordings_holds_no_word(recordings: Recordings) -> None:
    for recording in recordings.like("*"):
        assert not leaks_in(repr(heard(recording))), recording.name


def test_the_fixture_finds_what_leaks(tmp_path: Path) -> None:
    found = Canary(tmp_path, {})
    found.check()
    (tmp_path / "telemetry.log").write_text(SAID)
    with pytest.raises(AssertionError):
        found.check()
    (tmp_path / "telemetry.log").unlink()
    database = tmp_path / "telemetry.db"
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("CREATE TABLE told_bodies (body BLOB)")
        among = f"{SAID} {list(range(500))}"  # a few words alone stay as they are
        db.execute("INSERT INTO told_bodies VALUES (?)", [squeezed(among.encode())])
    assert not MARKED.search(database.read_bytes())
    with pytest.raises(AssertionError):
        found.check()
    database.unlink()
    found.heard(SAID)
    with pytest.raises(AssertionError):
        found.check()
