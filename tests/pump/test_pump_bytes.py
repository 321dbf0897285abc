"""Every byte arrives, in both directions, whatever either side does meanwhile."""

import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

from tapped import copied, eventually, program, tapped

from codex_telemetry.frames import CLIENT, SERVER

MANY = 20 * 1024 * 1024
"""Far more than all the pipes on the way hold."""

ECHO = """
import os
while data := os.read(0, 1 << 20):
    while data:
        data = data[os.write(1, data):]
"""


def test_both_directions_arrive_byte_for_byte_and_so_do_their_copies(tmp_path: Path) -> None:
    said = random.Random(1).randbytes(MANY)
    with tapped(tmp_path, program(tmp_path, ECHO)) as tap:
        code, heard = tap.talk(said)
        frames = tap.frames()
    assert code == 0
    assert heard == said
    assert copied(frames, CLIENT) == said
    assert copied(frames, SERVER) == said


def test_a_line_of_many_megabytes_is_a_line_like_any_other(tmp_path: Path) -> None:
    code = """
import sys
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(line[::-1].strip() + b"\\n")
    sys.stdout.buffer.flush()
"""
    line = b"x" * MANY + b"yz\n"
    with tapped(tmp_path, program(tmp_path, code)) as tap:
        threading.Thread(target=_say, args=(tap.stdin.fileno(), line), daemon=True).start()
        assert _hear(tap.stdout.fileno(), len(line)) == b"zy" + b"x" * MANY + b"\n"
        tap.stdin.close()
        assert tap.leave() == 0
        assert copied(tap.frames(), CLIENT) == line


def test_a_child_that_sends_megabytes_before_reading_meets_a_client_that_does_too(
    tmp_path: Path,
) -> None:
    code = f"""
import os, sys
os.write(1, b"r")
sys.stdout.buffer.write(b"c" * {MANY})
sys.stdout.buffer.flush()
sys.stdout.buffer.write(sys.stdin.buffer.read())
"""
    said = b"s" * MANY
    with tapped(tmp_path, program(tmp_path, code)) as tap:
        assert tap.stdout.read(1) == b"r"
        # Nothing is read until the way to the child is full as well.
        writer = threading.Thread(target=_say, args=(tap.stdin.fileno(), said), daemon=True)
        writer.start()
        eventually(lambda: copied(tap.frames_so_far(), CLIENT))
        assert _hear(tap.stdout.fileno(), MANY) == b"c" * MANY
        writer.join()
        tap.stdin.close()
        assert _hear(tap.stdout.fileno(), MANY) == said
        assert tap.leave() == 0


def test_a_child_that_hears_all_before_it_answers_gets_all(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])"
    said = random.Random(2).randbytes(MANY)
    with tapped(tmp_path, program(tmp_path, code)) as tap:
        _say(tap.stdin.fileno(), said)
        tap.stdin.close()
        assert _hear(tap.stdout.fileno(), MANY) == said[::-1]


def test_a_child_that_stops_reading_does_not_stall_its_own_output(tmp_path: Path) -> None:
    code = """
import os
os.read(0, 1)
for _ in range(100):
    os.write(1, b"o" * 10_000)
os.close(1)
"""
    with tapped(tmp_path, program(tmp_path, code)) as tap:
        threading.Thread(target=_say, args=(tap.stdin.fileno(), b"s" * MANY), daemon=True).start()
        assert _hear(tap.stdout.fileno(), 1_000_000) == b"o" * 1_000_000
        assert tap.stdout.read(1) == b""
        assert tap.leave() == 0


def test_a_client_that_reads_slowly_gets_every_byte_of_a_child_long_gone(tmp_path: Path) -> None:
    code = f"""
import os, sys
sys.stdout.buffer.write(b"o" * {300_000})
sys.stdout.buffer.flush()
"""
    with tapped(tmp_path, program(tmp_path, code)) as tap:
        heard = 0
        while data := os.read(tap.stdout.fileno(), 3_000):
            heard += len(data)
            time.sleep(0.005)
        assert heard == 300_000
        assert tap.leave() == 0


def test_a_client_that_stops_reading_for_a_while_stops_the_child_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    code = """
import os
for n in range(4_000):
    os.write(1, b"%07d\\n" % n * 128)
"""
    with tapped(tmp_path, program(tmp_path, code)) as tap:
        # The pipes are full when the copies come no further.
        size = -1
        while size != (size := len(copied(tap.frames_so_far(), SERVER))) or size == 0:
            time.sleep(0.1)
        assert size < 4_000_000
        assert tap.process.poll() is None
        assert tap.talk() == (0, b"".join(b"%07d\n" % n * 128 for n in range(4_000)))


def test_a_stdin_and_stdout_that_somebody_made_non_blocking_lose_nothing(tmp_path: Path) -> None:
    said = random.Random(3).randbytes(2_000_000)
    stdin, to_wrapper = os.pipe()
    from_wrapper, stdout = os.pipe()
    os.set_blocking(stdin, False)
    os.set_blocking(stdout, False)
    with tapped(tmp_path, program(tmp_path, ECHO), stdin=stdin, stdout=stdout) as tap:
        os.close(stdin)
        os.close(stdout)

        def say() -> None:
            _say(to_wrapper, said)
            os.close(to_wrapper)

        threading.Thread(target=say, daemon=True).start()
        # Full before we read, and then there is never room for a whole chunk.
        eventually(lambda: len(copied(tap.frames_so_far(), SERVER)) >= 60_000)
        heard = b""
        while len(heard) < len(said):
            heard += os.read(from_wrapper, 10_000)
        assert heard == said
        assert os.read(from_wrapper, 1) == b""
        os.close(from_wrapper)
        assert tap.leave() == 0


def test_signals_in_the_middle_of_a_read_or_write_cost_no_byte(tmp_path: Path) -> None:
    said = random.Random(4).randbytes(MANY)
    with tapped(tmp_path, program(tmp_path, ECHO)) as tap:
        done = threading.Event()

        def disturb() -> None:
            while not done.wait(0.001):
                tap.process.send_signal(signal.SIGCHLD)

        threading.Thread(target=disturb, daemon=True).start()
        threading.Thread(target=_say, args=(tap.stdin.fileno(), said), daemon=True).start()
        assert _hear(tap.stdout.fileno(), MANY) == said
        done.set()
        tap.stdin.close()
        assert tap.leave() == 0


def test_stderr_is_the_very_one_we_were_given(tmp_path: Path) -> None:
    code = "import os; print(os.fstat(2).st_ino); os.write(2, b'complaint')"
    with (
        (tmp_path / "stderr").open("wb") as stderr,
        tapped(tmp_path, program(tmp_path, code), stderr=stderr) as tap,
    ):
        _, heard = tap.talk()
        assert int(heard) == os.fstat(stderr.fileno()).st_ino
    assert (tmp_path / "stderr").read_bytes() == b"complaint"


def test_stdout_carries_nothing_but_the_childs_bytes_however_loud_the_collector_is(
    tmp_path: Path,
) -> None:
    loud = ["/bin/sh", "-c", "echo out; echo err >&2; cat; echo out; echo err >&2"]
    with tapped(tmp_path, ["echo", "mine"], collector=loud, stderr=subprocess.PIPE) as tap:
        heard, complaints = tap.process.communicate(timeout=30)
    assert (heard, complaints) == (b"mine\n", b"")


def _say(fd: int, said: bytes) -> None:
    rest = memoryview(said)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BrokenPipeError:
            return


def _hear(fd: int, size: int) -> bytes:
    heard = bytearray()
    while len(heard) < size and (data := os.read(fd, min(1 << 20, size - len(heard)))):
        heard += data
    return bytes(heard)
