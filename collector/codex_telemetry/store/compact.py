"""Make the file as small as what is in it: SQLite writes it anew, so there has to be room for that."""

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path
from typing import NamedTuple

from codex_telemetry.errors import UserError
from codex_telemetry.store import db as database
from codex_telemetry.store import ours
from codex_telemetry.store.prune import size

BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Compacted(NamedTuple):
    """Bytes of the file with its journal."""

    before: int
    after: int
    clean: bool
    """The journal is empty; else another process still reads what was before."""


def compact(path: Path) -> Compacted:
    """Raises `UserError`, and has changed nothing then."""
    try:
        with contextlib.closing(database.open_to_write(path)) as db:
            db.execute("PRAGMA secure_delete=ON")
            before = _bytes(path)
            _check_room(path, size(db).used)
            db.execute("VACUUM")
            busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except (sqlite3.Error, OSError) as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in BUSY:
            raise UserError(
                f"another process is writing to {path}",
                hint="nothing was changed; try again when it is done",
            ) from None
        raise UserError(
            f"cannot write to the database {path}: {ours.unquoted(error)}",
            hint="codex-telemetry doctor says more",
        ) from None
    return Compacted(before, _bytes(path), not busy)


def _check_room(path: Path, used: int) -> None:
    """It is written to a temporary file, then to the journal, and only then to its place."""
    needed: dict[int, int] = {}
    folders: dict[int, Path] = {}
    for folder in (_temporary(), path.parent):
        device = folder.stat().st_dev
        needed[device] = needed.get(device, 0) + used
        folders[device] = folder
    for device, wanted in needed.items():
        if (free := shutil.disk_usage(folders[device]).free) < wanted:
            raise UserError(
                f"there is no room for it: {wanted:,} bytes are needed under {folders[device]}, "
                f"{free:,} are free",
                hint="nothing was changed; codex-telemetry prune lets details go",
            )


def _temporary() -> Path:
    """Where SQLite puts such a file."""
    named = (os.environ.get(name) for name in ("SQLITE_TMPDIR", "TMPDIR"))
    for folder in (*named, "/var/tmp", "/usr/tmp", "/tmp"):  # noqa: S108 - SQLite's own order
        if folder and os.access(folder, os.W_OK | os.X_OK) and Path(folder).is_dir():
            return Path(folder)
    return Path()


def _bytes(path: Path) -> int:
    journal = path.with_name(f"{path.name}-wal")
    return path.stat().st_size + (journal.stat().st_size if journal.exists() else 0)
