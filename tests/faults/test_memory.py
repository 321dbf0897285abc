"""While nothing can be written, nobody's memory grows beyond a bound; and what was held back is kept."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from codex_telemetry.frames import SERVER, frame
from codex_telemetry.store import db
from codex_telemetry.tee import BOUND
from collecting import PATIENCE, Place, item, started
from played import RUN
from processes import child_of, state
from saved import query
from store_of import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

MB = 1_000_000
ITEMS = 20_000
SAID = 250 * MB

FLOOD = f"""
import os, sys
sent = memoryview(bytes({SAID}))
while sent:
    sent = sent[os.write(1, sent[:1 << 16]):]
sys.stdin.read()
"""


def most(pid: int) -> int:
    """The most memory it ever had, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no such process")


def test_the_wrapper_holds_so_much_and_no_more(place: Place) -> None:
    command = [*RUN[:-1], f"--db={place.database}", "--", sys.executable, "-c", FLOOD]
    with subprocess.Popen(
        command, env=place.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as wrapper:
        assert wrapper.stdout is not None
        # By its own words: until it has become what it shall be, it is called as the wrapper is, which
        # waits for that.
        collector = until(lambda: child_of(wrapper.pid, b"collect"))
        os.kill(collector, signal.SIGSTOP)
        heard = 0
        while heard < SAID:
            heard += len(os.read(wrapper.stdout.fileno(), 1 << 20))
        assert BOUND < most(wrapper.pid) < BOUND + 40 * MB
        os.kill(collector, signal.SIGCONT)
        assert wrapper.communicate(timeout=PATIENCE)[0] == b""


def test_a_collector_that_waits_for_the_database_does_not_take_in_more_than_it_can_hold(
    place: Place,
) -> None:
    db.prepare(place.database)
    said = started() + b"".join(frame(SERVER, n * MB, n * MB, item(n)) for n in range(ITEMS))
    collector = place.collector(patience_s=120, busy_ms=60_000)
    assert collector.stdin is not None
    with closing(sqlite3.connect(place.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        saying = threading.Thread(target=collector.communicate, args=(said,))
        saying.start()
        # It has stopped to listen: its pipe is full, and it sleeps.
        until(lambda: state(collector.pid) == "S" and most(collector.pid) > 30 * MB)
        saying.join(2)
        assert saying.is_alive()
        assert most(collector.pid) < 120 * MB
    saying.join(60)
    assert collector.wait(60) == 0
    assert query(place.database, "SELECT count(*) FROM items") == [(ITEMS,)]
