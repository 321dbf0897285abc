"""What reports ask of the store: SQL a person can read, one function a question.

Rows come as they are read, so a list of any length takes the memory of one row.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from codex_telemetry.errors import UserError
from codex_telemetry.store import ours
from codex_telemetry.store.db import open_as_it_is, open_reader
from codex_telemetry.store.stored_turns import SHOWN
from codex_telemetry.store.turn_words import OF_SESSION, stored_status

Row = sqlite3.Row
Store = sqlite3.Connection


PATIENCE_MS = 400
"""How long a page waits where even readers have to: it says so, and asks again by itself."""

PRUNED_BEFORE = "SELECT max(before) FROM pruned_before"


class Filters(NamedTuple):
    """What a list is narrowed to. Times are ms UTC: from `since`, up to and without `until`."""

    since: int | None = None
    until: int | None = None
    last: int | None = None
    """Only so many, the newest."""
    session_id: str | None = None
    projects: tuple[str, ...] = ()
    """Spellings of one folder: what ran in it or under it."""
    model: str | None = None
    status: str | None = None


class Where(NamedTuple):
    sql: str
    values: tuple[object, ...]


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Store]:
    """The store, to be read from. Whatever SQLite says against it becomes one line."""
    with _in_one_line(path), contextlib.closing(open_reader(path)) as db:
        yield db


@contextlib.contextmanager
def only_reading(path: Path) -> Iterator[Store]:
    """The same, of a database that is there in this version: none is brought up to date."""
    with _in_one_line(path):
        db = open_as_it_is(path, PATIENCE_MS)
        if db is None:
            raise UserError(
                f"there is no database at {path}, or one of an older version",
                hint="any report brings it up to date: codex-telemetry turns",
            )
        with contextlib.closing(db):
            yield db


@contextlib.contextmanager
def _in_one_line(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise UserError(
            f"cannot read the database {path}: {ours.unquoted(error)}",
            hint="codex-telemetry doctor says more",
        ) from None


def pruned_before(db: Store) -> int | None:
    """Up to which moment (ms UTC) something was pruned; None where nothing ever was."""
    found: int | None = db.execute(PRUNED_BEFORE).fetchone()[0]
    return found


def turns(db: Store, filters: Filters) -> Iterator[Row]:
    """Turns, newest last."""
    where = turns_where(filters)
    return newest_last(db, "turns", where, "started_at, turn_key", filters.last, SHOWN)


ORDERS = ("started_at", "duration_ms", "ttft_ms", "tools_ms", "approval_ms")
"""What turns are put in order by: all of it is in an index, which is a tenth of their table."""


def page_of_turns(
    db: Store, filters: Filters, order: str, *, down: bool, size: int, skipped: int
) -> Iterator[Row]:
    """Some turns out of an order; what isn't known comes last."""
    assert order in ORDERS
    where = turns_where(filters)
    way = "DESC" if down else "ASC"
    sort = f"{order} {way}, turn_key {way}"
    if order != "started_at":
        sort = f"{order} IS NULL, {sort}"
    ordered = f"{sort} LIMIT {int(size)} OFFSET {int(skipped)}"
    keys = (
        f"SELECT turn_key FROM turns INDEXED BY turns_measured WHERE {where.sql} ORDER BY {ordered}"
    )
    return db.execute(
        f"SELECT {SHOWN} FROM turns WHERE turn_key IN ({keys}) ORDER BY {sort}", where.values
    )


def models(db: Store) -> list[str]:
    """Those that any response was counted of."""
    rows = db.execute("SELECT DISTINCT model FROM usage_groups WHERE model IS NOT NULL")
    return sorted(row[0] for row in rows)


def count_turns(db: Store, filters: Filters) -> int:
    return count(db, "turns", turns_where(filters), filters.last)


def sessions(db: Store, filters: Filters) -> Iterator[Row]:
    """Sessions, the one with the latest activity last."""
    where = sessions_where(filters)
    return newest_last(db, "sessions", where, "last_at, session_key", filters.last)


def count_sessions(db: Store, filters: Filters) -> int:
    return count(db, "sessions", sessions_where(filters), filters.last)


def last_turn(db: Store) -> Row | None:
    return next(turns(db, Filters(last=1)), None)


def turns_of(db: Store, session_id: str) -> Iterator[Row]:
    return db.execute(
        f"SELECT {SHOWN} FROM turns WHERE {OF_SESSION} ORDER BY turn_index", [session_id]
    )


def items_of(db: Store, turn_key: int) -> Iterator[Row]:
    """A turn's items in order of start; what has no start by its end."""
    return db.execute(
        """
        SELECT * FROM items WHERE turn_key = ?
        ORDER BY coalesce(started_at, ended_at) IS NULL, coalesce(started_at, ended_at), item_id
        """,
        [turn_key],
    )


def responses_of(db: Store, turn_key: int) -> Iterator[Row]:
    """A turn's responses; the running total only grows, so its order is that of time."""
    return db.execute(
        "SELECT * FROM responses WHERE turn_key = ? ORDER BY running_total_tokens", [turn_key]
    )


def events_of(db: Store, turn_id: str) -> Iterator[Row]:
    return db.execute("SELECT * FROM events WHERE turn_id = ? ORDER BY at, event_id", [turn_id])


def gaps(db: Store) -> Iterator[Row]:
    return db.execute("SELECT session_id, at, dropped_bytes, reason FROM gaps ORDER BY at")


def drift(db: Store) -> Iterator[Row]:
    """What Codex said that we don't know, the most frequent first."""
    return db.execute(
        """
        SELECT o.kind AS source, nullif(d.codex_version, '') AS codex_version, d.name, d.reason,
               sum(d.n) AS n, min(d.first_seen) AS first_seen, max(d.last_seen) AS last_seen
        FROM drift d JOIN origins o USING (origin)
        GROUP BY o.kind, d.codex_version, d.name, d.reason
        ORDER BY n DESC, d.name
        """
    )


def totals(db: Store) -> Row:
    """How much there is."""
    row: Row = db.execute(
        """
        SELECT (SELECT count(*) FROM sessions) AS sessions,
               (SELECT count(*) FROM turns) AS turns,
               (SELECT count(*) FROM responses) AS responses,
               (SELECT coalesce(sum(n), 0) FROM drift) AS drift
        """
    ).fetchone()
    return row


def newest_last(
    db: Store, table: str, where: Where, order: str, last: int | None, columns: str = "*"
) -> Iterator[Row]:
    found = f"SELECT {columns} FROM {table} WHERE {where.sql}"
    if last is None:
        return db.execute(f"{found} ORDER BY {order}", where.values)
    backward = order.replace(",", " DESC,") + " DESC"
    return db.execute(
        f"SELECT * FROM ({found} ORDER BY {backward} LIMIT {int(last)}) ORDER BY {order}",
        where.values,
    )


def count(db: Store, table: str, where: Where, last: int | None) -> int:
    """How many match; never more than `last`."""
    sql = f"SELECT count(*) FROM {table} WHERE {where.sql}"
    found: int = db.execute(sql, where.values).fetchone()[0]
    return found if last is None else min(found, last)


# A turn that didn't say where it ran ran where its session did.
RAN_IN = """coalesce(turns.cwd,
    (SELECT s.cwd FROM sessions s WHERE s.session_key = turns.session_key))"""


def turns_where(filters: Filters) -> Where:
    return all_of(
        only_if(filters.since, "started_at >= ?"),
        only_if(filters.until, "started_at < ?"),
        only_if(filters.session_id, OF_SESSION),
        only_if(filters.model, "model = ?"),
        with_status(filters.status),
        under(RAN_IN, filters.projects),
    )


def measured_turns(filters: Filters) -> Where:
    """What to select from, to read what the turns that match took: an index alone, not its table."""
    where = turns_where(filters)
    source = f"turns INDEXED BY turns_measured WHERE {where.sql}"
    if filters.last is None:
        return Where(source, where.values)
    columns = """turn_key, duration_ms, ttft_ms, tools_ms, approval_ms, status_stored, model,
        effort_stored, cli_version, session_key, cwd, started_at"""
    newest = f"ORDER BY started_at DESC, turn_key DESC LIMIT {int(filters.last)}"
    return Where(f"(SELECT {columns} FROM {source} {newest})", where.values)


# Of nearly every session the first turn that is looked at is a completed one; to find the few others
# an index is gone through, which is much less than what sessions' turns take.
_A_COMPLETED = """EXISTS (
    SELECT 1 FROM turns t WHERE t.session_key = sessions.session_key AND {})"""
_A_RARE = "session_key IN (SELECT session_key FROM turns INDEXED BY turns_measured WHERE {})"


def _with_turns(status: str | None) -> Where | None:
    """Sessions."""
    if (where := with_status(status)) is None:
        return None
    some = _A_COMPLETED if status == "completed" else _A_RARE
    return Where(some.format(where.sql), where.values)


def sessions_where(filters: Filters) -> Where:
    """A session is in a stretch of time if any of its life is."""
    return all_of(
        only_if(filters.since, "last_at >= ?"),
        only_if(filters.until, "coalesce(created_at, last_at) < ?"),
        only_if(filters.session_id, "session_id = ?"),
        only_if(filters.model, "EXISTS (SELECT 1 FROM json_each(models) WHERE value = ?)"),
        _with_turns(filters.status),
        under("cwd", filters.projects),
    )


def with_status(status: str | None) -> Where | None:
    """Turns, as the index of what they took has it."""
    return only_if(None if status is None else stored_status(status), "status_stored = ?")


def only_if(value: object | None, sql: str) -> Where | None:
    return Where(sql, (value,)) if value is not None else None


def under(column: str, folders: tuple[str, ...]) -> Where | None:
    if not folders:
        return None
    sql, values = [], []
    for folder in folders:
        inside = folder.rstrip("/") + "/"
        sql.append(f"{column} = ? OR substr({column}, 1, ?) = ?")
        values += [folder, len(inside), inside]
    return Where(f"({' OR '.join(sql)})", tuple(values))


def all_of(*wheres: Where | None) -> Where:
    given = [where for where in wheres if where is not None]
    return Where(
        " AND ".join(where.sql for where in given) or "1",
        tuple(value for where in given for value in where.values),
    )
