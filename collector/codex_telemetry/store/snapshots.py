"""What Codex said of itself on a terminal: saved, veiled, and asked for."""

from collections.abc import Iterator

import msgspec

from codex_telemetry.core.facts import Snapshot
from codex_telemetry.store.queries import (
    Filters,
    Row,
    Store,
    Where,
    all_of,
    count,
    newest_last,
    only_if,
    under,
)

_COLUMNS = tuple(field.name for field in msgspec.structs.fields(Snapshot))

SAVE = f"""
INSERT INTO status_snapshots (origin, {", ".join(_COLUMNS)})
VALUES (?{", ?" * len(_COLUMNS)}) ON CONFLICT DO NOTHING
"""
FOLDERS = "SELECT DISTINCT cwd FROM status_snapshots WHERE cwd IS NOT NULL"
VEIL = "UPDATE status_snapshots SET cwd = ?, secret_id = ? WHERE cwd = ?"


def row_of(origin: int, snapshot: Snapshot) -> tuple[object, ...]:
    return origin, *msgspec.structs.astuple(snapshot)


def snapshots(db: Store, filters: Filters) -> Iterator[Row]:
    """Newest last."""
    return newest_last(db, "status_snapshots", _where(filters), "at, kind", filters.last)


def count_snapshots(db: Store, filters: Filters) -> int:
    return count(db, "status_snapshots", _where(filters), filters.last)


def _where(filters: Filters) -> Where:
    # The line at the end names no folder: it is its session's.
    cwd = """coalesce(cwd,
        (SELECT s.cwd FROM sessions AS s WHERE s.session_id = status_snapshots.session_id))"""
    return all_of(
        only_if(filters.since, "at >= ?"),
        only_if(filters.until, "at < ?"),
        only_if(filters.session_id, "session_id = ?"),
        only_if(filters.model, "model = ?"),
        under(cwd, filters.projects),
    )
