"""However long the history, it is read in little memory."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from backfill import long_history
from recordings import Recordings
from saved import query

SIZE = 300 << 20
MOST_MB = 100
PATIENCE_S = 15

READ = """
import resource, sys, anyio
from pathlib import Path
from codex_telemetry.backfill.homes import backfill
from codex_telemetry.store.writer import Writer

def peak_mb():
    try:
        text = Path("/proc/self/status").read_text()  # Linux: what rusage says is the parent's too
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20
    return int(text.partition("VmHWM:")[2].split()[0]) >> 10

async def run():
    writer = await Writer.open(Path(sys.argv[1]))
    before = peak_mb()
    tally = await backfill(writer, [Path(sys.argv[2])])
    await writer.close()
    print(peak_mb() - before, tally.files_read, tally.bytes_read, len(tally.turns), tally.responses)

anyio.run(run)
"""


def test_memory_doesnt_grow_with_the_history(recordings: Recordings, tmp_path: Path) -> None:
    (pattern,) = recordings.one("0.169.0/b_shell").rollouts()
    threads = long_history.write(pattern, tmp_path / "home", SIZE)
    began = time.monotonic()
    command = [sys.executable, "-c", READ, str(tmp_path / "t.db"), str(tmp_path / "home")]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        pytest.skip(f"this machine takes longer than {PATIENCE_S} s to read {SIZE >> 20} MB")
    grown, files, read, turns, responses = map(int, done.stdout.split())
    print(f"{read / 1e6 / (time.monotonic() - began):.0f} MB/s, {grown} MB more memory")
    assert (files, turns) == (threads, threads * long_history.TURNS)
    assert responses == turns * 4
    assert read > SIZE
    ((total,),) = query(tmp_path / "t.db", "SELECT sum(total_tokens) FROM sessions")
    assert total == turns * 4310
    assert grown < MOST_MB
