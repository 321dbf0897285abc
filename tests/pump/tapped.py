"""Run a program behind the pump, with a collector that only keeps the frames it was sent."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import pytest

import codex_telemetry
from codex_telemetry.frames import COUNT, GAP_CLIENT, GAP_SCREEN, GAP_SERVER, HEADER

PATIENCE = 30.0
"""Seconds after which something that should have happened is taken for hanging."""

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

WRAPPER = """
import os, sys
from codex_telemetry import pump
{prelude}
at = sys.argv.index("--")
os._exit(pump.run(sys.argv[at + 1:], [], collector=sys.argv[1:at]))
"""

KEEP = """
echo $$ >"$0/collector.new" && mv "$0/collector.new" "$0/collector"
cat >"$0/frames.part" && mv "$0/frames.part" "$0/frames"
"""


class Frame(NamedTuple):
    kind: int
    wall_ns: int
    mono_ns: int
    payload: bytes


class Tap(NamedTuple):
    """A running wrapper and the folder its collector writes to."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def stdin(self) -> IO[bytes]:
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        assert self.process.stdout is not None
        return self.process.stdout

    def talk(self, said: bytes = b"") -> tuple[int, bytes]:
        """Say all that and hang up; the exit code and the answer."""
        answer, _ = self.process.communicate(said, timeout=PATIENCE)
        return self.process.returncode, answer

    def leave(self) -> int:
        return self.process.wait(PATIENCE)

    def collector(self) -> int:
        eventually((self.folder / "collector").exists)
        return int((self.folder / "collector").read_text())

    def frames(self) -> list[Frame]:
        """All it was sent, once the collector has come to its end."""
        eventually((self.folder / "frames").exists)
        return parse((self.folder / "frames").read_bytes())

    def frames_so_far(self) -> list[Frame]:
        try:
            data = (self.folder / "frames.part").read_bytes()
        except FileNotFoundError:
            return []
        return _parse(data)[0]


def parse(data: bytes) -> list[Frame]:
    frames, torn = _parse(data)
    assert not torn, "the last frame is torn"
    return frames


def _parse(data: bytes) -> tuple[list[Frame], bytes]:
    frames = []
    at = 0
    while len(data) - at >= HEADER.size:
        kind, length, wall_ns, mono_ns = HEADER.unpack_from(data, at)
        assert 1 <= kind <= GAP_SCREEN, "a frame is torn"
        end = at + HEADER.size + length
        if end > len(data):
            break
        frames.append(Frame(kind, wall_ns, mono_ns, data[at + HEADER.size : end]))
        at = end
    return frames, data[at:]


def copied(frames: Sequence[Frame], kind: int) -> bytes:
    """What was copied of one direction, which must be all there was."""
    assert not [frame for frame in frames if frame.kind in (GAP_CLIENT, GAP_SERVER)]
    return b"".join(frame.payload for frame in frames if frame.kind == kind)


def dropped(frame: Frame) -> int:
    (count,) = COUNT.unpack(frame.payload)
    assert isinstance(count, int)
    return count


@contextlib.contextmanager
def tapped(
    folder: Path,
    command: Sequence[str | bytes],
    *,
    collector: Sequence[str] | None = None,
    through: Sequence[str] = (),
    prelude: str = "",
    stdin: int | IO[bytes] = subprocess.PIPE,
    stdout: int | IO[bytes] = subprocess.PIPE,
    stderr: int | IO[bytes] | None = None,
    env: dict[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    start_new_session: bool = False,
) -> Iterator[Tap]:
    """The command behind the pump.

    `through` is put before the wrapper's own command line; `prelude` is run in the wrapper first.
    """
    keep = ["/bin/sh", "-c", KEEP, str(folder)]
    wrapper = WRAPPER.format(prelude=prelude)
    process = subprocess.Popen(
        [*through, sys.executable, "-P", "-c", wrapper, *(collector or keep), "--", *command],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=(dict(os.environ) if env is None else env) | {"PYTHONPATH": source_root()},
        pass_fds=pass_fds,
        start_new_session=start_new_session,
        bufsize=0,
    )
    tap = Tap(process, folder)
    # A test that waits for bytes that never come ends with the wrapper.
    watch = threading.Timer(2 * PATIENCE, process.kill)
    watch.daemon = True
    watch.start()
    try:
        yield tap
    finally:
        watch.cancel()
        for group in _started(tap):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        process.kill()
        process.wait(PATIENCE)
        for end in (process.stdin, process.stdout, process.stderr):
            if end is not None:
                with contextlib.suppress(BrokenPipeError):
                    end.close()


def _started(tap: Tap) -> Iterator[int]:
    """The process groups of the collector and of the child, as far as they were told."""
    with contextlib.suppress(FileNotFoundError):
        yield int((tap.folder / "collector").read_text())
    for name in ("frames.part", "frames"):
        with contextlib.suppress(FileNotFoundError):
            _, found, rest = (tap.folder / name).read_bytes()[:1000].partition(b'"child_pid":')
            if found:
                yield int(rest.partition(b"}")[0].partition(b",")[0])


def source_root() -> str:
    return str(Path(codex_telemetry.__file__).parent.parent)


def program(folder: Path, code: str) -> list[str]:
    """A small program as a command."""
    file = folder / f"program{len(list(folder.iterdir()))}.py"
    file.write_text(code)
    return [sys.executable, "-IS", str(file)]


def eventually(happened: Callable[[], object]) -> None:
    """Wait for what no descriptor tells of."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
