"""Codex as editors start it: a client that spawns the shim in Codex's place, and the real Codex behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app_server import PLAIN_MODEL, Talk, prompt
from codex_telemetry.demo.client import Client
from codex_telemetry.demo.home import Home, inhabitants, temporary_home
from codex_telemetry.demo.model_stub import ModelStub
from real_codex import RealCodex
from store_of import rows, until

ENDED = "SELECT * FROM turns WHERE status <> 'in_progress' ORDER BY started_at"


def shim_of(codex: RealCodex, home: Home, *words: str) -> Path:
    """Installed by the command, into the folder of that home."""
    folder = home.root / "shims"
    done = subprocess.run(
        [sys.executable, "-P", "-m", "codex_telemetry", "shim", "install", "--dir", folder, *words],
        env={**home.env, "PATH": f"{codex.path.parent}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Path(done.stdout.strip())


@contextmanager
def editor(codex: RealCodex, *words: str) -> Iterator[Talk]:
    """One whose setting names a shim called `codex`, first on its PATH, with npm's Codex behind it."""
    with (
        ModelStub(command_seconds=0.2) as stub,
        temporary_home(stub.origin, model=PLAIN_MODEL) as home,
    ):
        shim = shim_of(codex, home, "--name", "codex", *words)
        path = f"{shim.parent}:{codex.path.parent}:{os.environ['PATH']}"
        env = {**home.env, "PATH": path, "PYTHONHOME": "/an/editors/own"}
        with Client([str(shim), "app-server"], env=env, cwd=home.work) as client:
            client.initialize("canary_client")
            yield Talk(client, stub, home, client.start_thread(home.work))


@pytest.mark.codex("0.169.0", "0.63.0")
def test_a_turn_in_an_editor_is_recorded(codex: RealCodex) -> None:
    with editor(codex) as it:
        it.client.approve()
        assert it.turn("shell")["status"] == "completed"
        (row,) = until(lambda: rows(it.home.database, ENDED))
        assert (row["session_id"], row["status"]) == (it.thread, "completed")
        assert it.client.close() == 0


@pytest.mark.codex("0.169.0")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_editor_that_ends_it_leaves_nobody_behind(
    codex: RealCodex, number: signal.Signals
) -> None:
    with editor(codex) as it:
        assert it.turn("plain")["status"] == "completed"
        os.kill(it.client.child.pid, number)
        assert it.client.child.wait(20) == (0 if number == signal.SIGTERM else -number)
        until(lambda: rows(it.home.database, ENDED))
        until(lambda: not inhabitants(it.home.root))


@pytest.mark.codex("0.169.0")
def test_an_editor_notices_nothing_when_we_are_gone(codex: RealCodex) -> None:
    """As after `rm -r` of the environment: the same Codex, and no recording."""
    with (
        ModelStub() as stub,
        temporary_home(stub.origin, model=PLAIN_MODEL) as home,
    ):
        shim = shim_of(codex, home, "--codex", str(codex))
        shim.write_text(shim.read_text().replace(sys.executable, "/gone/bin/python"))
        with Client([str(shim), "app-server"], env=home.env, cwd=home.work) as client:
            client.initialize("canary_client")
            thread = client.start_thread(home.work)
            assert client.run_turn(thread, prompt("plain"))["status"] == "completed"
            client.child.terminate()
            assert client.child.wait(20) == 0
        assert not home.database.exists()
