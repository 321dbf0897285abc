"""Somebody at the terminal interface of a real Codex, whose model is the stub."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from codex_telemetry.demo.home import Home, temporary_home
from codex_telemetry.demo.model_stub import ModelStub
from on_screen import Terminal, terminal

READY_S = 2.5
"""New releases take what is typed before they have looked around for a draft."""


@dataclass(frozen=True)
class Sitting:
    terminal: Terminal
    stub: ModelStub
    home: Home

    def say(self, words: str, until: str | Callable[[str], object]) -> str:
        """Type it, and Enter until it is taken: the first may come too soon after what was typed."""
        self.terminal.type(words)
        self.terminal.shows(lambda screen: words[-20:] in screen)
        for _ in range(6):
            self.terminal.settle(0.7)
            self.terminal.type("\r")
            with contextlib.suppress(AssertionError):
                return self.terminal.shows(until, 5)
        return self.terminal.shows(until, 1)

    def prompt(self, n: int) -> str:
        """A whole turn."""
        screen = self.say(
            f"CANARY-PROMPT-{n} please [[script:plain]]", lambda text: f"CANARY-ANSWER-{n}" in text
        )
        self.terminal.settle(0.5)
        return screen

    def status(self) -> str:
        """Ask for the panel; the screen with it."""
        before = self.terminal.text.count("Session:")
        shown = self.say("/status", lambda text: text.count("Session:") > before or _only_one(text))
        self.terminal.settle(1.0)
        return shown

    def quit(self) -> None:
        since = len(self.terminal.raw)
        self.terminal.type("/quit")
        self.terminal.settle(1.0)
        self.terminal.type("\r")
        self.terminal.hears(b"Token usage", since)


def _only_one(text: str) -> bool:
    """On a small screen the one before is out of sight."""
    return text.count("Token usage:") == 1 and text.rstrip().count("/status") <= 1


@contextlib.contextmanager
def at_codex(
    codex: str,
    *,
    through: Sequence[str] = (),
    size: tuple[int, int] = (45, 110),
    env: dict[str, str] | None = None,
    as_job: bool = False,
) -> Iterator[Sitting]:
    """Sit down at it; it is ready for a prompt. `as_job`: of a shell, which has it as `sh ../job`."""
    with ModelStub(command_seconds=0.2) as stub, temporary_home(stub.origin) as home:
        environment = {
            **home.env,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            **(env or {}),
        }
        command = [*through, codex]
        if as_job:
            (home.root / "job").write_text("exec " + " ".join(f"'{word}'" for word in command))
            environment["PS1"] = "shell> "
            command = ["bash", "--norc", "--noprofile", "--noediting", "-i"]
        with terminal(command, size=size, env=environment, cwd=home.work) as at:
            if as_job:
                at.shows("shell>")
                at.type("sh ../job\r")
            at.shows(lambda text: "OpenAI Codex" in text or "new model" in text)
            if "new model" in at.text:  # an old release tells of a newer one
                at.settle(1.0)
                at.type("2\r")
                at.shows("OpenAI Codex")
            at.settle(READY_S)
            yield Sitting(at, stub, home)
