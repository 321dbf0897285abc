"""What a shim is on disk: its text, who is one of ours, and which Codex one would start."""

import os
import re
import shlex
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from codex_telemetry import shimmed
from codex_telemetry.main import SHIM

LINES = 10
"""So many of a script are looked at, as the shim itself does."""

LARGEST = 16_384
"""Bytes; no shim is larger, and no first lines of a script are longer."""


class Shim(NamedTuple):
    """What one says of itself."""

    python: str
    start: str
    fixed: str
    """The Codex it was told to start, or ""."""
    known: str
    """Where a Codex was when it was written, or ""."""


def written(fixed: Path | None, known: Path | None, options: Sequence[str]) -> bytes:
    """The text of a shim that starts this very installation. `options` are those of `run`."""
    text = Path(__file__).with_name("shim.sh").read_text(encoding="utf-8")
    values = {
        "PYTHON": shlex.quote(sys.executable),
        "START": shlex.quote(str(Path(shimmed.__file__).absolute())),
        "FIXED": shlex.quote(str(fixed or "")),
        "KNOWN": shlex.quote(str(known or "")),
        "OPTIONS": "".join(f" {shlex.quote(option)}" for option in options),
    }
    return os.fsencode(re.sub("@([A-Z]+)@", lambda found: values[found[1]], text))


def read(path: Path) -> Shim | None:
    """What a shim of ours says; None for any other file, or none."""
    head = _head(path)
    if SHIM not in head[:256]:
        return None
    said = dict(re.findall(r"^ct_(\w+)=(.*)$", os.fsdecode(head), re.MULTILINE))
    try:
        values = {name: "".join(shlex.split(said[name])) for name in Shim._fields}
    except (KeyError, ValueError):  # damaged by hand
        return Shim("", "", "", "")
    return Shim(**values)


def leads_to_us(path: Path) -> bool:
    """Whether it is a shim of ours or a script around one: no Codex is found there."""
    head = _head(path)
    return head.startswith(b"#!") and any(
        b"codex-telemetry" in line for line in head.splitlines()[1 : LINES + 1]
    )


def is_codex(path: str | Path) -> bool:
    """Whether a shim would start it."""
    return os.path.isfile(path) and os.access(path, os.X_OK) and not leads_to_us(Path(path))  # noqa: PTH113


def on_the_path(search: str) -> Path | None:
    """The first Codex on that PATH that isn't us, as the shim itself finds it."""
    for folder in search.split(":"):
        if folder.startswith("/") and is_codex(found := Path(folder) / "codex"):
            return found
    return None


def would_start(shim: Shim, search: str) -> Path | None:
    """The Codex that it would start with that PATH; None if there is none, or it is damaged."""
    if not shim.python:
        return None
    found = on_the_path(search) if not shim.fixed else None
    if found is not None:
        return found
    named = shim.fixed or shim.known
    return Path(named) if named and is_codex(named) else None


def would_record(shim: Shim) -> bool:
    """Whether what it starts Codex under is there, by its files alone."""
    return os.access(shim.python, os.X_OK) and os.path.isfile(shim.start)  # noqa: PTH113


def _head(path: Path) -> bytes:
    """Never waits: a FIFO of that name isn't read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return b""
        with path.open("rb") as file:
            return file.read(LARGEST)
    except (OSError, ValueError):
        return b""
