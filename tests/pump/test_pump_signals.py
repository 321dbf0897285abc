"""Signals and exit codes are the child's, as if nobody stood between."""

import contextlib
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from tapped import Tap, eventually, on_linux, program, tapped

from processes import is_gone, state

COUNTING = """
import os, signal, sys, time
def note(number, frame):
    with open(sys.argv[1], "a") as file:
        file.write(signal.Signals(number).name + "\\n")
    if number == signal.SIGTERM:
        os._exit(9)
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(number, note)
os.write(1, b"%d\\n" % os.getpid())
while True:
    time.sleep(0.02)  # not `pause`: a signal that comes just before it is only looked at after it
"""
"""Notes each signal in a file, and leaves at SIGTERM with 9."""

SHIM = """
import os, signal, subprocess, sys
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(number, lambda *_: None)
sys.exit(subprocess.Popen(sys.argv[1:]).wait())
"""
"""As npm's: starts the native program, and (unlike npm's) passes no signal on to it."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_a_child_killed_by_a_signal_gives_128_and_its_number(
    tmp_path: Path, number: signal.Signals
) -> None:
    with tapped(tmp_path, ["/bin/sh", "-c", "ulimit -c 0; echo up; exec sleep 60"]) as tap:
        assert tap.stdout.readline() == b"up\n"
        tap.process.send_signal(number)
        assert tap.leave() == 128 + number


def test_the_exit_code_is_the_childs(tmp_path: Path) -> None:
    with tapped(tmp_path, ["/bin/sh", "-c", "exit 42"]) as tap:
        assert tap.leave() == 42


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_reaches_the_native_program_behind_a_shim_and_its_code_comes_back(
    tmp_path: Path, number: signal.Signals
) -> None:
    noted = tmp_path / "noted"
    native = [*program(tmp_path, COUNTING), str(noted)]
    with tapped(tmp_path, [*program(tmp_path, SHIM), *native]) as tap:
        tap.stdout.readline()
        tap.process.send_signal(number)
        eventually(lambda: noted.exists() and noted.read_text() == f"{number.name}\n")
        tap.process.terminate()
        assert tap.leave() == 9
    assert noted.read_text() == f"{number.name}\nSIGTERM\n"


@contextlib.contextmanager
def on_a_terminal(folder: Path, command: list[str]) -> Iterator[tuple[Tap, int]]:
    """The wrapper in the foreground of a terminal of its own; also the terminal's other side."""
    side, terminal = os.openpty()
    take = "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    through = [sys.executable, "-c", take + "os.execv(sys.argv[1], sys.argv[1:])"]
    try:
        with tapped(
            folder, command, through=through, stdin=terminal, stdout=terminal, stderr=terminal
        ) as tap:
            os.close(terminal)
            yield tap, side
    finally:
        with contextlib.suppress(OSError):
            os.close(side)


def test_a_ctrl_c_reaches_child_and_native_program_once_and_the_collector_never(
    tmp_path: Path,
) -> None:
    noted, noted_too = tmp_path / "noted", tmp_path / "noted, too"
    native = [*program(tmp_path, COUNTING), str(noted)]
    shim = SHIM.replace("lambda *_: None", f'lambda *_: open({str(noted_too)!r}, "a").write("!")')
    with on_a_terminal(tmp_path, [*program(tmp_path, shim), *native]) as (tap, side):
        _read_line(side)
        os.write(side, b"\x03")
        eventually(lambda: noted.exists() and noted_too.exists())
        tap.process.terminate()
        assert tap.leave() == 9
        assert noted.read_text() == "SIGINT\nSIGTERM\n"
        assert noted_too.read_text() == "!!"
        tap.frames()  # the collector came to its end by itself


@on_linux
def test_the_end_of_the_terminal_reaches_the_child_and_not_the_collector(tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    with on_a_terminal(tmp_path, [*program(tmp_path, COUNTING), str(noted)]) as (tap, side):
        child = int(_read_line(side))
        os.close(side)
        eventually(lambda: noted.exists() and "SIGHUP\n" in noted.read_text())
        tap.process.terminate()
        assert tap.leave() == 9
        assert is_gone(child)
        tap.frames()


def test_what_is_typed_on_a_terminal_arrives_and_ctrl_d_ends_it(tmp_path: Path) -> None:
    with on_a_terminal(tmp_path, ["cat"]) as (tap, side):
        _stop_echo(side)
        os.write(side, b"hello\n")
        assert _read_line(side) == b"hello\r\n"
        os.write(side, b"\x04")
        assert tap.leave() == 0


def test_a_terminal_nobody_types_on_does_not_hold_the_wrapper(tmp_path: Path) -> None:
    with on_a_terminal(tmp_path, ["true"]) as (tap, _):
        assert tap.leave() == 0


@on_linux
def test_ctrl_z_stops_the_child_too_and_fg_resumes_it(tmp_path: Path) -> None:
    code = "import os; os.write(1, b'%d\\n' % os.getpid()); os.write(1, os.read(0, 9))"
    with tapped(tmp_path, program(tmp_path, code)) as tap:
        child = int(tap.stdout.readline())
        tap.process.send_signal(signal.SIGTSTP)
        eventually(lambda: state(tap.process.pid) == "T" and state(child) == "T")
        tap.process.send_signal(signal.SIGCONT)
        assert tap.talk(b"back") == (0, b"back")


@on_linux
def test_where_no_shell_could_resume_us_ctrl_z_stops_nobody(tmp_path: Path) -> None:
    code = "import os; os.write(1, b'%d\\n' % os.getpid()); os.write(1, os.read(0, 9))"
    with tapped(tmp_path, program(tmp_path, code), start_new_session=True) as tap:
        tap.stdout.readline()
        tap.process.send_signal(signal.SIGTSTP)
        assert tap.talk(b"still here") == (0, b"still her")


@on_linux
@pytest.mark.parametrize(
    "prelude",
    [
        "pass",
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)",
        "signal.signal(signal.SIGINT, signal.SIG_IGN)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGCHLD])",
    ],
)
def test_the_child_ignores_and_blocks_what_it_would_without_us(
    tmp_path: Path, prelude: str
) -> None:
    restored = "for n in (signal.SIGPIPE, signal.SIGXFSZ): signal.signal(n, signal.SIG_DFL)"
    code = f"import os, signal, sys\n{restored}\n{prelude}\nos.execvp(sys.argv[1], sys.argv[1:])"
    through = program(tmp_path, code)
    command = ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]
    without = _masks(subprocess.check_output([*through, *command]))
    with tapped(tmp_path, command, through=through) as tap:
        assert _masks(tap.talk()[1]) == without


def _masks(status: bytes) -> list[int]:
    # The first 31: of those after, glibc keeps two for itself and its posix_spawn ignores them.
    return [int(line.split()[1], 16) & (2**31 - 1) for line in status.splitlines()]


@pytest.mark.parametrize("fate", ["signal.SIG_IGN", "signal.SIG_DFL"])
def test_an_ignored_or_blocked_sigchld_costs_no_exit_code(tmp_path: Path, fate: str) -> None:
    code = f"""
import os, signal, sys
signal.signal(signal.SIGCHLD, {fate})
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
os.execv(sys.argv[1], sys.argv[1:])
"""
    late = "exec >&-; read x; exit 5"  # the end of its output must not be what wakes us
    with tapped(tmp_path, ["/bin/sh", "-c", late], through=program(tmp_path, code)) as tap:
        assert tap.stdout.read() == b""
        assert tap.talk(b"x\n") == (5, b"")


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    with tapped(
        tmp_path, ["cat"], through=["/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh"]
    ) as tap:
        tap.stdin.write(b"up")
        assert tap.stdout.read(2) == b"up"
        tap.process.send_signal(signal.SIGHUP)
        assert tap.talk(b"still") == (0, b"still")


@on_linux
def test_a_signal_after_the_childs_end_still_reaches_what_it_left_behind(tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    native = " ".join([*program(tmp_path, COUNTING), f"'{noted}'"])
    speak = "while sleep 0.05; do echo .; done"  # never quiet, so the wrapper stays
    with tapped(tmp_path, ["/bin/sh", "-c", f"echo $$; {native} & ({speak}) & exit 3"]) as tap:
        child, _ = _read_number(tap), _read_number(tap)
        eventually(lambda: is_gone(child))
        tap.process.terminate()
        tap.stdout.read()
        assert tap.leave() == 3
        eventually(lambda: noted.exists() and noted.read_text() == "SIGTERM\n")


def _read_number(tap: Tap) -> int:
    while not (line := tap.stdout.readline().strip()).isdigit():
        pass
    return int(line)


def _read_line(fd: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(fd, 1)
    return line


def _stop_echo(fd: int) -> None:
    settings = termios.tcgetattr(fd)
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(fd, termios.TCSANOW, settings)
