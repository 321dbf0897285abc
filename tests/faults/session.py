"""A recorded conversation held through `run`, line by line, by a client to whom something may happen
anywhere; every line must come as it was recorded, and the child's exit code at the end."""

import array
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from collecting import Place
from conversing import Conversation
from played import RUN
from processes import running_with
from recordings import Frame, Recordings
from store_of import until

EXIT_CODE = 7

PUMP = """
import os, sys
from codex_telemetry import pump, tee
tee.AGAIN_S = 0.05
at = sys.argv.index("--")
os._exit(pump.run(sys.argv[at + 1:], [sys.argv[1]], collector=sys.argv[2:at] or None))
"""

PATIENCE_S = 60.0
"""Against hanging."""


def stream(recordings: Recordings, *patterns: str) -> list[Frame]:
    """What those recordings' first processes said and heard, one after another."""
    return [
        frame
        for recording in recordings.like(*patterns)
        for frame in recording.frames()
        if frame.proc == 0 and frame.direction in ("c2s", "s2c")
    ]


@dataclass
class Session:
    """One run of the wrapper."""

    frames: Sequence[Frame]
    process: "subprocess.Popen[bytes]"
    errors: Path
    database: bytes
    """Its path: in the command line of each process that records."""
    at: int = 0
    """How many lines have passed."""

    def go_on(self, upto: int | None = None) -> None:
        """Say and hear what comes next, up to that line."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        for frame in self.frames[self.at : upto]:
            if frame.direction == "c2s":
                self.process.stdin.write(frame.line + b"\n")
                self.process.stdin.flush()
            else:
                assert self.process.stdout.readline() == frame.line + b"\n"
            self.at += 1

    def finish(self) -> None:
        """To the end; nothing but the child's own reaches the client, and the child's code."""
        self.go_on()
        out, _ = self.process.communicate(timeout=PATIENCE_S)
        assert (self.process.returncode, out) == (EXIT_CODE, b"")
        assert self.errors.read_bytes() == b""

    def kill(self) -> None:
        """The wrapper, as an editor does it. The child and the collector see the end."""
        self.process.kill()
        for end in (self.process.stdin, self.process.stdout):
            if end is not None:
                with suppress(BrokenPipeError):
                    end.close()
        self.process.wait(PATIENCE_S)

    def collectors(self) -> list[int]:
        """The processes that record."""
        return [pid for pid in running_with(self.database) if pid != self.process.pid]

    def collector(self) -> int:
        """The one; waited for."""
        return until(lambda: next(iter(self.collectors()), 0))

    def is_heard(self) -> bool:
        """Whether all that passed is in the collector's hands: its pipe is empty, and stays so."""
        unread = array.array("i", [0])
        for _ in range(5):
            pipe = os.open(f"/proc/{self.collector()}/fd/0", os.O_RDONLY | os.O_NONBLOCK)
            fcntl.ioctl(pipe, termios.FIONREAD, unread)
            os.close(pipe)
            if unread[0]:
                return False
            time.sleep(0.01)
        return True

    def settle(self) -> None:
        """Wait for its collectors to come to their end."""
        until(lambda: not self.collectors(), PATIENCE_S)
        # One that was just started has no command line for a moment.
        time.sleep(0.05)
        until(lambda: not self.collectors(), PATIENCE_S)


@contextmanager
def held(
    place: Place,
    frames: Sequence[Frame],
    *,
    impatient: bool = False,
    patience_s: float | None = None,
    busy_ms: int = 100,
    through: Sequence[str] = (),
) -> Iterator[Session]:
    """Start it: `run` as people do; `impatient`: one that waits less before it starts another collector
    for one that died. Or, where patience is said, with collectors that have less, too."""
    place.folder.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="session", dir=place.folder))
    server = Conversation(frames).server(folder / "script.jsonl")
    child = ["/bin/sh", "-c", f'"$@"; exit {EXIT_CODE}', "sh", *server]
    option = f"--db={place.database}"
    command = [*RUN[:-1], option, "--", *child]
    if impatient or patience_s is not None:
        collector = list[str]()
        if patience_s is not None:
            collector = place.impatient(patience_s=patience_s, busy_ms=busy_ms)
        command = [sys.executable, "-P", "-c", PUMP, option, *collector, "--", *child]
    errors = folder / "errors"
    with errors.open("wb") as file:
        process = subprocess.Popen(
            [*through, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            env=place.env,
        )
    session = Session(frames, process, errors, os.fsencode(place.database))
    try:
        yield session
    except BaseException:
        for pid in session.collectors():
            os.kill(pid, signal.SIGKILL)
        raise
    finally:
        session.kill()
