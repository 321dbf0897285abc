"""What `doctor` asks of the store: whether the file is whole, and what in it looks odd."""

from typing import NamedTuple

from codex_telemetry.store.queries import Store

DAY_MS = 86_400_000

QUICKLY_READ = 100_000_000
"""Bytes. To read a larger file whole takes seconds."""


class Odd(NamedTuple):
    """Times that can't be, or hardly; how many of each."""

    backward: int
    """Turns that end before they begin."""
    negative: int
    """Durations below 0."""
    ahead: int
    """Turns that begin more than a day from now."""
    late: int
    """Turns that only the stream told of, heard of more than a day before or after they began."""


def damage(db: Store) -> str | None:
    """None if SQLite finds the file whole, else the first thing it says."""
    said: str = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    return None if said == "ok" else said


def size(db: Store) -> int:
    """Bytes."""
    return _number(db, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")


def schema_version(db: Store) -> int:
    found: int = db.execute("PRAGMA user_version").fetchone()[0]
    return found


def sqlite_version(db: Store) -> str:
    found: str = db.execute("SELECT sqlite_version()").fetchone()[0]
    return found


def turns_by_sources(db: Store) -> dict[int, int]:
    """How many turns were told by the stream (1), by a log (2), by both (3)."""
    heard = dict(db.execute("SELECT sources, count(*) FROM turns WHERE sources <> 2 GROUP BY 1"))
    logged = _number(db, "SELECT count(*) FROM turns") - sum(heard.values())
    return {1: heard.get(1, 0), 2: logged, 3: heard.get(3, 0)}


def sessions_without_model(db: Store) -> int:
    """Of those that have turns."""
    return _number(db, "SELECT count(*) FROM sessions WHERE turns > 0 AND models IS NULL")


def opted_out(db: Store) -> dict[str, int]:
    """Notifications that clients opted out of hearing → in how many sessions."""
    return dict(
        db.execute(
            """
            SELECT value, count(*) FROM sessions, json_each(opted_out)
            GROUP BY value ORDER BY value
            """
        ).fetchall()
    )


def keys_in_files(db: Store) -> list[bytes]:
    """Public keys of content whose private half is in a file, those aside that were destroyed."""
    rows = db.execute("SELECT public FROM keys WHERE kept_in = 'file' AND public <> zeroblob(32)")
    return [row[0] for row in rows]


def odd_times(db: Store, now: int) -> Odd:
    return Odd(
        backward=_number(db, "SELECT count(*) FROM turns WHERE ended_at < started_at"),
        negative=sum(
            _number(db, f"SELECT count(*) FROM {table} WHERE duration_ms < 0")
            for table in ("turns", "items", "events")
        ),
        ahead=_number(db, f"SELECT count(*) FROM turns WHERE started_at > {now + DAY_MS}"),
        late=_number(
            db,
            f"""
            SELECT count(*) FROM turns
            WHERE sources = 1 AND abs(captured_at - started_at) > {DAY_MS}
            """,
        ),
    )


def windows_due(db: Store) -> int:
    """Rate-limit windows whose milestones a backfill has yet to write."""
    return _number(db, "SELECT count(*) FROM windows_due")


def _number(db: Store, sql: str) -> int:
    found: int = db.execute(sql).fetchone()[0]
    return found
