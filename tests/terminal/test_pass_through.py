"""In a terminal nobody can tell that we are there: each story is told twice, without us and through us."""

import contextlib
import os
import signal
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from on_screen import RUN, Terminal, eventually, program, terminal

SAYS_WHAT_IT_HEARS = """
import os, sys, termios, tty
saved = termios.tcgetattr(0)
tty.setraw(0)
os.write(1, b"ready")
got = b""
while not got.endswith(b"!"):
    got += os.read(0, 1000)
termios.tcsetattr(0, termios.TCSANOW, saved)
print(got)
"""


@pytest.fixture(params=["bare", "through us"])
def through(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """What is put before a command."""
    return [] if request.param == "bare" else [*RUN, f"--db={tmp_path / 't.db'}", "--"]


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CODEX_TELEMETRY_HOME", str(tmp_path))
    monkeypatch.setenv("PS1", "shell> ")


def modes(at: Terminal) -> list[object]:
    return list(termios.tcgetattr(at.side))


@contextlib.contextmanager
def shell(folder: Path, through: Sequence[str], command: Sequence[str]) -> Iterator[Terminal]:
    """A shell that has job control; `sh job` is the command."""
    words = " ".join(f"'{word}'" for word in [*through, *command])
    (folder / "job").write_text(f"exec {words}\n")
    with terminal(["bash", "--norc", "--noprofile", "--noediting", "-i"], cwd=folder) as at:
        at.shows("shell>")
        yield at


def jobs(at: Terminal, state: str) -> None:
    """What the shell says of its jobs."""
    since = len(at.raw)
    at.type("clear; jobs; echo asked-$((6 * 7))\r")
    at.hears(b"asked-42", since)
    assert state in at.text


@pytest.mark.parametrize(("script", "code"), [
    ("exit 7", 7),
    ("kill -TERM $$", 128 + signal.SIGTERM),
    ("kill -KILL $$", 128 + signal.SIGKILL),
])  # fmt: skip
def test_the_exit_code_is_the_childs(tmp_path: Path, script: str, code: int) -> None:
    with terminal([*RUN, f"--db={tmp_path / 't.db'}", "--", "sh", "-c", script]) as at:
        before = modes(at)
        assert at.leave() == code
        assert modes(at) == before


def test_a_program_that_is_not_there_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with terminal([*RUN, f"--db={tmp_path / 't.db'}", "--", "no such program"]) as at:
        before = modes(at)
        assert at.leave() == 127
        assert modes(at) == before
    assert at.raw == b"codex-telemetry: no such program: No such file or directory\r\n"


def test_size_modes_and_environment_are_those_of_the_terminal(through: list[str]) -> None:
    script = 'stty size; stty -a; test -t 0 && test -t 1 && test -t 2 && echo "all $(tty | wc -l)"'
    with terminal([*through, "sh", "-c", script], size=(31, 97)) as at:
        assert at.leave() == 0
    with terminal(["sh", "-c", script], size=(31, 97)) as bare:
        assert bare.leave() == 0
    assert at.raw == bare.raw
    assert at.raw.startswith(b"31 97\r\n")


def test_the_environment_is_untouched(through: list[str]) -> None:
    with terminal([*through, "env"]) as at:
        at.leave()
    with terminal(["env"]) as bare:
        bare.leave()
    assert sorted(at.raw.splitlines()) == sorted(bare.raw.splitlines())


def test_the_child_has_a_terminal_of_its_own_and_is_in_its_foreground(through: list[str]) -> None:
    code = "import os; print(os.tcgetpgrp(os.open('/dev/tty', os.O_RDWR)) == os.getpgrp())"
    with terminal([*through, sys.executable, "-c", code]) as at:
        assert at.leave() == 0
    assert at.raw == b"True\r\n"


def test_a_new_size_reaches_the_child(through: list[str], tmp_path: Path) -> None:
    code = """
import os, signal, time
def tell(*_): os.write(1, b"%d %d\\n" % os.get_terminal_size())
signal.signal(signal.SIGWINCH, tell)
os.write(1, b"ready\\n")
while True: time.sleep(0.05)  # a pause may begin just after the signal
"""
    with terminal([*through, *program(tmp_path, code)]) as at:
        at.hears(b"ready\r\n")
        at.resize(33, 77)
        at.hears(b"77 33\r\n")
        at.resize(20, 60)
        at.hears(b"60 20\r\n")


def test_every_byte_that_is_typed_arrives_and_none_is_shown_by_us(
    through: list[str], tmp_path: Path
) -> None:
    """Mouse, bracketed paste, answers of the terminal, keys of kitty's protocol, every control key."""
    typed = b"\x1b[<0;10;20M\x1b[200~paste\r\n\x1b[201~\x1b[?1;2c\x1b[97;5u\x1b[12;40R"
    typed += bytes(range(0x20)) + b"\x7f" + bytes(range(0x80, 0x100)) + b"!"
    with terminal([*through, *program(tmp_path, SAYS_WHAT_IT_HEARS)], size=(40, 200)) as at:
        at.hears(b"ready")
        at.type(typed)
        assert at.leave() == 0
    assert bytes(at.raw) == b"ready" + repr(typed).encode() + b"\r\n"


def test_a_megabyte_comes_as_it_would_without_us(through: list[str], tmp_path: Path) -> None:
    file = tmp_path / "large"
    escapes = b"\x1b[1;31mred\x1b[0m\x1b]0;title\x07\x1b[?2026h\ttab\xff\xfe\x00\n"
    file.write_bytes(escapes * (1_000_000 // len(escapes)))
    with terminal([*through, "cat", str(file)]) as at:
        assert at.leave() == 0
    assert bytes(at.raw) == file.read_bytes().replace(b"\n", b"\r\n")


def test_what_is_typed_ahead_is_for_the_child(through: list[str]) -> None:
    with terminal([*through, "sh", "-c", "sleep 0.3; read x; echo got $x"]) as at:
        at.type("early\r")
        assert at.leave() == 0
    assert b"got early\r\n" in at.raw


def test_ctrl_d_ends_what_reads_and_ctrl_c_what_runs(through: list[str]) -> None:
    with terminal([*through, "cat"]) as at:
        at.type("hello\r")
        at.hears(b"hello\r\nhello\r\n")
        at.type("\x04")
        assert at.leave() == 0
    with terminal([*through, "sh", "-c", "echo up; exec sleep 60"]) as at:
        at.hears(b"up")
        at.type("\x03")
        assert at.leave() in (-signal.SIGINT, 128 + signal.SIGINT)
    assert at.raw.endswith(b"^C")


def test_ctrl_z_stops_the_job_and_fg_goes_on_with_it(through: list[str], tmp_path: Path) -> None:
    with shell(tmp_path, through, ["cat"]) as at:
        at.type("sh job\r")
        at.type("one\r")
        at.hears(b"one\r\none\r\n")
        at.type("\x1a")
        at.shows("Stopped")
        jobs(at, "Stopped")
        at.type("fg\r")
        at.shows("fg")
        at.type("two\r")
        at.hears(b"two\r\ntwo\r\n")
        since = len(at.raw)
        at.type("\x04")
        at.hears(b"shell> ", since)
        at.type("echo code $?\r")
        at.shows("code 0")


def test_a_full_screen_program_stops_itself_and_comes_back(
    through: list[str], tmp_path: Path
) -> None:
    """As Codex does at Ctrl-Z: it leaves raw mode, says so, stops its group, and draws anew."""
    code = """
import os, signal, termios, tty
saved = termios.tcgetattr(0)
def draw(what):
    tty.setraw(0)
    os.write(1, b"\\x1b[?1049h\\x1b[2J\\x1b[H" + what)
draw(b"first")
while (key := os.read(0, 1)) != b"q":
    if key == b"\\x1a":
        os.write(1, b"\\x1b[?1049l")
        termios.tcsetattr(0, termios.TCSADRAIN, saved)
        os.kill(0, signal.SIGTSTP)
        draw(b"again %d %d" % os.get_terminal_size())
termios.tcsetattr(0, termios.TCSADRAIN, saved)
"""
    with shell(tmp_path, through, program(tmp_path, code)) as at:
        at.type("sh job\r")
        at.shows("first")
        before = at.hears(b"first")
        at.type("\x1a")
        at.shows("Stopped")
        # What it said last was shown before the shell spoke.
        assert at.raw.index(b"\x1b[?1049l", before) < at.raw.index(b"Stopped", before)
        at.resize(30, 90)
        at.type("stty -a\r")  # a shell's terminal, not a raw one
        at.shows("opost")
        assert "-opost" not in at.text
        assert "-echo " not in at.text
        at.type("fg\r")
        at.shows("again 90 30")
        since = len(at.raw)
        at.type("q")
        at.hears(b"shell> ", since)
        at.type("echo code $?\r")
        at.shows("code 0")


def test_a_job_goes_on_in_the_background_until_it_wants_the_terminal(
    through: list[str], tmp_path: Path
) -> None:
    go, gone = tmp_path / "go", tmp_path / "gone"
    script = f"while ! test -e {go}; do sleep 0.05; done; touch {gone}; read x; echo got $x"
    with shell(tmp_path, through, ["sh", "-c", script]) as at:
        at.type("sh job\r")
        time.sleep(0.5)
        at.type("\x1a")
        at.shows("Stopped")
        at.type("bg\r")
        jobs(at, "Running")
        go.touch()
        eventually(at, gone.exists)
        at.settle(0.5)
        jobs(at, "Stopped")
        at.type("fg\r")
        at.settle(0.3)
        at.type("word\r")
        at.shows("got word")


def test_a_job_that_is_started_in_the_background_leaves_the_terminal_alone(
    through: list[str], tmp_path: Path
) -> None:
    with shell(tmp_path, through, ["sh", "-c", "sleep 0.3; echo said in the background"]) as at:
        at.type("sh job & clear\r")
        at.shows("said in the background")
        at.type("echo still a shell\r")
        at.hears(b"\nstill a shell\r\n")


def test_where_no_shell_could_resume_us_ctrl_z_stops_nobody(through: list[str]) -> None:
    with terminal([*through, "cat"]) as at:
        at.type("one\r")
        at.hears(b"one\r\none\r\n")
        at.type("\x1a")
        at.type("two\r")
        at.hears(b"two\r\ntwo\r\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_is_the_childs_and_the_terminal_is_as_it_was(
    tmp_path: Path, number: signal.Signals
) -> None:
    command = program(tmp_path, SAYS_WHAT_IT_HEARS)
    with terminal([*RUN, f"--db={tmp_path / 't.db'}", "--", *command]) as at:
        before = modes(at)
        at.hears(b"ready")
        assert modes(at) != before
        os.kill(at.pid, number)
        assert at.leave() == 128 + number
        assert modes(at) == before


def test_even_killed_we_leave_the_terminal_as_it_was_and_the_child_hangs_up(
    tmp_path: Path,
) -> None:
    hung_up = tmp_path / "hung up"
    code = f"""
import os, signal, sys, time
def note(*_):
    open({str(hung_up)!r}, "w")
    os._exit(0)
signal.signal(signal.SIGHUP, note)
os.write(1, b"ready")
time.sleep(60)
"""
    with terminal([*RUN, f"--db={tmp_path / 't.db'}", "--", *program(tmp_path, code)]) as at:
        before = modes(at)
        at.hears(b"ready")
        os.kill(at.pid, signal.SIGKILL)
        eventually(at, hung_up.exists)
        eventually(at, lambda: modes(at) == before)


def test_the_terminals_end_hangs_up_the_child(through: list[str], tmp_path: Path) -> None:
    hung_up = tmp_path / "hung up"
    script = f"trap 'touch \"{hung_up}\"; exit' HUP; echo ready; while :; do sleep 0.05; done"
    with terminal([*through, "sh", "-c", script]) as at:
        at.hears(b"ready")
        os.close(os.dup(at.side))
        os.close(at.side)
        eventually(None, hung_up.exists)


def test_without_a_terminal_there_is_none_for_the_child(tmp_path: Path) -> None:
    """Only standard output is a pipe: the child gets pipes, and its stderr is the terminal."""
    reading, writing = os.pipe()
    script = "test -t 0 && echo in; test -t 1 && echo out; test -t 2 && echo err; cat"
    command = [*RUN, f"--db={tmp_path / 't.db'}", "--", "sh", "-c", script]
    with terminal(command, stdout=writing) as at:
        os.close(writing)
        assert os.read(reading, 100) == b"err\n"
        at.type("hello\r\x04")
        assert os.read(reading, 100) == b"hello\n"
        assert at.leave() == 0
    os.close(reading)


def test_a_redirected_stderr_stays_redirected(through: list[str], tmp_path: Path) -> None:
    with (tmp_path / "errors").open("wb") as errors:
        command = [*through, "sh", "-c", "test -t 2 || echo to the file >&2; echo shown"]
        with terminal(command, stderr=errors.fileno()) as at:
            assert at.leave() == 0
    assert at.raw == b"shown\r\n"
    assert (tmp_path / "errors").read_bytes() == b"to the file\n"
