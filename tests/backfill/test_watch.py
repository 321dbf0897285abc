"""What is written to a home is read as it is written, whatever comes and goes there."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from backfill.codex_home import place, rollouts, rows, take_in
from codex_telemetry.backfill import Tally
from codex_telemetry.backfill.watch import watch
from codex_telemetry.store.writer import Writer
from recordings import Recordings
from saved import query

PATIENCE_S = 20.0
"""Against hanging; it takes about a second."""


@asynccontextmanager
async def watched(database: Path, *homes: Path) -> AsyncIterator[Tally]:
    tally = Tally()
    writer = await Writer.open(database)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: watch(writer, homes, tally=tally))
            yield tally
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await writer.close()


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - a database tells nobody
            await anyio.sleep(0.02)


async def soon(database: Path, count: str, n: int) -> None:
    """Wait for so many rows."""
    await until(lambda: query(database, f"SELECT count(*) FROM {count}") == [(n,)])


@pytest.fixture
def lines(recordings: Recordings) -> list[bytes]:
    """Of a thread with four turns."""
    (path,) = recordings.one("0.169.0/h_compact").rollouts()
    return path.read_bytes().splitlines(keepends=True)


NAME = "rollout-2026-11-23T06-42-46-01a20724-9063-7233-9241-e2bee7542b81.jsonl"
ENDED = "turns WHERE status = 'completed'"


def ends(lines: list[bytes]) -> list[int]:
    """Behind the line that ends each turn."""
    return [n + 1 for n, line in enumerate(lines) if b'"task_complete"' in line]


async def test_lines_are_followed_as_they_are_written(tmp_path: Path, lines: list[bytes]) -> None:
    home, database = tmp_path / "home", tmp_path / "t.db"
    home.mkdir()
    async with watched(database, home) as tally:
        await anyio.lowlevel.checkpoint()
        folder = home / "sessions" / "2026" / "11" / "23"
        folder.mkdir(parents=True)
        with (folder / NAME).open("ab", buffering=0) as log:
            written = 0
            for n, end in enumerate(ends(lines), 1):
                half = lines[end - 1][:20]
                log.write(b"".join(lines[written : end - 1]) + half)
                log.write(lines[end - 1][20:])
                written = end
                await soon(database, ENDED, n)
            log.write(b"".join(lines[written:]))
            await until(lambda: tally.bytes_read >= sum(map(len, lines)))
    assert tally.bytes_read == sum(map(len, lines)), "nothing was read twice"
    await anyio.to_thread.run_sync(take_in, tmp_path / "whole.db", home)
    assert rows(database) == rows(tmp_path / "whole.db")


async def test_folders_and_files_may_come_and_go(
    recordings: Recordings, tmp_path: Path, lines: list[bytes]
) -> None:
    home, other, database = tmp_path / "home", tmp_path / "other", tmp_path / "t.db"
    async with watched(database, home, other):
        await anyio.sleep(0.1)
        place([recordings.one("0.169.0/a_plain")], other)  # a home that wasn't there
        await soon(database, "turns", 1)
        place([recordings.one("0.169.0/k_resume_fork")], home)
        await soon(database, "sessions", 3)
        moved = rollouts(other)[0]
        (other / "archived_sessions").mkdir()
        moved.rename(other / "archived_sessions" / moved.name)
        await soon(database, "sessions WHERE archived", 2)
        shutil.rmtree(home)
        place([recordings.one("0.169.0/b_shell")], home)
        await soon(database, "sessions", 4)
        shutil.rmtree(home)
        shutil.rmtree(other)
        (other / "sessions").mkdir(parents=True)
        (other / "sessions" / NAME).write_bytes(b"".join(lines))
        await soon(database, "sessions", 5)


async def test_what_was_there_before_is_read_first(recordings: Recordings, tmp_path: Path) -> None:
    home = place([recordings.one("0.169.0/k_resume_fork")], tmp_path / "home")
    async with watched(tmp_path / "t.db", home) as tally:
        await soon(tmp_path / "t.db", "sessions", 2)
        await until(lambda: tally.files == 2)


async def test_without_a_home_it_waits(tmp_path: Path) -> None:
    with anyio.fail_after(PATIENCE_S):
        async with watched(tmp_path / "t.db", tmp_path / "none"):
            await anyio.sleep(0.1)


async def test_milestones_follow_what_is_written(tmp_path: Path, lines: list[bytes]) -> None:
    home, database = tmp_path / "home", tmp_path / "t.db"
    folder = home / "sessions" / "2026" / "11" / "23"
    folder.mkdir(parents=True)
    async with watched(database, home):
        await anyio.lowlevel.checkpoint()
        (folder / NAME).write_bytes(b"".join(lines))
        await soon(database, ENDED, 4)
        await until(lambda: query(database, "SELECT count(*) FROM milestones") > [(2,)])
