"""The same item, heard and logged, is kept once, and known by the turn that people see."""

from pathlib import Path

import pytest

from backfill.codex_home import place as logs_of
from capture.granting import grant, kept
from capture.test_collector import place
from codex_telemetry.config import paths
from codex_telemetry.history import read_rollouts
from collecting import Place, ended, finish, heard, started
from recordings import Recordings
from saved import query

__all__ = ["place"]


@pytest.mark.parametrize("version", ["0.63.0", "0.98.0", "0.125.0", "0.155.0", "0.169.0"])
@pytest.mark.parametrize("log_first", [True, False])
def test_stream_and_log_are_kept_once(
    place: Place, recordings: Recordings, version: str, log_first: bool, tmp_path: Path
) -> None:
    recording = recordings.one(f"{version}/b_shell")
    grant(place.database, "/home/canary", at=0)

    def live() -> None:
        finish(place.collector(), started() + heard(recording.frames()) + ended())

    def log() -> None:
        home = logs_of([recording], tmp_path / "codex")
        read_rollouts(paths(str(place.database)), [home])

    for told in (log, live) if log_first else (live, log):
        told()
    assert_is_whole(place)


def test_what_the_log_alone_had_stays_when_the_stream_names_its_turn(
    place: Place, recordings: Recordings, tmp_path: Path
) -> None:
    """Up to 0.98 a log's turn has an id of our own, until the stream tells of the same one."""
    recording = recordings.one("0.98.0/b_shell")
    grant(place.database, "/home/canary", at=0)
    home = logs_of([recording], tmp_path / "codex")
    read_rollouts(paths(str(place.database)), [home])
    grant(place.database, "/home/canary", ["prompt"], at=1)
    finish(place.collector(), started() + heard(recording.frames()) + ended())
    assert_is_whole(place)


def assert_is_whole(place: Place) -> None:
    items = query(
        place.database, "SELECT turn_id, kind, count(*) FROM content GROUP BY 1, 2 ORDER BY 2"
    )
    ((turn_id,),) = query(place.database, "SELECT turn_id FROM turns")
    assert items == [
        (turn_id, "prompt", 1),
        (turn_id, "reasoning", 1),
        (turn_id, "response", 2),
        (turn_id, "tool_args", 3),
        (turn_id, "tool_output", 3),
    ]
    texts = "\n".join(kept(place.database))
    for words in ("CANARY-PROMPT-1", "CANARY-ANSWER-1 done shell", "CANARY-OUT-1-slept"):
        assert words in texts
