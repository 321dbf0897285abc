"""Copies reach the collector whole and in order, and never at the expense of the traffic."""

import json
import os
import random
import select
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from tapped import (
    PATIENCE,
    Frame,
    Tap,
    copied,
    dropped,
    eventually,
    on_linux,
    parse,
    program,
    tapped,
)

from codex_telemetry import tee
from codex_telemetry.frames import (
    CLIENT,
    END,
    GAP_CLIENT,
    GAP_SERVER,
    SERVER,
    START,
    monotonic_ns,
)
from codex_telemetry.tee import BOUND, IN_THE_PIPE, Tee
from processes import is_gone, running_with

SLEEPY = """
echo $$ >"$0/collector.new" && mv "$0/collector.new" "$0/collector"
sleep 1
cat >"$0/frames.part" && mv "$0/frames.part" "$0/frames"
"""


def test_a_stamp_tells_when_bytes_were_read_not_when_they_could_be_passed_on(
    tmp_path: Path,
) -> None:
    code = "import os, time; os.write(1, b'x' * 1_000_000); os.write(1, b'y')"
    began = monotonic_ns()
    with tapped(tmp_path, program(tmp_path, code)) as tap:
        # One chunk is on its way in the pipe; the next is in the wrapper's hands, and waits for us.
        eventually(lambda: copied(tap.frames_so_far(), SERVER))
        time.sleep(0.2)
        reading, reading_wall = monotonic_ns(), time.time_ns()
        tap.talk()
        ended = monotonic_ns()
        said = [frame for frame in tap.frames() if frame.kind == SERVER]
    assert began < said[0].mono_ns < said[1].mono_ns < reading < said[-1].mono_ns < ended
    assert said[1].wall_ns < reading_wall < said[-1].wall_ns


def test_the_last_thing_a_child_hears_is_copied_before_the_end(tmp_path: Path) -> None:
    slow = """
import time
from codex_telemetry.tee import Tee
put = Tee.put
Tee.put = lambda *given: (time.sleep(0.02), put(*given))
"""
    with tapped(tmp_path, ["/bin/sh", "-c", "read line"], prelude=slow) as tap:
        tap.stdin.write(b"shutdown\n")
        assert tap.leave() == 0
        assert copied(tap.frames(), CLIENT) == b"shutdown\n"


def test_a_collector_that_starts_late_gets_all_and_holds_up_nobody(tmp_path: Path) -> None:
    said = random.Random(1).randbytes(10_000_000)
    late = ["/bin/sh", "-c", SLEEPY, str(tmp_path)]
    with tapped(tmp_path, ["cat"], collector=late) as tap:
        assert tap.talk(said) == (0, said)
        assert not (tmp_path / "frames.part").exists()  # it hasn't even begun
        frames = tap.frames()
    assert copied(frames, CLIENT) == said
    assert copied(frames, SERVER) == said
    assert frames[-1].kind == END


@on_linux
def test_what_stays_behind_to_hand_over_copies_holds_nothing_and_goes_with_the_collector(
    tmp_path: Path,
) -> None:
    stuck = ["/bin/sh", "-c", 'echo $$ >"$0/new" && mv "$0/new" "$0/collector"; exec sleep 60']
    with tapped(
        tmp_path,
        ["head", "-c", str(2 * IN_THE_PIPE), "/dev/zero"],
        collector=[*stuck, str(tmp_path)],
        stderr=subprocess.PIPE,
        env=dict(os.environ, PYTHONWARNINGS="always"),
    ) as tap:
        collector = tap.collector()
        # If it held them, these would not come to an end.
        out, err = tap.process.communicate(timeout=PATIENCE)
        assert (tap.process.returncode, len(out), err) == (0, 2 * IN_THE_PIPE, b"")
        (left,) = (pid for pid in running_with(os.fsencode(tmp_path)) if pid != collector)
        os.kill(collector, signal.SIGKILL)
        eventually(lambda: is_gone(left))


@on_linux
def test_behind_a_stopped_collector_traffic_flows_and_the_loss_is_told_at_its_place(
    tmp_path: Path,
) -> None:
    code = """
import os, sys
size = int(sys.stdin.buffer.readline())
sent = memoryview(os.urandom(1 << 20) * (size >> 20))
while sent:
    sent = sent[os.write(1, sent[:1 << 16]):]
sys.stdin.buffer.readline()
os.write(1, b"after the loss")
"""
    size = 80 * 1024 * 1024
    with tapped(tmp_path, program(tmp_path, code)) as tap:
        os.killpg(tap.collector(), signal.SIGSTOP)
        tap.stdin.write(b"%d\n" % size)
        first = bytearray()
        while len(first) < size:
            first += os.read(tap.stdout.fileno(), 1 << 20)
        tap.stdin.write(b"in between\n")  # no room for this either
        assert tap.stdout.read(14) == b"after the loss"
        os.killpg(tap.collector(), signal.SIGCONT)
        assert tap.leave() == 0
        frames = tap.frames()

    server = [frame for frame in frames if frame.kind in (SERVER, GAP_SERVER)]
    kept = b"".join(frame.payload for frame in server if frame.kind == SERVER)
    lost = sum(dropped(frame) for frame in server if frame.kind == GAP_SERVER)
    assert len(kept) + lost == size + 14
    assert abs(len(kept) - BOUND - IN_THE_PIPE) < 200_000  # and what `cat` holds
    assert _without_the_lost(bytes(first) + b"after the loss", server) == kept
    assert frames[-1].kind == END


@on_linux
def test_the_wrapper_leaves_at_once_behind_a_stopped_collector_and_nothing_kept_is_lost(
    tmp_path: Path,
) -> None:
    size = 80 * 1024 * 1024
    with tapped(tmp_path, ["head", "-c", str(size), "/dev/zero"]) as tap:
        os.killpg(tap.collector(), signal.SIGSTOP)
        code, heard = tap.talk()
        assert (code, len(heard)) == (0, size)
        os.killpg(tap.collector(), signal.SIGCONT)
        frames = tap.frames()
    kept = sum(len(frame.payload) for frame in frames if frame.kind == SERVER)
    lost = sum(dropped(frame) for frame in frames if frame.kind == GAP_SERVER)
    assert lost > 0
    assert kept + lost == size
    assert frames[-1].kind == END


def _without_the_lost(said: bytes, frames: list[Frame]) -> bytes:
    """What of `said` should have been kept, if every gap is where it says it is."""
    kept, at = bytearray(), 0
    for frame in frames:
        size = dropped(frame) if frame.kind in (GAP_CLIENT, GAP_SERVER) else len(frame.payload)
        if frame.kind in (CLIENT, SERVER):
            kept += said[at : at + size]
        at += size
    assert at == len(said)
    return bytes(kept)


@on_linux
def test_a_collector_that_dies_in_the_middle_is_not_felt(tmp_path: Path) -> None:
    said = random.Random(2).randbytes(5_000_000)
    with tapped(tmp_path, ["cat"]) as tap:
        tap.stdin.write(b"hello")
        assert tap.stdout.read(5) == b"hello"
        os.killpg(tap.collector(), signal.SIGKILL)
        assert tap.talk(said) == (0, said)


@on_linux
def test_a_collector_that_dies_while_it_is_stopped_is_not_felt(tmp_path: Path) -> None:
    said = random.Random(2).randbytes(5_000_000)
    with tapped(tmp_path, ["cat"]) as tap:
        os.killpg(tap.collector(), signal.SIGSTOP)
        sent = threading.Thread(target=_say, args=(tap.stdin.fileno(), said))
        sent.start()
        heard = tap.stdout.read(1_000_000)
        os.killpg(tap.collector(), signal.SIGKILL)
        while len(heard) < len(said):
            heard += os.read(tap.stdout.fileno(), 1 << 20)
        sent.join()
        assert heard == said
        assert tap.talk() == (0, b"")


def _say(fd: int, said: bytes) -> None:
    rest = memoryview(said)
    while rest:
        rest = rest[os.write(fd, rest) :]


class Pipe:
    """A collector's pipe in the test's own hands."""

    def __init__(self) -> None:
        self.out, into = os.pipe()
        self.tee = Tee(into)
        self._into = into

    def read(self) -> bytes:
        assert select.select([self.out], [], [], PATIENCE)[0], "waited in vain"
        return os.read(self.out, 1 << 16)

    def read_to_the_end(self) -> list[Frame]:
        heard = bytearray()
        while not heard.endswith(b"the end"):
            heard += self.read()
        os.close(self.out)
        os.close(self._into)
        return parse(bytes(heard))


def test_copies_of_any_size_arrive_whole_and_in_order_through_a_pipe_that_tears_them(
    tmp_path: Path,
) -> None:
    pipe, chance = Pipe(), random.Random(3)
    put = []
    for number in range(2_000):
        payload = chance.randbytes(chance.choice([1, 7, 100, 4_000, 65_536]))
        kind = chance.choice([CLIENT, SERVER])
        pipe.tee.put(kind, number, -number, payload)
        put.append(Frame(kind, number, -number, payload))
    pipe.tee.put(SERVER, 0, 0, b"the end")
    assert pipe.read_to_the_end()[:-1] == put


def test_a_loss_in_each_direction_is_told_with_its_time_and_size_before_the_next_copy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tee, "BOUND", 200_000)
    monkeypatch.setattr(tee, "IN_THE_PIPE", 65_536)
    pipe = Pipe()
    for number in range(6):  # 65,536 fit into the pipe, 200,000 are kept
        pipe.tee.put(SERVER, number, number, bytes(60_000))
    pipe.tee.put(CLIENT, 6, 6, bytes(50_000))
    pipe.tee.put(CLIENT, 7, 7, bytes(30_000))
    heard = bytearray()
    while len(heard) < 240_000:
        heard += pipe.read()
    # As soon as there is room, without waiting for a further copy.
    while sum(frame.kind in (GAP_CLIENT, GAP_SERVER) for frame in parse(bytes(heard))) < 2:
        heard += pipe.read()
    pipe.tee.put(CLIENT, 8, 8, b"the end")
    while not heard.endswith(b"the end"):
        heard += pipe.read()
    told = parse(bytes(heard))
    assert [(frame.kind, frame.wall_ns) for frame in told[:4]] == [(SERVER, n) for n in range(4)]
    assert {(gap.kind, gap.wall_ns, dropped(gap)) for gap in told[4:6]} == {
        (GAP_SERVER, 4, 120_000),
        (GAP_CLIENT, 6, 80_000),
    }
    assert told[6].payload == b"the end"


@on_linux
def test_another_collector_takes_the_place_of_one_that_died_and_is_told_so(tmp_path: Path) -> None:
    soon = "from codex_telemetry import tee; tee.AGAIN_S = 0.05"
    with tapped(tmp_path, ["cat"], prelude=soon) as tap:
        tap.stdin.write(b"heard ")
        assert tap.stdout.read(6) == b"heard "
        died = tap.collector()
        eventually(lambda: copied(tap.frames_so_far(), CLIENT))
        (first, *_) = tap.frames_so_far()
        os.killpg(died, signal.SIGKILL)
        while tap.collector() == died:
            tap.stdin.write(b"lost ")
            assert tap.stdout.read(5) == b"lost "
        tap.stdin.write(b"and heard again")
        assert tap.stdout.read(15) == b"and heard again"
        assert tap.talk() == (0, b"")
        start, *frames, end = tap.frames()
    told, again = json.loads(first.payload), json.loads(start.payload)
    assert start.kind == first.kind == START
    assert (start.wall_ns, start.mono_ns) == (first.wall_ns, first.mono_ns)
    assert again.pop("again_ms") * 1_000_000 > start.wall_ns
    assert again == told
    assert copied(frames, CLIENT).endswith(b"and heard again")
    assert end.kind == END


@on_linux
def test_what_was_missed_at_the_very_end_is_told_to_a_collector_too(tmp_path: Path) -> None:
    with tapped(tmp_path, ["cat"]) as tap:
        tap.stdin.write(b"heard")
        assert tap.stdout.read(5) == b"heard"
        died = tap.collector()
        os.killpg(died, signal.SIGKILL)
        time.sleep(0.2)  # its whole group
        assert tap.talk() == (0, b"")
        eventually(lambda: tap.collector() != died)
        start, end = tap.frames()
    assert b'"again_ms"' in start.payload
    assert end.kind == END


@on_linux
def test_collectors_that_die_at_once_are_not_started_for_ever(tmp_path: Path) -> None:
    soon = "from codex_telemetry import tee; tee.AGAIN_S = 0.01"
    dies = ["/bin/sh", "-c", 'echo >>"$0/started"', str(tmp_path)]
    started = tmp_path / "started"

    def say_some(tap: Tap) -> None:
        tap.stdin.write(b"x")
        assert tap.stdout.read(1) == b"x"

    with tapped(tmp_path, ["cat"], collector=dies, prelude=soon) as tap:
        eventually(started.exists)
        while started.stat().st_size < 1 + tee.MOST_AGAIN:
            say_some(tap)
        for _ in range(30):
            say_some(tap)
            time.sleep(0.01)
        assert tap.talk() == (0, b"")
    assert started.stat().st_size == 1 + tee.MOST_AGAIN
