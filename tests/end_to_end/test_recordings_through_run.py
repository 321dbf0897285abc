"""Every recorded release, replayed at full speed through `run`: the bytes pass, the rows are right."""

import os
from pathlib import Path

import pytest

from canary import leaks
from codex_telemetry.core.rows import TurnRow
from conversing import LOGGING, Conversation, by_id, differing
from recordings import Frame, Recordings, names
from store_of import ended_collectors, rows, until
from told import DIRECTIONS, told_by

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


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_passes_unchanged_and_is_known(
    recordings: Recordings, release: str, tmp_path: Path
) -> None:
    database = tmp_path / "home" / "telemetry.db"
    env = {**os.environ, "CODEX_TELEMETRY_HOME": str(database.parent)}
    want: dict[str, TurnRow] = {}
    launches = 0
    for process in PROCESSES:
        frames = stream(recordings, release, process)
        if not frames:
            continue
        talk = Conversation(frames)
        server = talk.server(tmp_path / f"{process}.jsonl")
        assert talk.hold(server, env).heard == talk.said
        assert talk.hold([*LOGGING, *server], env).heard == talk.said
        launches += 1
        until(lambda: ended_collectors(database.parent) == launches)  # noqa: B023 - called now
        (launch,) = rows(database, "SELECT name FROM origins ORDER BY origin DESC LIMIT 1")
        told = told_by(frame._replace(proc=0) for frame in frames)
        want = by_id(told, launch["name"]) | want
    assert not differing(rows(database, "SELECT * FROM turns"), want)
    assert rows(database, "SELECT * FROM gaps") == []
    assert leaks(database.parent) == []
