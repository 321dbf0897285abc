"""Several wrappers, a backfill and reports at work on one database at once."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from codex_telemetry.store import db
from codex_telemetry.store.writer import Writer
from saved import batch, query, thread, turn

WRITERS = 4
SECONDS = 2.0
SHARED = thread(0)

WRITE = """
import sys, time
from pathlib import Path
import anyio
from codex_telemetry.store.writer import Writer
from saved import batch, thread, turn

async def run(path, me, seconds):
    writer = await Writer.open(path)
    print("ready", flush=True)
    sys.stdin.readline()
    saved = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        mine = turn(saved * 10 + me, thread(me + 1), total=saved + 1)
        ours = turn(saved * 10 + me, thread(0), total=saved + 1, turn_id=f"{thread(0)}:{me}:{saved}")
        await writer.save(batch(f"launch {me}", mine, ours))
        saved += 1
    await writer.close()
    print(saved)

anyio.run(run, Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
"""


def test_writers_and_a_reader_do_not_get_in_each_others_way(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    tests = str(Path(__file__).parents[1])
    writers = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"import sys; sys.path.append({tests!r})\n{WRITE}",
                str(path),
                str(me),
                str(SECONDS),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for me in range(WRITERS)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    seen = 0
    while any(writer.poll() is None for writer in writers):
        with closing(db.open_reader(path)) as reader:
            ((count, places),) = reader.execute(
                "SELECT count(*), count(DISTINCT turn_index) FROM turns WHERE session_id = ?",
                (SHARED,),
            ).fetchall()
        assert count == places >= seen
        seen = count
        time.sleep(0.01)
    answers = [writer.communicate(timeout=30) for writer in writers]
    assert [error for _, error in answers] == [""] * WRITERS
    saved = [int(answer) for answer, _ in answers]
    # Each had its turn, and nothing is lost.
    assert min(saved) > 0
    counts = dict(query(path, "SELECT session_id, count(*) FROM turns GROUP BY session_id"))
    assert counts == {thread(me + 1): saved[me] for me in range(WRITERS)} | {SHARED: sum(saved)}
    assert query(path, "SELECT turns FROM sessions WHERE session_id = ?", SHARED) == [(sum(saved),)]
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


async def test_whoever_has_time_tries_again_where_others_write_without_end(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    told = batch("a", turn(1, thread(1)))
    hurried = await Writer.open(path, busy_ms=1)
    patient = await Writer.open(path, busy_ms=1, patience_s=60)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                await hurried.save(told)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(patient.save, told)
                await anyio.sleep(0.1)
                assert query(path, "SELECT turn_id FROM turns") == []
                other.execute("ROLLBACK")
        assert len(query(path, "SELECT turn_id FROM turns")) == 1
    finally:
        await patient.close()
        await hurried.close()
