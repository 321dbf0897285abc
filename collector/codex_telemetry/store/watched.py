"""Whether the database has changed since it was last looked at, whoever changed it."""

import contextlib
import sqlite3
from pathlib import Path
from typing import NamedTuple

from codex_telemetry.errors import UserError
from codex_telemetry.store.db import open_as_it_is


class _Seen(NamedTuple):
    file: tuple[int, int] | None
    """Which file it is: another may have taken its name."""
    version: int | None
    """What SQLite counts for this connection; None where it can't be opened."""


class Watched:
    """One connection that is kept, since SQLite tells each what others have committed since."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._db: sqlite3.Connection | None = None
        self._seen: _Seen | None = None

    def has_changed(self) -> bool:
        """Also when it came, went, or became another. The first time nothing has."""
        before, self._seen = self._seen, self._look()
        return before is not None and before != self._seen

    def close(self) -> None:
        """What is seen is kept: opened anew, it counts anew, which is taken for a change."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _look(self) -> _Seen:
        file = _file(self._database)
        if self._seen is None or file != self._seen.file:
            self.close()
        with contextlib.suppress(sqlite3.Error, UserError, OSError):
            if self._db is None:
                self._db = open_as_it_is(self._database)
            if self._db is not None:
                return _Seen(file, self._db.execute("PRAGMA data_version").fetchone()[0])
        self.close()
        return _Seen(file, None)


def _file(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
