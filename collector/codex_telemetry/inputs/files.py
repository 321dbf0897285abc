"""Rollout files: where they are in a home of Codex, and which of several copies counts."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDERS = (("sessions", False), ("archived_sessions", True))
"""Under a home of Codex; archiving moves a file flat into the second."""

_NAME = re.compile(r"(rollout-.+)\.jsonl(\.zst)?")


class RolloutFile(NamedTuple):
    """A file as it was found."""

    path: str
    home: Path
    stem: str
    """Its name without folder and endings: moving, archiving or compressing doesn't change it."""
    archived: bool
    compressed: bool
    size: int
    mtime_ns: int

    @property
    def relative(self) -> str:
        """Its path within its home, such that it can be stored whatever bytes its name has."""
        return text_of(self.path.removeprefix(str(self.home)).lstrip(os.sep))


class Found(NamedTuple):
    files: list[RolloutFile]
    """One a rollout, the oldest name first: plain wins over compressed, sessions over archived."""
    unreadable: int
    """Folders and files that couldn't be looked at, or aren't what their name says."""


def find(home: Path) -> Found:
    """Every rollout under a home. Raises `OSError` if the home itself can't be looked at."""
    os.scandir(home).close()
    best: dict[str, RolloutFile] = {}
    unreadable = 0
    for folder, archived in FOLDERS:
        for entry in _walk(home / folder):
            file = None if entry is None else _file(entry, home, archived=archived)
            if file is None:
                unreadable += 1
                continue
            other = best.get(file.stem)
            if other is None or _rank(file) < _rank(other):
                best[file.stem] = file
    return Found([best[stem] for stem in sorted(best)], unreadable)


def again(file: RolloutFile) -> RolloutFile | None:
    """A file that was found before, as it is now; None if it is gone."""
    try:
        now = os.stat(file.path)  # noqa: PTH116 - a path of ours is a plain string
    except OSError:
        return None
    return file._replace(size=now.st_size, mtime_ns=now.st_mtime_ns)


def real(home: Path) -> Path:
    """The one name of a home that has several; of a link that leads nowhere, its own."""
    return Path(os.path.realpath(home))  # pathlib's raises where links loop


def is_rollout(path: str) -> bool:
    """Whether a file of this name may be a rollout."""
    return _NAME.fullmatch(os.path.basename(path)) is not None  # noqa: PTH119 - a hot path


def text_of(path: Path | str) -> str:
    """A path as text that can be stored: a name needn't be UTF-8."""
    text = os.fspath(path)
    if text.isascii():
        return text  # most are, and there may be thousands
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def _rank(file: RolloutFile) -> tuple[bool, bool, str]:
    return file.archived, file.compressed, file.path


def _file(entry: "os.DirEntry[str]", home: Path, *, archived: bool) -> RolloutFile | None:
    """None for what is called like a rollout and can't be one: a link to nowhere, a pipe."""
    match = _NAME.fullmatch(entry.name)
    try:
        found = entry.stat()
    except OSError:
        return None
    if match is None or not stat.S_ISREG(found.st_mode):
        return None
    return RolloutFile(
        entry.path,
        home,
        text_of(match[1]),
        archived,
        match[2] is not None,
        found.st_size,
        found.st_mtime_ns,
    )


def _walk(folder: Path) -> Iterator["os.DirEntry[str] | None"]:
    """All below that are called like rollouts; None for what can't be looked into. A link to a
    folder is followed once, and none is followed out of the home's own folder."""
    seen: set[tuple[int, int]] = set()
    own = os.path.realpath(folder) + os.sep
    waiting = [str(folder)]
    while waiting:
        here = waiting.pop()
        try:
            found = os.stat(here)  # noqa: PTH116 - a hot path: thousands of files
            if (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.is_symlink() and _leads_out(entry, own):
                        yield None
                    elif _is_folder(entry):
                        waiting.append(entry.path)
                    elif _NAME.fullmatch(entry.name):
                        yield entry
        except FileNotFoundError:
            continue
        except OSError:
            yield None


def _leads_out(entry: "os.DirEntry[str]", own: str) -> bool:
    real = os.path.realpath(entry.path)
    return os.path.exists(real) and not (real + os.sep).startswith(own)  # noqa: PTH110 - as above


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, say
        return False
