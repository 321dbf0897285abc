"""The log of a session is read while it runs, where nothing that passes by tells of it."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from backfill.codex_home import place as place_home
from backfill.test_watch import NAME, ends
from codex_telemetry.frames import SERVER, START, frame
from collecting import Place, a_plain_turn, ended, finish
from recordings import Recordings
from store_of import rows, until

ENDED = "SELECT * FROM turns WHERE status = 'completed'"


FOLLOWED = b"rollouts followed"


class Logging(Place):
    """Where collectors log what they begin to do."""

    @property
    def env(self) -> dict[str, str]:
        return super().env | {"CODEX_TELEMETRY_LOG": "info"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Logging(tmp_path)


@pytest.fixture
def home(place: Place) -> Path:
    """Where a Codex of this place's environment writes."""
    (place.folder / "home").mkdir()
    return place.folder / "home" / ".codex"


@pytest.fixture
def lines(recordings: Recordings) -> list[bytes]:
    (path,) = recordings.one("0.169.0/h_compact").rollouts()
    return path.read_bytes().splitlines(keepends=True)


def begun(*, codex: bool) -> bytes:
    start = {"launch": "L", "program": "codex" if codex else "cat", "codex": codex}
    return frame(START, time.time_ns(), time.monotonic_ns(), json.dumps(start).encode())


def say(collector: subprocess.Popen[bytes], *said: bytes) -> None:
    assert collector.stdin is not None
    collector.stdin.write(b"".join(said))
    collector.stdin.flush()


def write(home: Path, lines: list[bytes]) -> Path:
    log = home / "sessions" / "2026" / "11" / "23" / NAME
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        file.write(b"".join(lines))
    return log


def test_turns_of_a_codex_that_says_nothing_are_there_when_they_end(
    place: Place, home: Path, lines: list[bytes]
) -> None:
    first, second, *_ = ends(lines)
    collector = place.collector()
    say(collector, begun(codex=True))
    write(home, lines[:first])
    until(lambda: len(rows(place.database, ENDED)) == 1)
    write(home, lines[first:second])
    until(lambda: len(rows(place.database, ENDED)) == 2)
    write(home, lines[second:])
    finish(collector, ended())
    assert len(rows(place.database, ENDED)) == len(ends(lines))
    assert FOLLOWED in place.log


def test_logs_that_lie_there_from_before_are_left_to_a_backfill(
    recordings: Recordings, place: Place, home: Path, lines: list[bytes]
) -> None:
    place_home([recordings.one("0.169.0/b_shell")], home)
    for old in home.glob("sessions/**/*.jsonl"):
        os.utime(old, (1, 1))
    collector = place.collector()
    say(collector, begun(codex=True))
    write(home, lines)
    until(lambda: rows(place.database, ENDED))
    finish(collector, ended())
    (session,) = rows(place.database, "SELECT * FROM sessions")
    assert session["session_id"] in NAME


def test_a_session_that_is_resumed_is_read_where_its_log_lies(
    place: Place, home: Path, lines: list[bytes]
) -> None:
    first = ends(lines)[0]
    log = write(home, lines[:first])
    os.utime(log, (1, 1))
    collector = place.collector()
    say(collector, begun(codex=True))
    time.sleep(1.5)
    write(home, lines[first:])
    until(lambda: len(rows(place.database, ENDED)) == len(ends(lines)))
    finish(collector, ended())


def test_beside_another_program_no_log_is_read(
    place: Place, home: Path, lines: list[bytes]
) -> None:
    collector = place.collector()
    say(collector, begun(codex=False), frame(SERVER, 1, 1, b"hello\n"))
    write(home, lines)
    time.sleep(1.5)
    finish(collector, ended())
    assert FOLLOWED not in place.log
    assert not place.database.exists()


def test_where_the_stream_tells_all_the_log_waits_for_its_end(
    recordings: Recordings, place: Place, home: Path, lines: list[bytes]
) -> None:
    story = a_plain_turn(recordings)
    collector = place.collector()
    say(collector, begun(codex=True), story.before, story.end)
    write(home, lines)
    until(lambda: rows(place.database, ENDED))
    time.sleep(1.5)
    assert len(rows(place.database, "SELECT * FROM sessions")) == 1
    finish(collector, ended())
    assert FOLLOWED not in place.log
    assert len(rows(place.database, "SELECT * FROM sessions")) == 2
