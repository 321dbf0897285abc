"""History made by the real Codex: what is on disk agrees with what its model was asked and sent."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app_server import PLAIN_MODEL, Talk, prompt, talk
from canary import leaks, leaks_in
from codex_telemetry.demo.client import Client
from real_codex import RealCodex
from store_of import ended_collectors, rows, until

MODULE = (sys.executable, "-P", "-m", "codex_telemetry")
RUN = (*MODULE, "run", "--log-level", "debug", "--")


def command(it: Talk, *words: str) -> Any:
    """What a command prints with --json."""
    done = subprocess.run(
        [*MODULE, *words, "--json"], env=it.home.env, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not leaks_in(done.stdout + done.stderr)
    return json.loads(done.stdout)


def make_history(it: Talk, codex: RealCodex) -> None:
    """Several turns, a resume by another process, a fork, an archived thread."""
    it.turn("plain", "1")
    it.turn("shell", "2")
    it.client.close()
    argv = [str(codex), "app-server"]
    with Client(argv, env=it.home.env, cwd=it.home.work) as again:
        again.initialize()
        again.request("thread/resume", {"threadId": it.thread})
        again.run_turn(it.thread, prompt("plain", "3"))
        forked = again.request("thread/fork", {"threadId": it.thread})["thread"]["id"]
        again.run_turn(forked, prompt("plain", "4"))
        other = again.start_thread(it.home.work)
        again.run_turn(other, prompt("plain", "5"))
        again.request("thread/archive", {"threadId": other})


def sent_by_model(it: Talk) -> int:
    return sum(call.usage["total_tokens"] for call in it.stub.answered if call.usage)


@pytest.mark.codex("0.169.0", "0.125.0")
def test_the_whole_history_is_counted_once(codex: RealCodex) -> None:
    with talk(codex, model=PLAIN_MODEL) as it:
        make_history(it, codex)
        first = command(it, "backfill")
        second = command(it, "backfill")
        sessions = command(it, "sessions")
        turns = command(it, "turns")
        assert leaks(it.home.database.parent) == []
    assert first["files"] == first["files_read"] == 3
    assert (second["files_read"], second["bytes_read"], second["turns"]) == (0, 0, 0)
    assert sum(s["total_tokens"] for s in sessions) == sent_by_model(it)
    assert sorted(s["relation"] for s in sessions) == ["fork", "root", "root"]
    assert [s["archived"] for s in sessions].count(True) == 1
    assert sorted(s["turns"] for s in sessions) == [1, 1, 3]
    assert all(s["rollout_path"].endswith(f"{s['session_id']}.jsonl") for s in sessions)
    assert {s["rollout_path"].partition("/")[0] for s in sessions} == {
        "sessions",
        "archived_sessions",
    }
    assert len({turn["turn_id"] for turn in turns}) == len(turns) == 5
    assert {tuple(turn["sources"]) for turn in turns} == {("rollout",)}


def test_live_and_logged_are_one(codex: RealCodex) -> None:
    with talk(codex, wrapper=RUN, model=PLAIN_MODEL) as it:
        it.client.approve()
        it.turn("demo")
        it.turn("shell", "2")
        it.client.close()
        until(lambda: ended_collectors(it.home.database.parent) == 1)
        after_the_session = command(it, "turns")
        again = command(it, "backfill")
        turns = command(it, "turns")
        assert leaks(it.home.database.parent) == []
    # The collector has read the log as soon as the session ended.
    assert turns == after_the_session
    assert again["files_read"] == 0
    assert [turn["sources"] for turn in turns] == [["live", "rollout"]] * 2
    assert sum(turn["total_tokens"] for turn in turns) == sent_by_model(it)


def test_what_comes_first_makes_no_difference(codex: RealCodex, tmp_path: Path) -> None:
    """The same session: heard and then logged; logged, and then heard by what a spool kept."""
    with talk(codex, wrapper=RUN, model=PLAIN_MODEL) as it:
        it.turn("shell")
        it.client.close()
        until(lambda: ended_collectors(it.home.database.parent) == 1)
        one = command(it, "turns")
        command(it, "backfill", "--rebuild")
        assert command(it, "turns") == one
        elsewhere = {**it.home.env, "CODEX_TELEMETRY_HOME": str(tmp_path)}
        subprocess.run([*MODULE, "backfill"], env=elsewhere, check=True, capture_output=True)
    (logged,) = rows(tmp_path / "telemetry.db", "SELECT * FROM turns")
    assert logged["total_tokens"] == one[0]["total_tokens"]
    assert logged["tool_calls"] == one[0]["tool_calls"]
    assert (logged["prompts"], logged["messages"]) == (one[0]["prompts"], one[0]["messages"])


@pytest.mark.codex("0.169.0")
def test_commands_are_hashed_only_where_the_user_asks(codex: RealCodex) -> None:
    with talk(codex, model=PLAIN_MODEL) as it:
        it.turn("shell")
        it.client.close()
        query = "SELECT command_hash FROM items WHERE kind = 'command'"
        command(it, "backfill")
        assert {row["command_hash"] for row in rows(it.home.database, query)} == {None}
        command(it, "backfill", "--rebuild", "--hash-commands")
        hashes = [row["command_hash"] for row in rows(it.home.database, query)]
        assert leaks(it.home.database.parent) == []
    assert len(set(hashes)) == 3
    assert all(len(found) == 16 for found in hashes)


def test_no_home_is_said_in_one_line(tmp_path: Path) -> None:
    env = {
        **os.environ,
        "CODEX_HOME": str(tmp_path / "none"),
        "CODEX_TELEMETRY_HOME": str(tmp_path),
    }
    done = subprocess.run([*MODULE, "backfill"], env=env, capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stdout == b""
    assert b"no home of Codex can be read" in done.stderr


def test_what_waits_is_taken_in_even_where_there_is_no_home(tmp_path: Path) -> None:
    from codex_telemetry.core.batch import Batch
    from codex_telemetry.core.facts import TurnFacts
    from codex_telemetry.core.identity import SessionId, TurnId
    from codex_telemetry.store import spool

    turn = TurnFacts(TurnId("01a20724-25db-75a2-b830-6a9c0d17030c"), tellers={SessionId("t"): 1})
    batch = Batch("live", "L")
    batch.add(turn, 0)
    assert spool.put(batch, [tmp_path / "telemetry.db.spool"]) is not None
    env = {
        **os.environ,
        "CODEX_HOME": str(tmp_path / "none"),
        "CODEX_TELEMETRY_HOME": str(tmp_path),
    }
    done = subprocess.run([*MODULE, "backfill"], env=env, capture_output=True, check=False)
    assert done.returncode == 1
    assert len(rows(tmp_path / "telemetry.db", "SELECT * FROM turns")) == 1


@pytest.mark.codex("0.169.0")
def test_who_watches_sees_turns_as_they_are_written(codex: RealCodex) -> None:
    with talk(codex, model=PLAIN_MODEL) as it:
        watching = subprocess.Popen(
            [*MODULE, "backfill", "--watch", "--json"],
            env=it.home.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert watching.stderr is not None
        watching.stderr.readline()  # it says that it watches
        it.turn("plain", "1")
        until(lambda: [r for r in turns_of(it) if r["status"] == "completed"])
        it.turn("plain", "2")
        found = until(lambda: [r for r in turns_of(it) if r["status"] == "completed"][1:])
        watching.send_signal(signal.SIGINT)
        said, complaint = watching.communicate(timeout=20)
    assert found[0]["total_tokens"]
    assert (watching.returncode, complaint) == (0, b"")
    assert json.loads(said)["turns"] == 2


def turns_of(it: Talk) -> list[dict[str, Any]]:
    return rows(it.home.database, "SELECT * FROM turns ORDER BY started_at")
