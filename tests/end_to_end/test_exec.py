"""`codex exec` behind `run`: its stream and its log, or its log alone, make one row, as it goes on."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app_server import PLAIN_MODEL, prompt
from canary import leaks
from codex_telemetry.demo.home import Home, temporary_home
from codex_telemetry.demo.model_stub import ModelStub
from real_codex import RealCodex
from store_of import ended_collectors, rows, until

RUN = (sys.executable, "-P", "-m", "codex_telemetry", "run", "--log-level", "debug", "--")
ENDED = "SELECT * FROM turns WHERE status <> 'in_progress' ORDER BY started_at"
HEARD, LOGGED, BOTH = 1, 2, 3
PATIENCE_S = 60


@dataclass
class Desk:
    """Where exec is run, again and again."""

    codex: RealCodex
    stub: ModelStub
    home: Home
    runs: int = 0

    def start(
        self, *words: str, through: Sequence[str] = (), **options: Any
    ) -> subprocess.Popen[bytes]:
        self.runs += 1
        return subprocess.Popen(
            [*RUN, *through, str(self.codex), "exec", "--skip-git-repo-check", *words],
            env=self.home.env,
            cwd=self.home.work,
            stdin=options.get("stdin", subprocess.DEVNULL),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def exec(self, *words: str, said: bytes | None = None, **options: Any) -> tuple[int, bytes]:
        """Run it to its end, and the collector to its own; exit code and output."""
        stdin = subprocess.DEVNULL if said is None else subprocess.PIPE
        child = self.start(*words, stdin=stdin, **options)
        out, _ = child.communicate(said, timeout=PATIENCE_S)
        until(lambda: ended_collectors(self.home.database.parent) == self.runs)
        return child.returncode, out

    @property
    def turns(self) -> list[dict[str, Any]]:
        return rows(self.home.database, ENDED)

    @property
    def sent(self) -> list[int]:
        """Tokens of each response, as the model's side counts."""
        return [call.usage["total_tokens"] for call in self.stub.answered if call.usage]

    def counted(self) -> list[int]:
        """The same, as the store does."""
        query = "SELECT total_tokens FROM responses ORDER BY at, running_total_tokens"
        return [row["total_tokens"] for row in rows(self.home.database, query)]


@contextmanager
def desk(codex: RealCodex, *, command_seconds: float = 0.2) -> Iterator[Desk]:
    with (
        ModelStub(command_seconds=command_seconds) as stub,
        temporary_home(stub.origin, model=PLAIN_MODEL) as home,
    ):
        yield Desk(codex, stub, home)


def test_what_the_stream_and_the_log_tell_of_a_turn_is_one_row(
    codex: RealCodex, tmp_path: Path
) -> None:
    recorder = (sys.executable, str(Path(__file__).parent / "recorder.py"), str(tmp_path))
    with desk(codex, command_seconds=0.7) as it:
        code, out = it.exec("--json", prompt("shell"), through=recorder)
        (turn,) = it.turns
        items = rows(it.home.database, "SELECT * FROM items WHERE kind = 'command'")
        drift = rows(it.home.database, "SELECT * FROM drift")
        sent, counted = it.sent, it.counted()
    assert code == 0
    assert out == (tmp_path / "from_codex").read_bytes()
    thread = json.loads(out.splitlines()[0])["thread_id"]
    assert (turn["session_id"], turn["status"], turn["sources"]) == (thread, "completed", BOTH)
    assert (turn["prompts"], turn["tool_calls"], turn["tool_failures"]) == (1, 3, 1)
    assert (turn["cli_version"], turn["cwd"]) == (codex.version, str(it.home.work))
    assert counted == sent
    assert sorted((item["name"], item["exit_code"], item["output_bytes"]) for item in items) == [
        ("echo", 0, 26),
        ("echo", 3, 17),
        ("sleep", 0, 13),
    ]
    assert 450 <= turn["tools_ms"] <= turn["duration_ms"]
    assert (turn["hooks_ms"], turn["approvals"]) == (None, 0)
    assert drift == []


def test_without_json_the_log_is_read_while_it_runs(codex: RealCodex) -> None:
    with desk(codex, command_seconds=2.5) as it:
        child = it.start(prompt("shell"))
        seen = until(lambda: rows(it.home.database, "SELECT * FROM items WHERE name = 'echo'"))
        assert child.poll() is None, "it runs while its first commands can be seen"
        out, _ = child.communicate(timeout=PATIENCE_S)
        until(lambda: ended_collectors(it.home.database.parent) == 1)
        (turn,) = it.turns
        sent, counted = it.sent, it.counted()
    assert seen
    assert child.returncode == 0
    assert out == b"CANARY-ANSWER-1 done\n"
    assert (turn["status"], turn["sources"], turn["tool_calls"]) == ("completed", LOGGED, 3)
    assert counted == sent


def test_what_a_resumed_thread_has_used_before_is_not_counted_again(codex: RealCodex) -> None:
    with desk(codex) as it:
        it.exec("--json", prompt("shell"))
        _, out = it.exec("--json", "resume", "--last", prompt("plain", "2"))
        turns = it.turns
        sent, counted = it.sent, it.counted()
    reported = json.loads(out.splitlines()[-1])["usage"]
    if codex.version != "0.63.0":
        assert reported["input_tokens"] > 4_100, "it says what the thread has used by now"
    assert [turn["sources"] for turn in turns] == [BOTH, BOTH]
    assert len({turn["session_id"] for turn in turns}) == 1
    assert sum(turn["total_tokens"] for turn in turns) == sum(sent)
    assert counted == sent


@pytest.mark.codex("0.169.0", "0.125.0")
def test_a_thread_without_a_log_has_what_its_stream_tells(codex: RealCodex) -> None:
    with desk(codex) as it:
        it.exec("--json", "--ephemeral", prompt("shell"))
        (turn,) = it.turns
        sent = it.sent
    assert (turn["status"], turn["sources"], turn["tool_calls"]) == ("completed", HEARD, 3)
    assert (turn["total_tokens"], turn["responses"]) == (sum(sent), None)
    assert turn["context_tokens"] is None


@pytest.mark.codex("0.169.0")  # the first of the pinned ones that can
def test_a_fork_without_a_log_has_none_of_its_parents_tokens(codex: RealCodex) -> None:
    with desk(codex) as it:
        _, out = it.exec("--json", prompt("shell"))
        thread = json.loads(out.splitlines()[0])["thread_id"]
        it.exec("--json", "--ephemeral", "fork", thread, prompt("plain", "2"))
        first, second = it.turns
        sent = it.sent
    assert first["total_tokens"] == sum(sent[:-1])
    assert (second["sources"], second["total_tokens"]) == (HEARD, None)


def test_how_a_turn_failed_and_that_it_was_tried_again_is_told(codex: RealCodex) -> None:
    with desk(codex) as it:
        failed, _ = it.exec("--json", prompt("error400"))
        tried, _ = it.exec("--json", prompt("retry_once", "2"))
        first, second = it.turns
    assert (failed, tried) == (1, 0)
    assert (first["status"], first["errors"]) == ("failed", 1)
    assert (second["status"], second["errors"], second["retries"]) == ("completed", 0, 1)
    assert second["retry_ms"] > 0


def test_a_prompt_that_looks_like_a_protocol_is_a_prompt(codex: RealCodex) -> None:
    said = b"""{"id":1,"method":"initialize","params":{"clientInfo":{"name":"CANARY-PROMPT-1"}}}
{"method":"turn/started","params":{"threadId":"x","turn":{"id":"y"}}}
CANARY-PROMPT-1 [[script:plain]]
"""
    with desk(codex) as it:
        it.exec("--json", "-", said=said)
        (turn,) = it.turns
        drift = rows(it.home.database, "SELECT * FROM drift")
        leaked = leaks(it.home.database.parent)
    assert (turn["status"], turn["sources"], drift, leaked) == ("completed", BOTH, [], [])
