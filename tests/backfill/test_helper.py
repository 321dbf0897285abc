"""A second process that reads a part of the files changes nothing but the time it takes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import histories
from backfill.codex_home import place, rollouts, rows, take_in
from codex_telemetry.backfill import helper
from codex_telemetry.backfill.log_files import LogFile
from codex_telemetry.backfill.one_file import Piece
from recordings import Recordings
from saved import query

BACKFILL = """
import sys, anyio
from pathlib import Path
from codex_telemetry.backfill import helper
from codex_telemetry.backfill.homes import backfill
from codex_telemetry.store.writer import Writer

helper.WORTH_IT = 0

async def run():
    writer = await Writer.open(Path(sys.argv[1]))
    try:
        await backfill(writer, [Path(sys.argv[2])], progress=lambda _: print("one", flush=True))
    finally:
        await writer.close()

anyio.run(run)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("made") / "home"
    histories.write(home, 60, typical=60_000)
    return home


@pytest.fixture(scope="module")
def alone(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process makes of it."""
    database = tmp_path_factory.mktemp("alone") / "t.db"
    take_in(database, home)
    return database


def start(database: Path, home: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", BACKFILL, str(database), str(home)], stdout=subprocess.PIPE
    )


def helpers(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(child) for child in found.split()]


def is_gone(process: int) -> bool:
    """A zombie is: there may be nobody to see it off."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def until(true: Callable[[], bool], within: float = 10) -> bool:
    end = time.monotonic() + within
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


def test_two_processes_find_what_one_does(
    recordings: Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = place(recordings.like(), tmp_path / "home")
    with rollouts(home)[0].open("ab") as file:
        file.write(b"no message\n")
    take_in(tmp_path / "one.db", home)
    monkeypatch.setattr(helper, "WORTH_IT", 0)
    monkeypatch.setattr(helper, "MOST", 50)  # so that they are shared more than once
    tally = take_in(tmp_path / "two.db", home)
    assert rows(tmp_path / "two.db") == rows(tmp_path / "one.db")
    assert query(tmp_path / "two.db", "SELECT name, n FROM drift") == [("(line)", 1)]
    assert tally.files_read == tally.files
    assert take_in(tmp_path / "two.db", home).files_read == 0


def test_a_helper_that_is_killed_loses_no_file(
    home: Path, alone: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, encoded = os.getpid(), helper.Share._encoded

    def die(share: helper.Share, number: int) -> bytes:
        if os.getpid() != first and number > 9:
            os.kill(os.getpid(), signal.SIGKILL)
        return encoded(share, number)

    monkeypatch.setattr(helper, "WORTH_IT", 0)
    monkeypatch.setattr(helper.Share, "_encoded", die)
    tally = take_in(database, home)
    assert (tally.files_read, tally.unreadable) == (60, 0)
    assert rows(database) == rows(alone)


def test_where_no_second_process_can_be_had_one_reads_all(
    home: Path, alone: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_fork() -> int:
        raise BlockingIOError

    monkeypatch.setattr(helper, "WORTH_IT", 0)
    monkeypatch.setattr(os, "fork", no_fork)
    before = os.listdir("/proc/self/fd")
    assert take_in(database, home).files_read == 60
    assert len(os.listdir("/proc/self/fd")) <= len(before)
    assert rows(database) == rows(alone)


def test_a_mistake_within_a_helper_loses_no_file(
    home: Path, alone: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = os.getpid()

    def mistaken(share: helper.Share, logs: list[LogFile], read: helper.Read) -> None:
        def wrong(log_file: LogFile) -> Piece | None:
            return read(log_file) if os.getpid() == first else 1 / 0  # type: ignore[return-value]

        original(share, logs, wrong)

    original = helper.Share.__init__
    monkeypatch.setattr(helper, "WORTH_IT", 0)
    monkeypatch.setattr(helper.Share, "__init__", mistaken)
    assert take_in(database, home).files_read == 60
    assert rows(database) == rows(alone)


def test_a_helper_ends_with_its_process(home: Path, alone: Path, database: Path) -> None:
    for sent in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
        with start(database, home) as process:
            assert process.stdout is not None
            process.stdout.readline()
            (child,) = helpers(process.pid)
            process.send_signal(sent)
            process.wait(timeout=20)
        assert until(partial(is_gone, child))
    take_in(database, home)
    assert rows(database) == rows(alone)
