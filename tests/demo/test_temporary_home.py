"""A temporary home leaves nothing behind: no file and no process, whichever way it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codex_telemetry.demo.home import inhabitants, temporary_home

ORIGIN = "http://127.0.0.1:9"


@contextmanager
def started(program: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Python that is killed at the end, come what may."""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.kill()


# A home with somebody in it who doesn't go by himself, in a session of his own.
STAY = """
import subprocess, sys, time
from codex_telemetry.demo.home import temporary_home
with temporary_home("http://127.0.0.1:9") as home:
    (home.codex / "sessions").mkdir()
    subprocess.Popen(["sleep", "600"], env=home.env, start_new_session=True)
    print(home.root, flush=True)
    time.sleep(600)
"""


def test_a_home_knows_no_account_and_only_the_stub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-someone's")
    monkeypatch.setenv("CODEX_TELEMETRY_DB", "/somewhere/else.db")
    with temporary_home(ORIGIN) as home:
        assert "OPENAI_API_KEY" not in home.env
        assert "CODEX_TELEMETRY_DB" not in home.env
        assert home.env["HTTPS_PROXY"] == home.env["https_proxy"] == ORIGIN
        for name in ("HOME", "CODEX_HOME", "CODEX_TELEMETRY_HOME", "TMPDIR"):
            assert Path(home.env[name]).is_relative_to(home.root)
        assert home.database.is_relative_to(home.env["CODEX_TELEMETRY_HOME"])
        assert list(home.codex.iterdir()) == [home.codex / "config.toml"]


def test_nothing_is_left_after_an_error() -> None:
    home = None
    try:
        with temporary_home(ORIGIN) as home:
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert home is not None
    assert not home.root.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows who lives there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nobody_and_nothing_is_left_after_a_signal(number: signal.Signals) -> None:
    with started(STAY) as demo:
        assert demo.stdout is not None
        root = Path(os.fsdecode(demo.stdout.readline().strip()))
        assert root.is_dir()
        assert home_is_lived_in(root)
        demo.send_signal(number)
        demo.wait(30)
    assert not root.exists()
    assert inhabitants(root) == []


def home_is_lived_in(root: Path) -> bool:
    """The environment of a process shows a moment after its start."""
    end = time.monotonic() + 10
    while not (found := inhabitants(root)) and time.monotonic() < end:
        time.sleep(0.01)
    return bool(found)
