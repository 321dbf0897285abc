"""The collector's life: it hears until its pipe ends, keeps up, saves, and is gone."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from codex_telemetry.frames import SERVER, frame
from codex_telemetry.store import db
from collecting import PATIENCE, Place, Story, a_plain_turn, ended, finish, item, started
from processes import child_of, state
from recordings import Recordings
from saved import query
from store_of import rows, until

MS = 1_000_000

TURNS = "SELECT status, total_tokens FROM turns"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def story(recordings: Recordings) -> Story:
    return a_plain_turn(recordings)


def test_it_ends_when_its_pipe_does_and_what_was_heard_is_saved(place: Place, story: Story) -> None:
    finish(place.collector(), started() + story.before + story.end + ended())
    # It was the last: SQLite has put everything into the one file.
    found = {path.name for path in place.database.parent.iterdir()}
    assert found == {"telemetry.db", "telemetry.db.lock"}
    assert query(place.database, TURNS) == [("completed", 1061)]


def test_a_torn_frame_at_the_end_costs_only_itself(place: Place, story: Story) -> None:
    for cut in (1, 23, 24, 500):
        torn = story.end[:cut]
        finish(place.collector(), started(f"launch {cut}") + story.before + torn)
    # The turn runs: nothing whole said that it ended.
    assert query(
        place.database, "SELECT status, items FROM turns, (SELECT count(*) AS items FROM items)"
    ) == [("in_progress", 3)]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no such thing")
def test_it_lets_those_who_pass_the_bytes_on_go_first(place: Place) -> None:
    collector = place.collector()
    until(lambda: os.sched_getscheduler(collector.pid) == os.SCHED_BATCH)
    finish(collector, started() + ended())


def test_a_finished_turn_can_be_read_within_a_second(place: Place, story: Story) -> None:
    collector = place.collector()
    assert collector.stdin is not None
    collector.stdin.write(started() + story.before)
    collector.stdin.flush()
    until(lambda: rows(place.database, "SELECT * FROM turns WHERE status = 'in_progress'"))
    begun = time.monotonic()
    collector.stdin.write(story.end)
    collector.stdin.flush()
    until(lambda: rows(place.database, "SELECT * FROM turns WHERE status = 'completed'"), 5)
    print(f"seen after {time.monotonic() - begun:.3f} s")
    finish(collector)


def test_a_program_that_says_nothing_we_know_leaves_nothing(place: Place) -> None:
    finish(place.collector(), started() + frame(SERVER, 0, 0, b"hello\n{}\n[1]\n\0\xff\n" * 99))
    assert not place.database.exists()
    assert place.spooled == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_when_the_machine_shuts_down_what_was_heard_is_saved_first(
    place: Place, story: Story, number: signal.Signals
) -> None:
    collector = place.collector()
    assert collector.stdin is not None
    collector.stdin.write(started() + story.before + story.end)
    collector.stdin.flush()
    until(lambda: rows(place.database, TURNS))
    collector.send_signal(number)
    assert collector.wait(PATIENCE) == 0
    collector.communicate()
    assert query(place.database, TURNS) == [("completed", 1061)]


SERVE = """
import sys
sys.stdin.readline()
with open(sys.argv[1], "rb") as file:
    sys.stdout.buffer.write(file.read())
sys.stdout.buffer.flush()
sys.stdin.readline()
print("{}", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_wrapper_is_killed_and_its_collector_still_saves(
    place: Place, recordings: Recordings
) -> None:
    frames = [f for f in recordings.one("0.169.0/a_plain").frames() if f.direction == "s2c"]
    said = place.folder / "said"
    said.write_bytes(b"".join(f.line + b"\n" for f in frames))
    wrapper = subprocess.Popen(
        [
            *(sys.executable, "-P", "-m", "codex_telemetry", "run", f"--db={place.database}"),
            *("--", sys.executable, "-c", SERVE, str(said)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        env=place.env,
    )
    assert wrapper.stdin is not None
    assert wrapper.stdout is not None
    collector = until(lambda: child_of(wrapper.pid, b"collect"))
    os.kill(collector, signal.SIGSTOP)
    wrapper.stdin.write(b"go\n")
    for _ in frames:
        assert wrapper.stdout.readline()
    # What is answered now was read after all of that was handed over.
    wrapper.stdin.write(b"go on\n")
    assert wrapper.stdout.readline() == b"{}\n"
    wrapper.kill()
    wrapper.communicate(timeout=PATIENCE)
    assert not place.database.exists()
    os.kill(collector, signal.SIGCONT)
    until(lambda: state(collector) in {"", "Z"})
    assert query(place.database, TURNS) == [("completed", 1061)]
    assert place.spooled == []


def test_a_database_in_use_neither_disturbs_nor_delays_what_is_wrapped(
    place: Place, recordings: Recordings
) -> None:
    frames = [f for f in recordings.one("0.169.0/a_plain").frames() if f.direction == "s2c"]
    said = place.folder / "said"
    said.write_bytes(b"".join(f.line + b"\n" for f in frames))
    db.prepare(place.database)
    with closing(sqlite3.connect(place.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        wrapped = subprocess.run(
            [
                *(sys.executable, "-P", "-m", "codex_telemetry", "run", f"--db={place.database}"),
                *("--", sys.executable, "-c", SERVE + "sys.exit(7)", str(said)),
            ],
            input=b"go\ngo on\n",
            capture_output=True,
            env=place.env,
            timeout=PATIENCE,
            check=False,
        )
        # All of that while the database is locked: it is the collector that waits.
        assert wrapped.returncode == 7
        assert wrapped.stdout == said.read_bytes() + b"{}\n"
        assert wrapped.stderr == b""
        assert query(place.database, TURNS) == []
        other.execute("ROLLBACK")
    until(lambda: rows(place.database, TURNS))
    assert query(place.database, TURNS) == [("completed", 1061)]
    assert place.spooled == []


def test_memory_has_a_bound_while_nothing_can_be_written(place: Place) -> None:
    """Neither the database nor any spool file; what is lost is a gap as soon as there is room."""
    place.leave_no_room()
    stream = b"".join(frame(SERVER, n * MS, n * MS, item(n)) for n in range(40_000))

    def largest(said: bytes) -> int:
        collector = place.collector(patience_s=0.3, most_unsaved=2_000)
        assert collector.stdin is not None
        assert collector.stdout is not None
        collector.stdin.write(started() + said)
        collector.stdin.close()
        _, status, usage = os.wait4(collector.pid, 0)
        collector.returncode = os.waitstatus_to_exitcode(status)
        for end in (collector.stdout, collector.stderr):
            assert end is not None
            assert end.read() == b""
            end.close()
        assert collector.returncode == 0
        return usage.ru_maxrss

    little, much = largest(stream[: len(stream) // 20]), largest(stream)
    unit = 1 if sys.platform == "linux" else 1024
    assert (much - little) / unit < 30_000
