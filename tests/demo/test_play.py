"""The demo from its start to the rows that `run` wrote, with a real Codex and without one."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codex_telemetry.demo import play
from codex_telemetry.demo.replay import recorded_version
from codex_telemetry.store import queries
from codex_telemetry.store.find import find_turn
from real_codex import RealCodex


def rows(played: play.Played) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The turn and its items."""
    with queries.reading(played.database) as store:
        turn = find_turn(store, played.turn_id)
        return dict(turn), [dict(item) for item in queries.items_of(store, turn["turn_key"])]


def test_the_demo_ends_with_the_rows_of_its_turn(codex: RealCodex) -> None:
    told: list[str] = []
    with play.run(codex.path, narrate=told.append) as played:
        turn, items = rows(played)
        written = [file for file in played.database.parent.rglob("*") if file.is_file()]
        assert [file for file in written if b"CANARY-" in file.read_bytes()] == []
    assert not played.replayed
    assert played.codex_version == turn["cli_version"] == codex.version
    assert turn["status"] == "completed"
    assert turn["approvals"] == 1
    kinds = [item["kind"] for item in items]
    assert {"reasoning", "command", "file_change", "message"} <= set(kinds)
    (waited,) = [item["approval_ms"] for item in items if item["approval_ms"]]
    assert waited >= 600
    assert any("permission" in line for line in told)


@pytest.mark.codex("0.169.0")
def test_the_slow_commands_bar_grows_with_the_stubs_sleep(codex: RealCodex) -> None:
    def slow_ms(seconds: float) -> int:
        with play.run(codex.path, command_seconds=seconds, narrate=lambda _: None) as played:
            _, items = rows(played)
        return next(int(item["duration_ms"]) for item in items if item["name"] == "sleep")

    assert slow_ms(1.7) - slow_ms(0.7) == pytest.approx(1000, abs=400)


def test_without_a_codex_a_recording_goes_through_the_same_run() -> None:
    told: list[str] = []
    with play.run(None, narrate=told.append) as played:
        turn, items = rows(played)
    assert played.replayed
    assert any("no Codex" in line and str(recorded_version()) in line for line in told)
    assert (turn["status"], turn["approvals"]) == ("completed", 1)
    slow = next(item for item in items if item["name"] == "sleep")
    assert slow["ended_at"] - slow["started_at"] == pytest.approx(900, abs=150)
    parts = [value for name, value in turn.items() if name in PARTS]
    assert sum(parts) == turn["duration_ms"]


PARTS = [
    f"{part}_ms"
    for part in "start_delay model tools approval hooks compaction retry unexplained".split()
]


def test_a_codex_that_is_no_app_server_is_said_and_replaced_by_the_recording() -> None:
    told: list[str] = []
    with play.run(Path("/bin/false"), narrate=told.append) as played:
        assert played.replayed
    assert any("/bin/false" in line for line in told)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_when_the_demo_is_stopped_half_way(
    tmp_path: Path, number: signal.Signals
) -> None:
    program = """if True:
        from codex_telemetry.demo import play
        with play.run(None, narrate=lambda line: print(line, flush=True)):
            pass
    """
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as demo:
        try:
            assert demo.stdout is not None
            assert any(b"runs a command" in line for line in demo.stdout)
            assert len(list(tmp_path.iterdir())) == 1
            demo.send_signal(number)
            said = demo.stdout.read()
            assert demo.wait(30) != 0
            assert b"turn has" not in said
        finally:
            demo.kill()
    assert list(tmp_path.iterdir()) == []
    assert started_in(tmp_path) == []


def started_in(folder: Path) -> list[str]:
    """Processes that were given `folder` in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.fsencode(folder) in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found
