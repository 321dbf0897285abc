"""A copy takes the place of the database; what the user said of content meanwhile stays said.

It is written into the database there is, page by page in one transaction of SQLite: who has it open
goes on with the same file, and a restore that is killed has changed nothing.
"""

import contextlib
import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

from codex_telemetry.errors import UsageError, UserError
from codex_telemetry.store import copies, ours
from codex_telemetry.store import db as database
from codex_telemetry.store.changes import NEW_HISTORY


class Restored(NamedTuple):
    kept: Path | None
    """Where what was there before is now."""
    rows: dict[str, int]
    content_left_out: int


def restore(file: Path, target: Path, kept: Path, *, content: bool) -> Restored:
    """Put a copy in the place of the database, which is kept as `kept`.

    `content`: bring it back also where there is no database that could tell whether it was erased.
    Raises `UserError`, and has changed nothing then."""
    if target.exists() and file.exists() and file.samefile(target):
        raise UsageError("that is the database itself", hint="name a copy of it")
    there = _is_there(target)
    try:
        with copies.draft(target) as path:
            with copies.opened(file, target.parent) as db:
                copies.copy(db, path)
            copies.check(path, None, called=file)
            left_out = _see_to_content(path, target if there else None, content=content)
            if there:
                copies.backup(target, kept, force=False)
            database.prepare(target)
            rows = _put(path, target)
    except copies.BusyError:
        raise UserError(
            f"another process is writing to {target}",
            hint="nothing was changed; try again when it is done",
        ) from None
    except (OSError, sqlite3.Error) as error:
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(
            error, sqlite3.OperationalError
        ):
            raise _damaged(target) from None
        raise UserError(
            f"cannot restore into {target}: {ours.unquoted(error)}",
            hint="nothing was changed; see to its folder and to free space there",
        ) from None
    return Restored(kept if there else None, rows, left_out)


def _is_there(target: Path) -> bool:
    try:
        return ours.look(target, database.version()) is not None
    except sqlite3.DatabaseError:
        raise _damaged(target) from None


def _damaged(target: Path) -> UserError:
    return UserError(
        f"the database {target} is damaged, so it can't be kept beside",
        hint="move it away with its -wal and -shm, then do this again",
    )


def _put(path: Path, target: Path) -> dict[str, int]:
    with (
        contextlib.closing(ours.connect(path, "mode=ro")) as source,
        contextlib.closing(database.open_to_write(target)) as db,
    ):
        db.execute("PRAGMA secure_delete=ON")
        copies.put_into(source, db)
        rows = copies.counted(db)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return rows


def _see_to_content(path: Path, present: Path | None, *, content: bool) -> int:
    """What was granted, taken back or erased since the copy was made is as it is now; how much
    content is left out for that."""
    with contextlib.closing(database.open_to_write(path)) as db:
        db.execute("PRAGMA secure_delete=ON")
        (before,) = db.execute("SELECT count(*) FROM content").fetchone()
        if present is not None:
            _as_now(db, present)
        elif not content:
            db.executescript("DELETE FROM grants; DELETE FROM keys;")
        db.execute(NEW_HISTORY)
        (left,) = db.execute("SELECT count(*) FROM content").fetchone()
        db.execute("VACUUM")
        db.execute("PRAGMA journal_mode=DELETE")
    return int(before) - int(left)


def _as_now(db: sqlite3.Connection, present: Path) -> None:
    with contextlib.closing(database.open_reader(present)) as now:
        keys = [tuple(row) for row in now.execute("SELECT * FROM keys")]
        grants = [tuple(row) for row in now.execute(f"SELECT {_GRANT} FROM grants")]
        counters = [tuple(row) for row in now.execute("SELECT name, seq FROM sqlite_sequence")]
    public = {key[0]: key[2] for key in keys}
    same = {(g[0], g[1], g[3], public[g[6]]) for g in grants}
    copied = {row[0]: row for row in db.execute(_GRANTED)}
    erased = [(key,) for key, row in copied.items() if tuple(row) not in same]
    with database.transaction(db):
        db.execute("PRAGMA defer_foreign_keys=ON")
        db.executemany("DELETE FROM content WHERE grant_id = ?", erased)
        # Not with what hangs on them: they are put back as they are now.
        db.execute("CREATE TEMP TABLE held AS SELECT * FROM content")
        db.execute("DELETE FROM grants")
        db.execute("DELETE FROM keys")
        db.executemany("INSERT INTO keys VALUES (?, ?, ?, ?, ?)", keys)
        db.executemany(f"INSERT INTO grants ({_GRANT}) VALUES (?, ?, ?, ?, ?, ?, ?)", grants)
        db.execute("INSERT INTO content SELECT * FROM held")
        db.execute("DROP TABLE held")
        for name, seq in counters:  # an id of a grant or a key is never given again
            told = (seq, name)
            if not db.execute(_COUNT_ON, told).rowcount:
                db.execute("INSERT INTO sqlite_sequence (seq, name) VALUES (?, ?)", told)


_GRANT: Final = "grant_id, project, kinds, created_at, expires_at, ended_at, key_id"
_GRANTED: Final = """
SELECT grant_id, g.project, g.created_at, public FROM grants AS g JOIN keys USING (key_id)
"""
_COUNT_ON: Final = "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?"
