"""What a process took: time by the wall, time of the processors, and memory, with all that it started."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

LOOK_S = 0.02


class Took(NamedTuple):
    wall: float
    """Seconds."""
    cpu: float
    peak: float
    """Megabytes in memory at one moment (PSS: what processes share counts once); 0 where it wasn't
    looked at."""


def run(
    words: Sequence[str | Path], env: Mapping[str, str] | None = None, *, memory: bool = False
) -> Took:
    """Run it to its end, what it says thrown away. Ends this program if it fails."""
    begun = time.perf_counter()
    process = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL)
    looking = _Looking(process.pid) if memory else None
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = looking.end() if looking is not None else 0.0
    if process.returncode:
        sys.exit(f"{' '.join(map(str, words))}: exit code {process.returncode}")
    return Took(wall, usage.ru_utime + usage.ru_stime, peak)


def as_installed() -> dict[str, str]:
    """Where Python may keep what it compiled, as it does of an installed program."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


class _Looking(threading.Thread):
    """Looks at a process again and again."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._over = threading.Event()
        self._peak = 0.0
        self.start()

    def run(self) -> None:
        while not self._over.wait(LOOK_S):
            self._peak = max(self._peak, sum(map(_megabytes, _tree(self._process))))

    def end(self) -> float:
        self._over.set()
        self.join()
        return self._peak


def _tree(process: int) -> Iterable[int]:
    yield process
    try:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return
    for child in children:
        yield from _tree(int(child))


def _megabytes(process: int) -> float:
    try:
        told = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    found = re.search(r"^Pss:\s+(\d+) kB", told, re.MULTILINE)
    return int(found[1]) / 1024 if found is not None else 0.0
