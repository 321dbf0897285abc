"""Which release a codex program is: what it says itself."""

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

PATIENCE_S = 5.0
"""npm's shim starts node first, which takes half a second on a machine that is busy."""

MOST = 4096
"""Bytes that are looked at."""

_RELEASE = re.compile(r"\b\d{1,6}\.\d{1,6}\.\d{1,6}(?:-[0-9A-Za-z.]{1,20})?\b")


@contextlib.contextmanager
def asked(program: Path) -> Iterator[Callable[[float], str | None]]:
    """A program that starts now, so that one may do something else until it has answered: how long to
    wait for it from then on → the release, `0.169.0`; None where it can't be run, says none or takes
    too long. It is gone when the block ends."""
    try:
        child = subprocess.Popen(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        yield lambda _: None
        return
    try:
        yield lambda patience_s: _answer(child, patience_s)
    finally:
        # Behind npm's shim is the native program, which would outlive it and hold the pipe.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        with child:
            pass


def _answer(child: "subprocess.Popen[bytes]", patience_s: float) -> str | None:
    try:
        said, _ = child.communicate(timeout=patience_s)
    except subprocess.TimeoutExpired:
        return None
    found = _RELEASE.search(said[:MOST].decode("ascii", "replace"))
    return found[0] if found is not None and child.returncode == 0 else None
