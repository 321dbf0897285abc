"""Who closes what first, and when the wrapper leaves."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tapped import PATIENCE, copied, eventually, on_linux, program, tapped

from codex_telemetry.frames import CLIENT, END, SERVER, START
from codex_telemetry.relay import Flow, nothing_on_its_way
from codex_telemetry.tee import Tee
from processes import is_gone, state

SH = "/bin/sh"


def test_a_closed_stdin_is_passed_on_as_closed_stdin(tmp_path: Path) -> None:
    code = "import os; os.write(1, b'heard %d' % len(os.read(0, 1)))"
    with tapped(tmp_path, program(tmp_path, code)) as tap:
        tap.stdin.close()
        assert tap.stdout.read() == b"heard 0"
        assert tap.leave() == 0


def test_a_stdin_that_is_closed_from_the_start_is_end_of_file(tmp_path: Path) -> None:
    through = [SH, "-c", 'exec "$@" <&-', SH]
    with tapped(tmp_path, ["cat"], through=through) as tap:
        assert tap.stdout.read() == b""
        assert tap.leave() == 0
        assert [frame.kind for frame in tap.frames()] == [START, END]


def test_nothing_of_ours_slips_into_a_stdout_or_stderr_that_is_closed_from_the_start(
    tmp_path: Path,
) -> None:
    through = [SH, "-c", 'exec "$@" >&- 2>&-', SH]
    with tapped(tmp_path, ["cat"], through=through) as tap:
        tap.stdin.write(b"hello")
        tap.stdin.close()
        assert tap.leave() == 0
        assert copied(tap.frames(), CLIENT) == b"hello"
        assert copied(tap.frames(), SERVER) == b"hello"


def test_a_client_that_closes_its_end_does_not_leave_the_child_on_a_full_pipe(
    tmp_path: Path,
) -> None:
    # Without an end to its output, `yes` writes until it is told that nobody reads.
    with tapped(tmp_path, ["yes"]) as tap:
        assert tap.stdout.read(2) == b"y\n"
        tap.stdout.close()
        assert tap.leave() == 128 + signal.SIGPIPE


def test_a_client_whose_disk_is_full_does_not_leave_the_child_on_a_full_pipe(
    tmp_path: Path,
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with open("/dev/full", "wb") as full, tapped(tmp_path, ["yes"], stdout=full) as tap:
        assert tap.leave() == 128 + signal.SIGPIPE


def test_a_child_that_closes_its_stdin_is_told_to_the_client(tmp_path: Path) -> None:
    code = "import os, time; os.close(0); os.write(1, b'x'); time.sleep(60)"
    with tapped(tmp_path, program(tmp_path, code)) as tap:
        assert tap.stdout.read(1) == b"x"
        with pytest.raises(BrokenPipeError):  # noqa: PT012  the first writes fit into our pipe
            while True:
                tap.stdin.write(b"x" * 65536)
        assert tap.process.poll() is None


def test_a_child_that_closes_stdout_early_is_waited_for(tmp_path: Path) -> None:
    code = """
import os
os.write(1, b"last words")
os.close(1)
os.read(0, 1)
os._exit(7)
"""
    with tapped(tmp_path, program(tmp_path, code)) as tap:
        assert tap.stdout.read() == b"last words"  # the client is told as well
        assert tap.process.poll() is None
        tap.stdin.write(b"x")
        assert tap.leave() == 7
        assert copied(tap.frames(), CLIENT) == b"x"


def test_a_grandchild_that_holds_stdout_does_not_hold_the_wrapper(tmp_path: Path) -> None:
    with tapped(tmp_path, [SH, "-c", "sleep 60 & echo started; exit 3"]) as tap:
        assert tap.talk() == (3, b"started\n")
        assert copied(tap.frames(), SERVER) == b"started\n"
        assert tap.frames()[-1].payload == b'{"exit_code":3}'


def test_what_a_grandchild_still_says_within_the_quarter_of_a_second_is_delivered(
    tmp_path: Path,
) -> None:
    speak = "for n in 1 2 3 4 5 6 7 8 9 a b c; do sleep 0.1; echo -n $n; done; exec sleep 60"
    with tapped(tmp_path, [SH, "-c", f"({speak}) & exit 0"]) as tap:
        assert tap.talk() == (0, b"123456789abc")


def test_a_slow_client_gets_every_byte_even_while_a_grandchild_holds_stdout(
    tmp_path: Path,
) -> None:
    code = """
import os, subprocess
subprocess.Popen(["sleep", "60"])
sent = b"o" * 150_000
while sent:
    sent = sent[os.write(1, sent):]
"""
    with tapped(tmp_path, program(tmp_path, code)) as tap:
        eventually(lambda: len(copied(tap.frames_so_far(), SERVER)) >= 65_536)
        # Pauses longer than the quiet after which the wrapper leaves, with bytes still on their way.
        time.sleep(0.6)
        heard = len(os.read(tap.stdout.fileno(), 65_536))
        time.sleep(0.4)
        assert heard + len(tap.stdout.read()) == 150_000
        assert tap.leave() == 0


def test_a_client_that_never_reads_holds_the_wrapper_only_until_it_is_told_to_leave(
    tmp_path: Path,
) -> None:
    code = "import os; os.write(1, b'o' * 60_000); os.write(1, b'o' * 60_000)"
    with tapped(tmp_path, program(tmp_path, code)) as tap:
        eventually(lambda: len(copied(tap.frames_so_far(), SERVER)) >= 60_000)
        with pytest.raises(subprocess.TimeoutExpired):
            tap.process.wait(0.6)
        tap.process.terminate()
        assert tap.leave() == 0


def test_what_the_child_left_in_its_pipe_is_still_on_its_way() -> None:
    from_child, into = os.pipe()
    idle = Flow(SERVER, from_child, 1, Tee(None), -1)
    os.write(into, b"unread")
    assert not nothing_on_its_way(idle)
    os.read(from_child, 6)
    assert nothing_on_its_way(idle)
    os.close(into)
    os.close(from_child)


@on_linux
def test_after_a_sigkill_of_the_wrapper_the_child_sees_the_end_and_the_collector_finishes(
    tmp_path: Path,
) -> None:
    code = f"""
import os
os.write(1, b"%d\\n" % os.getpid())
os.read(0, 1)
assert os.read(0, 1) == b""
open({str(tmp_path / "saw the end")!r}, "w").close()
"""
    with tapped(tmp_path, program(tmp_path, code)) as tap:
        child = int(tap.stdout.readline())
        tap.stdin.write(b"x")
        eventually(lambda: copied(tap.frames_so_far(), CLIENT))
        collector = tap.collector()
        tap.process.kill()
        assert tap.leave() == -signal.SIGKILL
        eventually((tmp_path / "saw the end").exists)
        eventually(lambda: is_gone(child))
        frames = tap.frames()
        assert copied(frames, CLIENT) == b"x"
        assert END not in [frame.kind for frame in frames]
        eventually(lambda: is_gone(collector))


def test_the_wrapper_leaves_while_the_client_keeps_its_stdin_open(tmp_path: Path) -> None:
    with tapped(tmp_path, ["true"]) as tap:
        assert tap.process.wait(PATIENCE) == 0
        assert not tap.stdin.closed


@on_linux
def test_nobody_is_left_when_all_is_done(tmp_path: Path) -> None:
    with tapped(tmp_path, ["true"]) as tap:
        collector = tap.collector()
        assert tap.talk() == (0, b"")
        eventually(lambda: is_gone(collector))
        assert state(tap.process.pid) == ""
