"""The real Codex works behind `run`, and somebody watches."""

import sys

import pytest

from app_server import PLAIN_MODEL, prompt, talk
from canary import leaks_in
from commands import PROGRAM
from on_screen import terminal
from real_codex import RealCodex

SHOWN = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
RUN = (sys.executable, "-P", "-m", "codex_telemetry", "run", "--")


@pytest.mark.codex("0.169.0")
def test_a_turn_of_the_real_codex_grows_ends_and_is_opened(codex: RealCodex) -> None:
    with talk(codex, wrapper=RUN, command_seconds=4.0, model=PLAIN_MODEL) as it:
        env = {**it.home.env, **SHOWN}
        with terminal([*PROGRAM, "top"], size=(24, 80), env=env) as at:
            at.shows("codex-telemetry top")
            it.client.approve(after=0.4)
            it.client.start_turn(it.thread, prompt("demo"))
            screen = at.shows("1 in progress")
            screen = at.shows(lambda text: "$ sleep" in text and "█" in text)
            assert "in progress" in screen
            screen = at.shows("completed")
            assert "in progress  nothing" in screen
            at.type("\r")
            at.shows("▲ +")
            at.type("q")
            assert at.leave() == 0
            assert not leaks_in(bytes(at.raw))
