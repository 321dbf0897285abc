"""What comes in masses, or is built to hurt: it costs its own lines, the memory has a bound, and the
turn in the midst of it is known as if it were alone."""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from codex_telemetry.core.batch import MOST_DRIFT, Batch
from codex_telemetry.core.facts import Drift
from codex_telemetry.frames import CLIENT, SERVER, frame
from collecting import Place, Story, a_plain_turn, ended, finish, started
from recordings import Recordings
from saved import BORN, query, save, uuid7

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

MS = 1_000_000
PIECE = 64 << 10

TURN = "SELECT status, total_tokens FROM turns WHERE session_id = ?"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def story(recordings: Recordings) -> Story:
    return a_plain_turn(recordings)


def said(method: str, **params: object) -> bytes:
    return json.dumps({"method": method, "params": params}).encode()


def framed(lines: Iterable[bytes], kind: int = SERVER) -> Iterator[bytes]:
    """As the pump hands them over: 64 KiB at a time, a little later each."""
    at = 0
    for line in lines:
        whole = line + b"\n"
        for start in range(0, len(whole), PIECE):
            at += MS
            yield frame(kind, at, at, whole[start : start + PIECE])


def hear(place: Place, stream: Iterable[bytes]) -> int:
    """Tell a collector all that; the most memory it held (bytes)."""
    collector = place.collector()
    peak = [0]
    watching = threading.Thread(target=watch, args=(collector, peak), daemon=True)
    watching.start()
    assert collector.stdin is not None
    collector.stdin.write(started())
    for chunk in stream:
        collector.stdin.write(chunk)
    finish(collector, ended())
    watching.join()
    return peak[0] << 10


def watch(process: subprocess.Popen[bytes], peak: list[int]) -> None:
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        try:
            if told := re.search(r"VmHWM:\s+(\d+)", status.read_text()):
                peak[0] = max(peak[0], int(told[1]))
        except OSError:
            return
        time.sleep(0.01)


def thread_of(n: int) -> Iterator[bytes]:
    """A whole turn in a thread of its own."""
    thread, turn = uuid7(BORN + n, n), uuid7(BORN + n, 1 << 40 | n)
    yield said("thread/started", thread={"id": thread, "cliVersion": "0.169.0", "cwd": "/work"})
    yield said("turn/started", threadId=thread, turn={"id": turn, "status": "inProgress"})
    ran = {"type": "commandExecution", "id": f"c{n}", "command": "ls", "status": "completed"}
    yield said("item/completed", threadId=thread, turnId=turn, item=ran)
    yield said("turn/completed", threadId=thread, turn={"id": turn, "status": "completed"})


def test_ten_thousand_threads_in_one_process_are_ten_thousand_sessions(place: Place) -> None:
    hear(place, framed(line for n in range(10_000) for line in thread_of(n)))
    turns = "SELECT status, tool_calls, count(*), count(DISTINCT session_id) FROM turns"
    assert query(place.database, turns) == [("completed", 1, 10_000, 10_000)]
    assert place.spooled == []


@on_linux
def test_ten_thousand_turns_that_never_end_are_not_all_remembered(place: Place) -> None:
    def open_turns(count: int) -> Iterator[bytes]:
        return framed(line for n in range(count) for line in [*thread_of(n)][:-1])

    few = hear(Place(place.folder / "few"), open_turns(1_000))
    many = hear(place, open_turns(10_000))
    assert many - few < 60 << 20
    counted = query(place.database, "SELECT status, count(*) FROM turns GROUP BY 1")
    assert counted == [("in_progress", 10_000)]


FLOODS = {
    "unknown methods": lambda n: said(f"made/up{n}", x=n),
    "unknown items": lambda n: said(
        "item/completed", threadId="t", turnId="u", item={"type": f"made-up-{n}", "id": "i"}
    ),
    "unknown shapes": lambda n: said("turn/started", threadId={f"key{n}": n}, turn=n),
    "older events": lambda n: said(f"codex/event/made_up_{n}", msg={"type": f"made_up_{n}"}),
    "garbage": lambda n: bytes((n * k * 31) % 251 + 1 for k in range(200)).replace(b"\n", b" "),
    "answers to nobody": lambda n: json.dumps({"id": n, "result": {"x": n}}).encode(),
    "refusals": lambda n: json.dumps({"id": n, "error": {"code": n, "message": "no"}}).encode(),
}


@on_linux
@pytest.mark.parametrize("what", FLOODS)
def test_a_flood_is_counted_in_a_table_with_a_bound_and_in_memory_with_one(
    place: Place, story: Story, what: str
) -> None:
    flood = [FLOODS[what](n) for n in range(20_000)]
    quiet = hear(Place(place.folder / "quiet"), [story.before, story.end])
    loud = hear(place, [story.before, *framed(flood), story.end])
    assert query(place.database, TURN, story.thread) == [("completed", 1061)]
    ((names, counted),) = query(place.database, "SELECT count(*), coalesce(sum(n), 0) FROM drift")
    assert names <= 2 * MOST_DRIFT + 1
    # What comes before the first word that Codex knows isn't counted.
    assert counted == 0 or 0.9 * len(flood) < counted <= len(flood)
    assert loud - quiet < 40 << 20
    assert place.database.stat().st_size < 2 << 20


def test_names_of_many_releases_have_a_bound_too(place: Place) -> None:
    heard = Batch("live", "launch")
    for n in range(5_000):
        heard.add(Drift(f"0.{n}.0", f"name{n}", "unknown notification"), n)
    save(place.database, heard)
    ((names, counted),) = query(place.database, "SELECT count(*), sum(n) FROM drift")
    assert names <= 2 * MOST_DRIFT + 1
    assert counted == 5_000


def test_requests_that_are_never_answered_are_forgotten_in_time(place: Place, story: Story) -> None:
    asked = [
        json.dumps({"id": n, "method": "turn/start", "params": {"threadId": story.thread}}).encode()
        for n in range(1000, 31_000)
    ]
    hear(place, [story.before, *framed(asked, CLIENT), story.end])
    assert query(place.database, TURN, story.thread) == [("completed", 1061)]


MB = 1_000_000
BOMBS = {
    "a number of 5 MB": lambda: b'{"method":"turn/started","params":{"threadId":%s}}' % (b"9" * 5 * MB),
    "a key of 10 MB": lambda: b'{"method":"turn/started","params":{"%s":1}}' % (b"k" * 10 * MB),
    "a million duplicate keys": lambda: b'{"method":"turn/started",%s"x":1}' % (b'"params":{},' * MB),
    "as deep as is read": lambda: (
        b'{"method":"turn/started","params":{"turn":' + b'{"a":' * 900 + b"1" + b"}" * 902
    ),
    "a million deep": lambda: b'{"method":"turn/started","params":' + b"[" * MB,
    "ten million elements": lambda: b'{"method":"turn/started","params":[%s1]}' % (b"1," * 10 * MB),
    "a method of escapes": lambda: b'{"method":"%s","params":{}}' % (b"\\u0041" * MB),
    "a plan of 300,000 steps": lambda: (
        b'{"method":"turn/plan/updated","params":{"threadId":"t","turnId":"u","plan":[%s{}]}}'
        % (b'{"step":"x","status":"pending"},' * 300_000)
    ),
    "300,000 changed files": lambda: (
        b'{"method":"item/completed","params":{"threadId":"t","turnId":"u","item":{"type":'
        b'"fileChange","id":"f","changes":[%s{}]}}}'
        % (b'{"path":"a","kind":{"type":"add"},"diff":"+"},' * 300_000)
    ),
    "a line of 200 MB": lambda: said("item/agentMessage/delta", delta="x" * 200 * MB),
}  # fmt: skip


@on_linux
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_line_that_is_a_bomb_costs_itself_and_a_bounded_memory(
    place: Place, story: Story, bomb: str
) -> None:
    peak = hear(place, [story.before, *framed([BOMBS[bomb]()]), story.end])
    assert query(place.database, TURN, story.thread) == [("completed", 1061)]
    assert peak < 350 << 20
    assert place.spooled == []
