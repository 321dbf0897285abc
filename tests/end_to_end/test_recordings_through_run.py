"""Every recorded release, replayed at full speed through `run`: the bytes pass, the rows are right."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from canary import leaks
from recordings import Frame, Recordings, names
from store_of import ended_collectors, rows, until
from told import DIRECTIONS, Told, told_by

REPLAY = Path(__file__).parent / "replay.py"
STREAMS = tuple(name for name in names() if "/x_exec" not in name)
RELEASES = sorted({name.partition("/")[0] for name in STREAMS})
PROCESSES = (0, 1)
"""Some recordings go on in a second process: turn ids of old releases start again there."""


def stream(recordings: Recordings, release: str, process: int) -> list[Frame]:
    """All that one release said in its first, or second, process, recording after recording."""
    return [
        frame
        for name in STREAMS
        if name.startswith(f"{release}/")
        for frame in recordings.one(name).frames()
        if frame.proc == process and frame.direction in DIRECTIONS
    ]


def converse(command: Sequence[str], frames: list[Frame], env: dict[str, str]) -> bytes:
    """Be the client of a recording: say each line once what came before it was heard."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
    assert child.stdin is not None
    assert child.stdout is not None
    watchdog = threading.Timer(120, child.kill)
    watchdog.start()
    heard = []
    for frame in frames:
        if frame.direction == "s2c":
            heard.append(child.stdout.readline())
        else:
            child.stdin.write(frame.line + b"\n")
            child.stdin.flush()
    child.stdin.close()
    heard.append(child.stdout.read())
    child.stdout.close()
    assert child.wait() == 0
    watchdog.cancel()
    return b"".join(heard)


def known(turns: Iterable[dict[str, Any]], launch: str = "") -> dict[str, tuple[Any, ...]]:
    """What is known of each turn; a short id is told by its launch."""
    return {
        turn["turn_id"].replace(":L0:", f":{launch}:"): (
            turn["status"],
            turn["total_tokens"],
            turn["responses"],
            turn["tool_calls"],
            turn["tool_failures"],
            turn["approvals"],
            turn["model"],
        )
        for turn in turns
    }


def expected(told: Told, launch: str) -> dict[str, tuple[Any, ...]]:
    rows = ({f: getattr(row, f) for f in row.__struct_fields__} for row in told.turns)
    return known(rows, launch)


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_passes_unchanged_and_is_known(
    recordings: Recordings, release: str, tmp_path: Path
) -> None:
    database = tmp_path / "home" / "telemetry.db"
    env = {**os.environ, "CODEX_TELEMETRY_HOME": str(database.parent)}
    wrapper = [sys.executable, "-P", "-m", "codex_telemetry", "run", "--log-level", "debug", "--"]
    want: dict[str, tuple[Any, ...]] = {}
    launches = 0
    for process in PROCESSES:
        frames = stream(recordings, release, process)
        if not frames:
            continue
        script = tmp_path / f"{process}.jsonl"
        with script.open("w") as file:
            for frame in frames:
                file.write(json.dumps([frame.direction, frame.line.decode()]) + "\n")
        server = [sys.executable, str(REPLAY), str(script)]
        said = b"".join(f.line + b"\n" for f in frames if f.direction == "s2c")
        assert converse(server, frames, env) == said
        assert converse([*wrapper, *server], frames, env) == said
        launches += 1
        until(lambda: ended_collectors(database.parent) == launches)  # noqa: B023 - called now
        (launch,) = rows(database, "SELECT name FROM origins ORDER BY origin DESC LIMIT 1")
        told = told_by(frame._replace(proc=0) for frame in frames)
        want = expected(told, launch["name"]) | want
    stored = known(rows(database, "SELECT * FROM turns"))
    differing = {k: (stored.get(k), want[k]) for k in want if stored.get(k) != want[k]}
    assert not differing
    assert rows(database, "SELECT * FROM gaps") == []
    assert leaks(database.parent) == []
