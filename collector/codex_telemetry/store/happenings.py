"""Events out of the store: what happened at a moment, within a turn or beside it."""

from collections.abc import Iterator

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


def events(db: Store, filters: Filters, kind: str | None) -> Iterator[Row]:
    """Newest last; what has no moment comes first."""
    return newest_last(db, "events", events_where(filters, kind), "at, event_id", filters.last)


def count_events(db: Store, filters: Filters, kind: str | None) -> int:
    return count(db, "events", events_where(filters, kind), filters.last)


def kinds_of_events(db: Store) -> list[str]:
    return [row[0] for row in db.execute("SELECT DISTINCT kind FROM events ORDER BY kind")]


def events_where(filters: Filters, kind: str | None) -> Where:
    of_turn = "(SELECT t.{} FROM turns AS t WHERE t.turn_id = events.turn_id)"
    cwd = f"""coalesce({of_turn.format("cwd")},
        (SELECT s.cwd FROM sessions AS s WHERE s.session_id = events.session_id))"""
    return all_of(
        only_if(kind, "kind = ?"),
        only_if(filters.since, "at >= ?"),
        only_if(filters.until, "at < ?"),
        only_if(filters.session_id, "session_id = ?"),
        only_if(filters.model, f"{of_turn.format('model')} = ?"),
        only_if(filters.status, f"{of_turn.format('status')} = ?"),
        under(cwd, filters.projects),
    )
