"""What the user has granted, asked for one turn's folder at a time: the only maker of grants.

A grant covers a folder and what is under it, by the real path of both. The deepest folder that the
user ever spoke of decides, so that to take a grant back never lets a wider one in its place. A file
in a repository can forbid, and never allow.
"""

import contextlib
import os
import sqlite3
import stat
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from codex_telemetry.core.gate import Grant, Heard, Kind
from codex_telemetry.core.grant import KINDS, Terms, issue
from codex_telemetry.errors import UserError
from codex_telemetry.keys import sealer
from codex_telemetry.store import db as database

FORBIDS = ".codex-telemetry.toml"
"""A file with `capture = "never"`, in a folder or any above it."""

LARGEST = 64 << 10
"""Bytes of such a file that is read; a larger one, or one that can't be read, forbids."""

LOOK_AGAIN_S = 2.0
"""How long what was found of a folder holds: a file that forbids may come while we run."""

MOST_FOLDERS = 1_000

_GRANTS = """
    SELECT grant_id, key_id, grants.project, kinds, grants.created_at, expires_at, ended_at, public
    FROM grants JOIN keys USING (key_id) ORDER BY grant_id
"""


class Row(NamedTuple):
    grant_id: int
    key_id: int
    project: str
    kinds: str
    created_at: int
    expires_at: int | None
    ended_at: int | None
    public: bytes


class Grants:
    """All that is granted at the moment it was read. False where nothing is: then nobody needs to
    look at content at all."""

    def __init__(self, rows: list[Row], *, reach_back: bool = False) -> None:
        """`reach_back`: what was written before a grant is meant too."""
        self._rows = {row.project: row for row in rows}  # of a folder the latest
        self._reach_back = reach_back
        self._found: dict[str, tuple[float, Grant | None]] = {}

    def __bool__(self) -> bool:
        return any(row.ended_at is None for row in self._rows.values())

    def covering(self, heard: Heard) -> Grant | None:
        """The grant for the folder of its turn, if there is one. Unknown is no."""
        cwd = heard.cwd
        if cwd is None or not self:
            return None
        now = time.monotonic()
        known = self._found.get(cwd)
        if known is None or now - known[0] > LOOK_AGAIN_S:
            if len(self._found) >= MOST_FOLDERS:
                self._found.clear()
            known = self._found[cwd] = (now, self._issued(cwd))
        return known[1]

    def _issued(self, cwd: str) -> Grant | None:
        if not cwd.startswith("/") or "\0" in cwd:
            return None  # where it is from isn't known
        try:
            real = os.path.realpath(cwd)
            row = self._deepest(real)
            if row is None or row.ended_at is not None or is_forbidden(cwd, real):
                return None
            kinds = frozenset(kinds_of(row.kinds))
            since = None if self._reach_back else row.created_at
            terms = Terms(row.grant_id, row.key_id, cwd, kinds, since, row.expires_at)
            return issue(terms, sealer(row.public))
        except (OSError, ValueError, msgspec.MsgspecError):
            return None

    def _deepest(self, real: str) -> Row | None:
        found = [row for row in self._rows.values() if is_under(real, row.project)]
        return max(found, key=lambda row: len(row.project), default=None)


NOTHING = Grants([])


class Standing:
    """What is granted at the moment, for those who read on for long."""

    def __init__(self, path: Path | None = None, *, reach_back: bool = False) -> None:
        """Without a database nothing is."""
        self._path = path
        self._reach_back = reach_back
        self._loaded: tuple[float, Grants] | None = None

    def now(self) -> Grants:
        if self._path is None:
            return NOTHING
        now = time.monotonic()
        if self._loaded is None or now - self._loaded[0] > LOOK_AGAIN_S:
            self._loaded = (now, load(self._path, reach_back=self._reach_back))
        return self._loaded[1]


def load(path: Path, *, reach_back: bool = False) -> Grants:
    """What is granted now. Where that can't be read, nothing is; no file is touched."""
    try:
        db = database.open_as_it_is(path)
        if db is None:
            return NOTHING
        with contextlib.closing(db):
            return Grants([Row(*row) for row in db.execute(_GRANTS)], reach_back=reach_back)
    except (UserError, sqlite3.Error, OSError):
        return NOTHING


def is_under(folder: str, project: str) -> bool:
    return folder == project or folder.startswith(project.rstrip("/") + "/")


def kinds_of(told: str) -> tuple[Kind, ...]:
    """The kinds of a grant as it is stored; one that we don't know isn't granted."""
    names = msgspec.json.decode(told, type=list[str])
    return tuple(kind for kind in KINDS if kind in names)


def is_forbidden(*folders: str) -> bool:
    """Whether a file in one of these folders, or above it, forbids to keep content."""
    places = {place for folder in folders for place in (Path(folder), *Path(folder).parents)}
    return any(_forbids(place / FORBIDS) for place in places)


def _forbids(file: Path) -> bool:
    try:
        found = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # perhaps there is one, and we may not look
    if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
        return True
    import tomllib  # noqa: PLC0415 - there is hardly ever one

    try:
        return tomllib.loads(file.read_text("utf-8")).get("capture") == "never"
    except (OSError, ValueError, RecursionError):
        return True  # what it says can't be told
