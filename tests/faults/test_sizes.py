"""Traffic of unreasonable size or slowness, through the whole of `run` with its collector."""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from collecting import PATIENCE, Place
from recordings import Recordings
from saved import query

MEGABYTES = int(os.environ.get("FAULT_MEGABYTES", "200"))
"""How much a child writes; 1,000 in the long form."""

FLOOD = """
import hashlib, json, sys
rest, out, seen, n = int(sys.argv[1]) * 1_000_000, sys.stdout.buffer, hashlib.sha256(), 0
while rest > 0:
    line = json.dumps({"method": "item/agentMessage/delta", "params": {"delta": str(n) * 3000}})
    chunk = (line + "\\n").encode() * 20
    seen.update(chunk)
    out.write(chunk)
    rest, n = rest - len(chunk), n + 1
sys.stderr.write(seen.hexdigest())
sys.exit(9)
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def behind_us(place: Place, *words: str) -> subprocess.Popen[bytes]:
    program = (sys.executable, "-P", "-m", "codex_telemetry", "run", f"--db={place.database}")
    return subprocess.Popen(
        [*program, "--", sys.executable, "-c", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=place.env,
    )


def test_a_child_that_writes_without_end_is_passed_on_to_the_last_byte(place: Place) -> None:
    with behind_us(place, FLOOD, str(MEGABYTES)) as wrapped:
        assert wrapped.stdout is not None
        assert wrapped.stderr is not None
        seen, size = hashlib.sha256(), 0
        while chunk := os.read(wrapped.stdout.fileno(), 1 << 20):
            seen.update(chunk)
            size += len(chunk)
        assert wrapped.wait(PATIENCE) == 9
        assert size >= MEGABYTES * 1_000_000
        assert wrapped.stderr.read().decode() == seen.hexdigest()


SESSION = """
import sys
sys.stdin.buffer.readline()
sys.stdout.buffer.write(open(sys.argv[1], "rb").read())
sys.stdout.flush()
sys.stdin.buffer.read()
"""


def test_a_client_that_reads_a_byte_a_second_gets_all_and_the_turn_is_there_long_before(
    place: Place, recordings: Recordings
) -> None:
    frames = [f for f in recordings.one("0.169.0/a_plain").frames() if f.direction == "s2c"]
    said = place.folder / "said"
    said.write_bytes(b"".join(f.line + b"\n" for f in frames))
    with behind_us(place, SESSION, str(said)) as wrapped:
        assert wrapped.stdin is not None
        assert wrapped.stdout is not None
        wrapped.stdin.write(b"go\n")
        wrapped.stdin.flush()
        got = b""
        deadline = time.monotonic() + PATIENCE
        while not (place.database.exists() and query(place.database, "SELECT status FROM turns")):
            assert time.monotonic() < deadline
            got += os.read(wrapped.stdout.fileno(), 1)
            time.sleep(1)
        assert len(got) < 100
        assert query(place.database, "SELECT status, total_tokens FROM turns") == [
            ("completed", 1061)
        ]
        wrapped.stdin.close()
        got += wrapped.stdout.read()
        assert wrapped.wait(PATIENCE) == 0
        assert got == said.read_bytes()
