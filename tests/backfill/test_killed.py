"""A backfill killed at any moment loses nothing and repeats nothing; two at once don't either."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backfill.codex_home import place, rollouts, rows, take_in
from faults.rounds import chance, rounds
from recordings import Recordings
from saved import contents, query

KILLS = rounds(42)

BACKFILL = """
import sys, anyio
from pathlib import Path
from codex_telemetry.backfill import one_file
from codex_telemetry.backfill.homes import backfill
from codex_telemetry.store.writer import Writer

one_file.SAVE_EVERY = 16 << 10  # so that there are places within a file to be killed at

async def run():
    writer = await Writer.open(Path(sys.argv[1]))
    print("ready", flush=True)
    await backfill(writer, [Path(sys.argv[2])], rebuild="rebuild" in sys.argv)
    await writer.close()
    print("done", flush=True)

anyio.run(run)
"""


@pytest.fixture(scope="module")
def home(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = place(recordings.like(), tmp_path_factory.mktemp("all") / "home")
    with rollouts(home)[0].open("ab") as file:
        file.write(b"no message\n")
    return home


@pytest.fixture(scope="module")
def undisturbed(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("whole") / "t.db"
    take_in(database, home)
    return database


def start(database: Path, home: Path, *words: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", BACKFILL, str(database), str(home), *words], stdout=subprocess.PIPE
    )


def test_killed_at_any_moment_and_begun_again(
    home: Path, undisturbed: Path, tmp_path: Path
) -> None:
    database, luck, cut_short = tmp_path / "t.db", chance("backfill"), 0
    begun = time.monotonic()
    for n in range(KILLS):
        with start(database, home, *["rebuild"][: n % 2]) as process:
            assert process.stdout is not None
            if n % 8:
                process.stdout.readline()  # it reads; else it is killed while it starts
            time.sleep(luck.uniform(0, 0.18))
            process.kill()
            cut_short += b"done" not in process.stdout.read()
            assert process.wait() in (-signal.SIGKILL, 0)
        if time.monotonic() - begun > rounds(40):
            break  # a slow machine
    assert cut_short > n // 3
    take_in(database, home)
    assert rows(database) == rows(undisturbed)
    assert query(database, "SELECT name, n FROM drift") == [("(line)", 1)]
    told, once = contents(database), contents(undisturbed)
    assert len(told["told_turns"]) == len(once["told_turns"])
    for mine, theirs in zip(told["rollout_files"], once["rollout_files"], strict=True):
        for column in ("origin", "path", "size", "mtime_ns", "read_to", "lines", "skipped_lines"):
            assert mine[column] == theirs[column]
    assert take_in(database, home).files_read == 0


def test_two_at_once_are_as_one(home: Path, undisturbed: Path, tmp_path: Path) -> None:
    database = tmp_path / "t.db"
    both = [start(database, home) for _ in range(2)]
    for process in both:
        assert process.communicate(timeout=60)[0].endswith(b"done\n")
        assert process.returncode == 0
    assert rows(database) == rows(undisturbed)
    assert query(database, "SELECT name, n FROM drift") == [("(line)", 1)]
    assert take_in(database, home).files_read == 0
