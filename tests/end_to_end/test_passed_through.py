"""Whatever isn't a session of Codex goes through `run` as if it weren't there, and leaves nothing."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app_server import PLAIN_MODEL, prompt
from codex_telemetry.demo.home import Home, temporary_home
from codex_telemetry.demo.model_stub import ModelStub
from real_codex import RealCodex
from store_of import ended_collectors, rows, until

RUN = (sys.executable, "-P", "-m", "codex_telemetry", "run", "--log-level", "debug", "--")
PATIENCE_S = 60


def ran(home: Home, *command: str, said: bytes = b"") -> tuple[int, bytes, bytes]:
    done = subprocess.run(
        command,
        input=said,
        env=home.env,
        cwd=home.work,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "words", [["--version"], ["--help"], ["login", "status"], ["mcp", "list"], ["features", "list"]]
)
def test_commands_of_codex_without_a_session_start_no_collector(
    codex: RealCodex, words: list[str]
) -> None:
    with temporary_home("http://127.0.0.1:9") as home:
        bare = ran(home, str(codex), *words)
        assert ran(home, *RUN, str(codex), *words) == bare
        assert not home.database.parent.exists()


PROGRAMS = {
    "cat": (["cat"], b'{"method":"initialize","id":1}\n{"type":"thread.started"}\n\0\xff'),
    "exit code": (["sh", "-c", "echo out; echo err >&2; exit 7"], b""),
    "killed": (["sh", "-c", "kill -TERM $$"], b""),
    "not there": (["/nowhere/codex"], b""),
    "json of others": (
        ["sh", "-c", """echo '{"jsonrpc":"2.0","id":1,"result":{"serverInfo":{"name":"x"}}}'
         echo '{"method":"error","params":{}}'; echo '{"type":"turn.started"}'
         echo '{"id":"1","msg":{"type":"hello"}}'"""],
        b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}\n',
    ),
    "much": (["sh", "-c", "head -c 30000000 /dev/zero"], b""),
}  # fmt: skip


@pytest.mark.parametrize("what", PROGRAMS)
def test_other_programs_are_as_they_are_without_us(what: str) -> None:
    command, said = PROGRAMS[what]
    with temporary_home("http://127.0.0.1:9") as home:
        code, out, err = ran(home, *RUN, *command, said=said)
        if what == "not there":
            assert (code, out) == (127, b"")
            return
        bare = ran(home, *command, said=said)
        assert (code, out, err) == (
            128 + signal.SIGTERM if what == "killed" else bare[0],
            *bare[1:],
        )
        until(lambda: ended_collectors(home.database.parent) == 1)
        assert not home.database.exists()


@pytest.mark.codex("0.125.0", "0.63.0")  # 0.169 has no such command any more
def test_a_codex_that_serves_mcp_has_its_log_read_and_says_nothing_unknown(
    codex: RealCodex,
) -> None:
    with (
        ModelStub() as stub,
        temporary_home(stub.origin, model=PLAIN_MODEL) as home,
        subprocess.Popen(
            [*RUN, str(codex), "mcp-server"],
            env=home.env,
            cwd=home.work,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as child,
    ):
        client = {"name": "canary_client", "version": "1.0"}
        asked = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
        ask(child, 1, "initialize", asked)
        call = {"name": "codex", "arguments": {"prompt": prompt("plain"), "cwd": str(home.work)}}
        answer = ask(child, 2, "tools/call", call)
        assert "CANARY-ANSWER-1" in json.dumps(answer)
        (turn,) = until(
            lambda: rows(home.database, "SELECT * FROM turns WHERE status = 'completed'")
        )
        assert child.stdin is not None
        child.stdin.close()
        child.wait(PATIENCE_S)
        until(lambda: ended_collectors(home.database.parent) == 1)
        assert turn["sources"] == 2
        assert turn["total_tokens"] == sum(
            c.usage["total_tokens"] for c in stub.answered if c.usage
        )
        assert len(rows(home.database, "SELECT * FROM turns")) == 1
        assert rows(home.database, "SELECT * FROM drift") == []


def ask(child: subprocess.Popen[bytes], number: int, method: str, params: Any) -> Any:
    """One request of MCP, and what it is answered with in the end."""
    assert child.stdin is not None
    assert child.stdout is not None
    asked = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    child.stdin.write(json.dumps(asked).encode() + b"\n")
    child.stdin.flush()
    for line in child.stdout:
        told = json.loads(line)
        if told.get("id") == number and "result" in told:
            return told["result"]
    raise AssertionError("it ended without an answer")


def test_a_program_called_codex_that_is_none_leaves_nothing(tmp_path: Path) -> None:
    fake = tmp_path / "codex"
    fake.write_text("#!/bin/sh\ncat\n")
    fake.chmod(0o700)
    with temporary_home("http://127.0.0.1:9") as home:
        assert ran(home, *RUN, str(fake), "whatever", said=b"\0\xff\n") == (0, b"\0\xff\n", b"")
        until(lambda: ended_collectors(home.database.parent) == 1)
        assert rows(home.database, "SELECT * FROM sessions") == []
