"""What the user says about content: granted, taken back, sealed anew, erased. Each is one transaction."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from codex_telemetry.core.gate import Kind
from codex_telemetry.errors import UserError
from codex_telemetry.store import db as database
from codex_telemetry.store.grants import is_under
from codex_telemetry.store.queries import Row, Store

Reseal = Callable[[bytes], bytes | None]


class Key(NamedTuple):
    """A project's public key."""

    key_id: int
    public: bytes
    kept_in: str


class Erased(NamedTuple):
    items: int
    clean: bool
    """Nothing of it is left in any file; else another process holds the journal."""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """The store, to be written to. Whatever SQLite says against it becomes one line."""
    try:
        with contextlib.closing(database.open_to_write(path)) as db:
            db.execute("PRAGMA secure_delete=ON")
            db.row_factory = sqlite3.Row
            yield db
    except (sqlite3.Error, OSError) as error:
        raise UserError(
            f"cannot write to the database {path} ({type(error).__name__})",
            hint="codex-telemetry doctor says more",
        ) from None


def key_of(db: Store, project: str) -> Key | None:
    row = db.execute(
        "SELECT key_id, public, kept_in FROM keys WHERE project = ?", [project]
    ).fetchone()
    return None if row is None else Key(*row)


def standing(db: Store, project: str) -> Row | None:
    """The grant that holds for exactly this folder, if one does."""
    row: Row | None = db.execute(
        "SELECT * FROM grants WHERE project = ? ORDER BY grant_id DESC LIMIT 1", [project]
    ).fetchone()
    return row if row is not None and row["ended_at"] is None else None


def grants(db: Store, last: int | None = None) -> Iterator[Row]:
    """Every grant that wasn't erased, or the `last` so many, with what it has kept; the latest last."""
    return db.execute(
        "SELECT * FROM ("
        "SELECT grants.*, kept_in, count(content_id) AS items, "
        "coalesce(sum(length(sealed)), 0) AS bytes "
        "FROM grants JOIN keys USING (key_id) LEFT JOIN content USING (grant_id) "
        "GROUP BY grant_id ORDER BY grant_id DESC LIMIT ?) ORDER BY grant_id",
        [-1 if last is None else last],
    )


def projects(db: Store) -> list[str]:
    """Folders that a grant or a key is there for."""
    return [row[0] for row in db.execute("SELECT project FROM keys ORDER BY project")]


def covering(db: Store, folder: str) -> str | None:
    """The folder above this one by whose grant it is covered, if it is."""
    above = [p for p in projects(db) if p != folder and is_under(folder, p)]
    nearest = max(above, key=len, default=None)
    return nearest if nearest is not None and standing(db, nearest) is not None else None


def count_grants(db: Store) -> int:
    found: int = db.execute("SELECT count(*) FROM grants").fetchone()[0]
    return found


def add_key(db: sqlite3.Connection, project: str, key: tuple[bytes, str], now: int) -> bool:
    """False if the project got one meanwhile."""
    added = db.execute(
        "INSERT OR IGNORE INTO keys (project, public, kept_in, created_at) VALUES (?, ?, ?, ?)",
        [project, *key, now],
    )
    return added.rowcount > 0


def grant(
    db: sqlite3.Connection,
    project: str,
    public: bytes,
    kinds: Sequence[Kind],
    expires_at: int | None,
    now: int,
) -> None:
    """Grant these kinds from now on. What was granted of the folder before ends, unless it is the
    same: then only its end moves. `public`: the project's key, as the caller knows it."""
    told = msgspec.json.encode(kinds).decode()
    with database.transaction(db):
        known = key_of(db, project)
        if known is None or known.public != public:
            raise UserError("the key was replaced meanwhile", hint="enable it again")
        before = standing(db, project)
        expired = before is not None and (before["expires_at"] or now) < now
        if before is not None and before["kinds"] == told and not expired:
            db.execute(
                "UPDATE grants SET expires_at = ? WHERE grant_id = ?",
                [expires_at, before["grant_id"]],
            )
            return
        _end(db, project, now)
        db.execute(
            "INSERT INTO grants (project, kinds, created_at, expires_at, key_id) "
            "VALUES (?, ?, ?, ?, ?)",
            [project, told, now, expires_at, known.key_id],
        )


def end(db: sqlite3.Connection, project: str, now: int) -> None:
    """Nothing more is kept of it; what is kept stays."""
    with database.transaction(db):
        _end(db, project, now)


def seal_anew(
    db: sqlite3.Connection,
    project: str,
    old_key: int,
    key: tuple[bytes, str],
    now: int,
    reseal: Reseal,
) -> int:
    """Put a new key in the place of the old, and all that is kept into new boxes; how many.

    Raises `UserError`, and changes nothing, if one can't be opened. What a collector seals with the
    old key meanwhile isn't taken any more.
    """
    with database.transaction(db):
        old = key_of(db, project)
        if old is None or old.key_id != old_key:
            raise UserError("the key was replaced meanwhile", hint="nothing was changed by this")
        # Out of the way: a project has one key.
        db.execute("UPDATE keys SET project = project || char(10) WHERE key_id = ?", [old.key_id])
        new = db.execute(
            "INSERT INTO keys (project, public, kept_in, created_at) VALUES (?, ?, ?, ?)",
            [project, *key, now],
        ).lastrowid
        rows = db.execute(
            "SELECT content_id FROM content JOIN grants USING (grant_id) WHERE key_id = ?",
            [old.key_id],
        ).fetchall()
        for (content_id,) in rows:
            (sealed,) = db.execute(
                "SELECT sealed FROM content WHERE content_id = ?", [content_id]
            ).fetchone()
            again = reseal(sealed)
            if again is None:
                raise UserError(
                    "something that is kept can't be opened with the old key",
                    hint="nothing was changed; codex-telemetry capture purge removes it",
                )
            db.execute("UPDATE content SET sealed = ? WHERE content_id = ?", [again, content_id])
        db.execute("UPDATE grants SET key_id = ? WHERE key_id = ?", [new, old.key_id])
        db.execute("DELETE FROM keys WHERE key_id = ?", [old.key_id])
    leave_nothing(db)
    return len(rows)


def drop_unused_key(db: sqlite3.Connection, project: str) -> bool:
    """Forget a project's key if nothing is granted or kept by it; whether it was."""
    return (
        db.execute(
            "DELETE FROM keys WHERE project = ? AND key_id NOT IN (SELECT key_id FROM grants)",
            [project],
        ).rowcount
        > 0
    )


def erase(db: sqlite3.Connection, project: str) -> Erased:
    """Remove all that is kept of a project, its grants and its key, from every file.

    Where another process keeps us from the end, the project stays known by a key of zeros, so that
    it can be done once more."""
    with database.transaction(db):
        (items,) = db.execute(
            "SELECT count(*) FROM content JOIN grants USING (grant_id) WHERE project = ?", [project]
        ).fetchone()
        db.execute("DELETE FROM grants WHERE project = ?", [project])
        # Its private key is gone: nobody must seal anything with it any more.
        db.execute(
            "UPDATE keys SET public = zeroblob(32), kept_in = 'file' WHERE project = ?", [project]
        )
    clean = leave_nothing(db)
    if clean:
        drop_unused_key(db, project)
        clean = leave_nothing(db)
    return Erased(items, clean)


def _end(db: sqlite3.Connection, project: str, now: int) -> None:
    db.execute(
        "UPDATE grants SET ended_at = ? WHERE project = ? AND ended_at IS NULL", [now, project]
    )


def leave_nothing(db: sqlite3.Connection) -> bool:
    """Free pages are gone, the journal is empty; False if another process keeps us from it."""
    try:
        db.execute("VACUUM")
        busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        return False
    return not busy
