"""What Linux tells of other processes."""

import contextlib
import os
from pathlib import Path


def state(pid: int) -> str:
    """A process's state letter; "" when there is none. Where init doesn't reap, the dead stay "Z"."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_gone(pid: int) -> bool:
    return state(pid) in ("", "Z")


def child_of(parent: int, word: bytes) -> int:
    """The living child whose command line holds a word; 0 while there is none."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            told = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(told[1]) == parent and word in (folder / "cmdline").read_bytes().split(b"\0"):
                return int(folder.name)
    return 0


def running_with(word: bytes) -> list[int]:
    """The living processes, but for this one, that have this somewhere in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if word in (folder / "cmdline").read_bytes() and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return [pid for pid in found if not is_gone(pid)]
