"""A shell that has read our script completes commands and options, and nothing else happens."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codex_telemetry.cli.completion import SHELLS
from commands import Command, run

PROGRAM = Path(sys.executable).with_name("codex-telemetry")

BASH = """
eval "$(codex-telemetry completion bash)"
complete -p codex-telemetry >/dev/null || exit 1
COMP_WORDS=({words}) COMP_CWORD={at}
_codex_telemetry_completion codex-telemetry
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(*words: str) -> list[str]:
    """What bash offers after these words, the last of which isn't finished."""
    script = BASH.format(words=" ".join(f"'{word}'" for word in words), at=len(words) - 1)
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_and_options(home: Path) -> None:
    assert completed("codex-telemetry", "tur") == ["turns", "turn"]
    assert set(completed("codex-telemetry", "limits", "--mi")) == {"--milestones"}
    assert "--timeout" in completed("codex-telemetry", "sql", "--")
    assert "collect" not in completed("codex-telemetry", "")
    assert list(home.iterdir()) == []


def asked(shell: str, words: str) -> str:
    answer = run(
        env={
            "_CODEX_TELEMETRY_COMPLETE": f"complete_{shell}",
            "_TYPER_COMPLETE_ARGS": words,
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        }
    )
    assert (answer.code, answer.err) == (0, "")
    return answer.out


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_are_answered_in_their_form(shell: str) -> None:
    out = asked(shell, "codex-telemetry lim")
    assert "limits" in out
    assert "turns" not in out


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_one_that_the_shell_can_read(cli: Command, shell: str) -> None:
    script = cli("completion", shell).out
    assert "_CODEX_TELEMETRY_COMPLETE" in script
    assert script.endswith("\n")
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n"], input=script, text=True, check=True, capture_output=True)


def test_no_such_shell_is_one_line(cli: Command) -> None:
    answer = cli("completion", "tcsh")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        "codex-telemetry: completion: no shell is called tcsh; one of bash, zsh, fish\n"
    )
