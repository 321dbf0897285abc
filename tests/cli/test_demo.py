"""`demo`, as a newcomer runs it: it ends in a waterfall of what was recorded in this very run."""

import re
from pathlib import Path

import pytest

from commands import Answer, on_a_terminal
from real_codex import NEWEST, RealCodex


def demo(codex: str, *words: str) -> Answer:
    environment = {"CODEX_TELEMETRY_CODEX": codex, "NO_COLOR": "1"}
    answer = on_a_terminal("demo", *words, env=environment, columns=100)
    assert answer.code == 0, answer.err
    return answer


def sleep(answer: Answer) -> tuple[int, float]:
    """The columns of the slow command's bar, and its seconds."""
    (line,) = re.findall(r"\n  \$ sleep .*", answer.out)
    ((count, unit),) = re.findall(r"([\d.]+) (m?s)\b", line)
    return line.count("█"), float(count) / (1000 if unit == "ms" else 1)


@pytest.mark.codex(NEWEST)
def test_the_bar_grows_with_the_commands_own_time(codex: RealCodex) -> None:
    short = demo(str(codex), "--command-seconds", "0.4", "--tz", "UTC")
    long = demo(str(codex), "--command-seconds", "2.4", "--tz", "UTC")
    (columns, seconds), (more_columns, more_seconds) = sleep(short), sleep(long)
    assert more_seconds - seconds == pytest.approx(2.0, abs=0.5)
    assert more_columns > 1.5 * columns
    assert f"Codex {NEWEST}" in long.out
    for part in ("model", "tools", "approval", "start delay"):
        assert f" {part} " in long.out
    assert "░" in long.out


def test_without_a_codex_a_recording_is_replayed_and_it_says_so(tmp_path: Path) -> None:
    """A Codex that is none: `demo` can't tell what it is before it tries."""
    none = tmp_path / "codex"
    none.write_text("#!/bin/sh\nexit 1\n")
    none.chmod(0o755)
    answer = demo(str(none))
    assert "replaying a recorded run" in answer.err
    columns, seconds = sleep(answer)
    assert columns > 3
    assert 0.5 < seconds < 2


def test_a_codex_that_is_not_there_is_one_line() -> None:
    answer = on_a_terminal("demo", env={"CODEX_TELEMETRY_CODEX": "/no/such/codex"})
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.count("\n") == 1
