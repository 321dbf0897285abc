"""How what is typed after `run` is understood."""

import os
import subprocess
import sys

import pytest
from tapped import PATIENCE, source_root

from codex_telemetry.main import UsageError, split


@pytest.mark.parametrize(
    ("words", "options", "command"),
    [
        ("-- codex app-server", "", "codex app-server"),
        ("codex app-server --help", "", "codex app-server --help"),
        ("--db x -- codex", "--db=x", "codex"),
        (
            "--db=x --config y --log-level=z codex -- a",
            "--db=x --config=y --log-level=z",
            "codex -- a",
        ),
        ("-- codex -- --db x", "", "codex -- --db x"),
        ("-- -- x", "", "-- x"),
        ("", "", ""),
        ("--db x --", "--db=x", ""),
    ],
)
def test_what_follows_run_is_taken_apart_without_touching_the_command(
    words: str, options: str, command: str
) -> None:
    assert split(words.split()) == (options.split(), command.split())


@pytest.mark.parametrize("words", ["--help", "-h", "--db x -h -- codex"])
def test_help_is_asked_for_only_before_the_command(words: str) -> None:
    assert split(words.split()) is None


@pytest.mark.parametrize("words", ["--nope -- codex", "-x codex", "--db", "--db --", "--db= -- a"])
def test_a_wrong_option_is_a_usage_error(words: str) -> None:
    with pytest.raises(UsageError):
        split(words.split())


@pytest.mark.parametrize("words", [[], ["--"], ["--db", "x", "--"], ["--nope", "--", "true"]])
def test_usage_errors_are_one_line_and_exit_code_2(words: list[str]) -> None:
    done = python("-m", "codex_telemetry", "run", *words)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"codex-telemetry: run: ")
    assert done.stderr.count(b"\n") == 1


def test_windows_is_refused_in_one_line() -> None:
    pretend = "import os; from codex_telemetry.main import main; os.name = 'nt'; main()"
    done = python("-c", pretend)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"Windows" in done.stderr
    assert done.stderr.count(b"\n") == 1


def python(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-P", *words],
        env=os.environ | {"PYTHONPATH": source_root()},
        input=b"",
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
