"""The ways a client can reach Codex that are measured beside one another: with nothing in between,
with `cat` on either side, with our pump but no copies, and with `run`."""

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO

import codex_telemetry

SOURCES = str(Path(codex_telemetry.__file__).parent.parent)
STAND_IN = (sys.executable, "-IS", str(Path(__file__).with_name("stand_in.py")))

NO_COPIES = """
import os, sys
from codex_telemetry import pump
os._exit(pump.run(sys.argv[1:], [], collector=["/nowhere"]))
"""


class Way(StrEnum):
    DIRECT = "no wrapper"
    CAT = "cat"
    NO_COPIES = "the pump without copies"
    RUN = "run"


class Talk:
    """A client's end of one of them."""

    def __init__(self, way: Way, child: Sequence[str], home: Path) -> None:
        self.database = home / "telemetry.db"
        self.process = subprocess.Popen(
            command(way, child),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(home),
            bufsize=0,
        )
        self._to = _number(self.process.stdin)
        self._back = _number(self.process.stdout)

    def say(self, text: bytes) -> None:
        rest = memoryview(text)
        while rest:
            rest = rest[os.write(self._to, rest) :]

    def hear(self, size: int) -> None:
        """Wait for so many bytes."""
        while size and (heard := os.read(self._back, size)):
            size -= len(heard)

    def lines(self) -> Iterator[bytes]:
        """What is said, cut into lines as a client cuts it."""
        assert self.process.stdout is not None
        with open(self._back, "rb", buffering=1 << 16, closefd=False) as stream:
            yield from stream

    def end(self) -> None:
        """Hang up, and hear the rest."""
        for end in (self.process.stdin, self.process.stdout):
            assert end is not None
            if end.readable():
                while end.read(1 << 20):
                    pass
            end.close()
        if self.process.wait(60) != 0:
            sys.exit(f"{self.process.args!r}: exit code {self.process.returncode}")


def command(way: Way, child: Sequence[str]) -> list[str]:
    match way:
        case Way.DIRECT:
            return list(child)
        case Way.CAT:
            return ["sh", "-c", f"cat | {shlex.join(child)} | cat"]
        case Way.NO_COPIES:
            return [sys.executable, "-P", "-c", NO_COPIES, *child]
        case Way.RUN:
            return [sys.executable, "-P", "-m", "codex_telemetry", "run", "--", *child]


def environment(home: Path) -> dict[str, str]:
    """With a database, and a home of Codex's without a log, of its own."""
    home.mkdir(exist_ok=True)
    own = {"CODEX_TELEMETRY_HOME": str(home), "CODEX_HOME": str(home / "codex")}
    return {**os.environ, **own, "PYTHONPATH": SOURCES}


def _number(end: IO[bytes] | None) -> int:
    assert end is not None
    return end.fileno()


@contextlib.contextmanager
def on(processors: set[int]) -> Iterator[None]:
    """All that is started here runs on these processors alone, and so do we."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors & before or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_s(pid: int) -> float:
    """What a process has used of the processors so far, with its threads; 0 once it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def collector_of(pump: int) -> int | None:
    """The collector of a running `run`, once it is there."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent == pump and b"collect" in stat.with_name("cmdline").read_bytes().split(b"\0"):
                return int(stat.parent.name)
    return None
