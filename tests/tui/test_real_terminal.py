"""The real program in real terminals: it starts, quits by every way there is, and leaves them as they were."""

import os
import re
import shutil
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import at_work
import scenes
from commands import PROGRAM, run
from on_screen import PATIENCE, Terminal, terminal
from processes import is_gone
from real_codex import do_without
from store_of import until

TOP = [*PROGRAM, "top"]
FOOTER = "↑↓ choose  Enter open  / filter  ? help  q quit"
RESTORED = (b"\x1b[?1049l", b"\x1b[?25h")
"""The alternate screen is left, the cursor is shown."""


@pytest.fixture
def going(database: Path) -> Path:
    """It is now, and a turn runs."""
    return scenes.write(database, *at_work.running(time.time_ns() // 1_000_000))


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **more}


def modes(at: Terminal) -> list[object]:
    return list(termios.tcgetattr(at.side))


@pytest.mark.parametrize(
    ("how", "code"),
    [("q", 0), ("\x03", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
    ids=["q", "ctrl-c", "sigterm", "sighup", "sigint"],
)
def test_it_quits_and_leaves_the_terminal_as_it_was(
    going: Path, how: str | signal.Signals, code: int
) -> None:
    with terminal(TOP, size=(24, 80), env=environment()) as at:
        before = modes(at)
        at.shows("2 in progress")
        if isinstance(how, str):
            at.type(how)
        else:
            os.kill(at.pid, how)
        assert at.leave() == code
        assert modes(at) == before
        assert all(said in at.raw for said in RESTORED)
        assert b"Traceback" not in at.raw


def test_it_ends_with_its_terminal(going: Path) -> None:
    with terminal(TOP, size=(24, 80), env=environment()) as at:
        at.shows("2 in progress")
        os.close(at.side)
        until(lambda: is_gone(at.pid))
        at.side = os.open(os.devnull, os.O_RDONLY)


@pytest.mark.parametrize("term", ["vt100", "linux", "screen", "xterm-256color"])
def test_it_works_on_any_terminal_that_can_move_its_cursor(going: Path, term: str) -> None:
    stale = {"LINES": "24", "COLUMNS": "80"}  # as a shell may export them
    with terminal(TOP, size=(24, 80), env=environment(TERM=term, NO_COLOR="1", **stale)) as at:
        at.shows("2 in progress")
        at.resize(40, 130)
        at.shows(lambda text: "tokens/min" in text.splitlines()[2])
        at.shows(lambda text: text.splitlines()[39:] == [FOOTER])
        at.type("\r")
        at.shows("so far")
        at.type("q")
        assert at.leave() == 0
        assert not re.search(rb"\x1b\[(?:[\d;]*;)?(?:3[0-7]|9[0-7]|38;)[\d;]*m", bytes(at.raw))


def test_it_says_ascii_where_the_locale_has_no_more(going: Path) -> None:
    with terminal(TOP, size=(24, 80), env=environment(PYTHONIOENCODING="ascii")) as at:
        at.shows("2 in progress")
        at.type("q")
        assert at.leave() == 0
        assert bytes(at.raw).isascii()


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_only_prints_is_refused_in_one_line(going: Path, term: str) -> None:
    with terminal(TOP, env=environment(TERM=term)) as at:
        assert at.leave() == 2
        assert bytes(at.raw).count(b"\n") == 1
        assert b"this terminal can only print" in at.raw


def test_what_is_no_terminal_is_refused_in_one_line(going: Path) -> None:
    answer = run("top", env={"TERM": "xterm"})
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert "this is no terminal" in answer.err


@pytest.mark.parametrize(
    "words", [["--status", "odd"], ["--since", "soon"], ["--tz", "Nowhere"], ["--last", "0"]]
)
def test_wrong_options_are_refused_before_anything_is_drawn(going: Path, words: list[str]) -> None:
    with terminal([*TOP, *words], env=environment()) as at:
        assert at.leave() == 2
        assert b"\x1b" not in at.raw


def test_without_textual_one_line_names_the_extra(going: Path, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "textual.py").write_text("raise ModuleNotFoundError(name='textual')")
    with terminal(TOP, size=(24, 200), env=environment(PYTHONPATH=str(hidden))) as at:
        assert at.leave() == 1
        assert bytes(at.raw).count(b"\n") == 1
        assert b"codex-telemetry[tui]" in at.raw


def test_a_mistake_of_ours_is_one_line_without_what_variables_hold(
    going: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text(
        "from codex_telemetry.tui import screens\n"
        "def page(self, width, height):\n"
        "    canary = 'CANARY-VALUE'\n"
        "    raise RuntimeError(canary)\n"
        "screens.BoardPage.page = page\n"
        "import sys\n"
        "from codex_telemetry.cli import app\n"
        "sys.exit(app.run(['top']))\n"
    )
    with terminal([*PROGRAM[:2], str(broken)], size=(24, 200), env=environment()) as at:
        before = modes(at)
        assert at.leave() == 1
        assert modes(at) == before
        assert b"CANARY" not in at.raw
        assert b"a mistake of the program: RuntimeError at" in at.raw


class Tmux:
    """A server of its own, with one window."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, "-f", os.devnull, *words],
            env=environment(PS1="shell> "), capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def shows(self, what: str | Callable[[str], bool]) -> str:
        deadline = time.monotonic() + PATIENCE
        seen = (lambda screen: what in screen) if isinstance(what, str) else what
        while not seen(screen := self("capture-pane", "-p")):
            assert time.monotonic() < deadline, f"not shown: {what}; the screen:\n{screen}"
            time.sleep(0.05)
        return screen


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        do_without("tmux", "Debian's package tmux has it")
    made = Tmux(tmp_path)
    made("new-session", "-d", "-x", "80", "-y", "24", "env PS1='shell> ' sh")
    yield made
    made("kill-server")


def test_it_is_used_under_tmux(going: Path, tmux: Tmux, tmp_path: Path) -> None:
    tmux.shows("shell>")
    tmux("send-keys", f"stty -a >{tmp_path}/before; clear", "Enter")
    tmux("send-keys", f"'{TOP[0]}' -P -m codex_telemetry top", "Enter")
    screen = tmux.shows("2 in progress")
    assert "$ make" in screen
    assert screen.splitlines()[23].startswith("↑↓ choose")
    tmux("send-keys", "Down", "Enter")
    tmux.shows("in progress  ")
    tmux.shows("$ cargo")
    tmux("send-keys", "?")
    tmux.shows("Filters are those")
    tmux("send-keys", "Escape")
    tmux.shows("Esc back")
    tmux("send-keys", "Escape")
    tmux.shows("/ filter")
    tmux("send-keys", "/", "model:none", "Enter")
    tmux.shows("in progress  nothing")
    tmux("resize-window", "-x", "120", "-y", "40")
    tmux.shows(40 * " " + "tokens/min")
    # It may be caught between two of its writes.
    tmux.shows(lambda screen: screen.splitlines()[39:] == [FOOTER])
    tmux("send-keys", "q")
    tmux.shows("shell>")
    # Not by what is on it: tmux 3.3 may keep rows of a screen that was resized before it was left.
    assert tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}") == "0 1\n"
    tmux("send-keys", f"clear; echo code $?; stty -a >{tmp_path}/after; echo so", "Enter")
    tmux.shows("\nso")
    before, after = ((tmp_path / name).read_text() for name in ("before", "after"))
    assert _modes(before) == _modes(after)


def _modes(stty: str) -> str:
    """Without the size, which was changed."""
    return stty.partition(";")[2].partition("columns")[2].partition(";")[2]
