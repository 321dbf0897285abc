"""One watch for each home and database; a lock goes with its process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codex_telemetry import watch_lock
from codex_telemetry.errors import UserError
from commands import PROGRAM
from store_of import until

LOOKS = """
import fcntl, sys, time
fcntl.flock(open(sys.argv[1]), fcntl.LOCK_SH)
print("up", flush=True)
time.sleep(0.1)
"""

WATCH = (*PROGRAM, "backfill", "--watch")


def environment(folder: Path) -> dict[str, str]:
    home = folder / "codex"
    home.mkdir(exist_ok=True)
    return {
        **os.environ,
        "CODEX_HOME": str(home),
        "CODEX_TELEMETRY_HOME": str(folder / "telemetry"),
        "XDG_STATE_HOME": str(folder / "state"),
    }


@contextmanager
def watching(folder: Path, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A watch that has begun."""
    process = subprocess.Popen(
        [*WATCH, *words],
        env=environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        assert process.stderr.readline().startswith(b"watching")
        yield process
    finally:
        process.kill()
        with process:
            pass


def refused(folder: Path, *words: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [*WATCH, *words], env=environment(folder), capture_output=True, check=False, timeout=30
    )


def test_a_second_watch_says_so_in_one_line(tmp_path: Path) -> None:
    with watching(tmp_path) as first:
        (tmp_path / "link").symlink_to(tmp_path / "codex")
        for words in ([], ["--codex-home", str(tmp_path / "link")]):
            second = refused(tmp_path, *words)
            assert (second.returncode, second.stdout) == (1, b"")
            assert second.stderr.count(b"\n") == 1
            assert (
                f"(process {first.pid}) follows {tmp_path}/codex already".encode() in second.stderr
            )
        database = tmp_path / "telemetry" / "telemetry.db"
        for _ in range(3):  # looking changes nothing
            assert watch_lock.watcher(database, tmp_path / "codex") == (first.pid,)
        # Without --watch it may be read all the while, and into another database it is another's.
        assert subprocess.run([*WATCH[:-1]], env=environment(tmp_path), check=False).returncode == 0
        with watching(tmp_path, "--db", str(tmp_path / "other.db")):
            pass


def test_a_home_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    """A service may be installed before Codex has ever run."""
    with watching(tmp_path, "--codex-home", str(tmp_path / "later")) as process:
        assert process.poll() is None
        process.terminate()
        assert process.wait(30) == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_lock_whose_owner_died_is_free(tmp_path: Path, number: signal.Signals) -> None:
    database = tmp_path / "telemetry" / "telemetry.db"
    with watching(tmp_path) as first:
        first.send_signal(number)
        first.wait(30)
        assert watch_lock.watcher(database, tmp_path / "codex") is None
        with watching(tmp_path) as second:
            assert watch_lock.watcher(database, tmp_path / "codex") == (second.pid,)


def test_of_several_homes_none_is_held_where_one_is_taken(tmp_path: Path) -> None:
    database, homes = tmp_path / "t.db", [tmp_path / name for name in "abc"]
    with watch_lock.held(database, homes[1:2]):
        with (
            pytest.raises(UserError, match=f"follows {homes[1]} already"),
            watch_lock.held(database, homes),
        ):
            pytest.fail("it was taken twice")
        assert [watch_lock.watcher(database, home) is not None for home in homes] == [
            False,
            True,
            False,
        ]
    with watch_lock.held(database, [*homes, homes[0]]):
        assert all(watch_lock.watcher(database, home) for home in homes)


def test_who_only_looks_is_waited_for(tmp_path: Path) -> None:
    database = tmp_path / "t.db"
    with watch_lock.held(database, [tmp_path]):
        pass
    (lock,) = tmp_path.glob("*.lock")
    looking = subprocess.Popen([sys.executable, "-c", LOOKS, str(lock)], stdout=subprocess.PIPE)
    with looking:
        assert looking.stdout is not None
        looking.stdout.readline()
        with watch_lock.held(database, [tmp_path]):
            pass


def test_a_lock_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UserError, match="cannot lock"),
        watch_lock.held(tmp_path / "file" / "t.db", [tmp_path]),
    ):
        pytest.fail("there is no such folder")


def test_a_child_does_not_hold_it_on(tmp_path: Path) -> None:
    with watch_lock.held(tmp_path / "t.db", [tmp_path]):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        until(lambda: watch_lock.watcher(tmp_path / "t.db", tmp_path) is None)
    finally:
        child.kill()
        child.wait()
