"""Commands as people and scripts run them: in a pipe, or on a terminal of some width."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

PROGRAM = (sys.executable, "-P", "-m", "codex_telemetry")
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


Command = Callable[..., Answer]
"""`codex-telemetry` with these words, in the test's own process."""


def run(
    *words: str,
    env: Mapping[str, str] | None = None,
    python: tuple[str, ...] = (),
    now: int | None = None,
) -> Answer:
    """In a process of its own, with pipes."""
    done = subprocess.run(
        [*program(now), *words] if not python else [sys.executable, *python],
        env=_environment(env),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def program(now: int | None = None) -> tuple[str, ...]:
    """The program, as if it were that moment (ms UTC) all the while."""
    if now is None:
        return PROGRAM
    stopped = f"import time; time.time_ns = lambda: {now}_000_000"
    return (*PROGRAM[:2], "-c", f"{stopped}\nfrom codex_telemetry.main import main; main()")


def on_a_terminal(
    *words: str,
    columns: int = 80,
    env: Mapping[str, str] | None = None,
    now: int | None = None,
) -> Answer:
    """With stdout on a terminal, and stderr in a pipe so that the two can be told apart."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*program(now), *words],
        env=_environment({"COLUMNS": str(columns), "TERM": "xterm-256color", **(env or {})}),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(theirs)
        out = b"".join(_everything(ours)).decode().replace("\r\n", "\n")
        os.close(ours)
        _, err = process.communicate(timeout=PATIENCE_S)
    return Answer(process.returncode, out, err)


def _everything(fd: int) -> Iterator[bytes]:
    while True:
        try:
            read = os.read(fd, 65536)
        except OSError:  # EIO: the other end is closed
            return
        if not read:
            return
        yield read


def _environment(env: Mapping[str, str] | None) -> dict[str, str]:
    own = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return {**own, "PYTHONIOENCODING": "utf-8", **(env or {})}
