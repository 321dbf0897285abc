"""What the report on rate limits asks of the store."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from codex_telemetry.core.limits import LONGEST, MINUTE_MS
from codex_telemetry.store.milestone_statements import LENGTHS, OF_LENGTH, within
from codex_telemetry.store.queries import Filters, Row, Store
from codex_telemetry.store.readings import BEFORE_ALL, lengths

_CROSSED = "at BETWEEN :first AND :last"


class WindowKey(NamedTuple):
    """As they are stored: "" and 0 are unknown."""

    limit_id: str
    window_minutes: int


def length_ms(key: WindowKey) -> int:
    """How long such a window is, if it's a length that SQLite can take from a time."""
    return min(max(0, key.window_minutes), LONGEST) * MINUTE_MS


def limits(db: Store) -> list[WindowKey]:
    """Every limit and length of window that was ever told of."""
    rows = db.execute(
        f"""
        WITH RECURSIVE {lengths("rate_limits")}
        SELECT limit_id, minutes FROM lengths WHERE minutes > {BEFORE_ALL}
        ORDER BY limit_id, minutes
        """
    )
    return [WindowKey(*row) for row in rows]


def newest(db: Store, key: WindowKey) -> Row:
    """The last reading of a window there is."""
    row: Row = db.execute(
        """
        SELECT * FROM rate_limits WHERE limit_id = ? AND window_minutes = ?
        ORDER BY observed_at DESC, used_percent DESC LIMIT 1
        """,
        key,
    ).fetchone()
    return row


def within_a_window(db: Store, key: WindowKey, last: int) -> Iterator[Row]:
    """The readings up to the last that may be of the same window, in order of time."""
    return between(db, key, last - 2 * length_ms(key), last)


def of_windows(db: Store, key: WindowKey, filters: Filters) -> Iterator[Row]:
    """The readings of all windows that ran in a stretch of time, in order of time."""
    since, until = _bounds(filters)
    return between(db, key, since if filters.since is None else since - 2 * length_ms(key), until)


def between(db: Store, key: WindowKey, first: int, last: int) -> Iterator[Row]:
    # A window runs from its first use, so a reading may come just before it begins: whoever wants
    # all of one asks for twice its length.
    return db.execute(
        """
        SELECT observed_at, used_percent, resets_at FROM rate_limits
        WHERE limit_id = ? AND window_minutes = ? AND observed_at BETWEEN ? AND ?
        ORDER BY observed_at, used_percent
        """,
        (*key, first, last),
    )


def resets(db: Store, key: WindowKey) -> list[int]:
    """All moments at which a window of this limit was said to reset."""
    rows = db.execute(
        """
        SELECT resets_at FROM window_resets WHERE limit_id = ? AND window_minutes = ?
        """,
        key,
    )
    return [row[0] for row in rows]


def readings(db: Store, since: int | None) -> Iterator[Row]:
    """All readings in order of time."""
    return db.execute(
        """
        SELECT * FROM rate_limits WHERE observed_at >= ?
        ORDER BY observed_at, limit_id, window_minutes, used_percent, origin
        """,
        [since if since is not None else -(1 << 62)],
    )


def since_last(db: Store, keys: Iterable[WindowKey], filters: Filters) -> int | None:
    """A moment from which on there are as many readings as the last that are asked for, or a few
    more; None where that takes all."""
    found = (
        db.execute(
            """
            SELECT observed_at FROM rate_limits
            WHERE limit_id = ? AND window_minutes = ? AND observed_at >= ? AND observed_at < ?
            ORDER BY observed_at DESC LIMIT 1 OFFSET ?
            """,
            [*key, *_bounds(filters), (filters.last or 1) - 1],
        ).fetchone()
        for key in keys
    )
    return max((row[0] for row in found if row is not None), default=None)


def count_readings(db: Store, filters: Filters) -> int:
    return _count(db, "rate_limits", "observed_at", filters)


def milestones(db: Store, filters: Filters) -> Iterator[Row]:
    """Newest last."""
    first, until = _bounds(filters)
    skipped = 0
    if filters.last is not None:
        first = max(first, _since_last_crossed(db, filters, filters.last))
        counted = count_milestones(db, filters._replace(since=first))
        skipped = max(0, counted - filters.last)
    return db.execute(
        f"""
        SELECT nullif(limit_id, '') AS limit_id, nullif(window_minutes, 0) AS window_minutes,
               window_resets_at, percent, at, cumulative_tokens, cumulative_cost_usd,
               marginal_cost_usd, five_hour_percent, source
        FROM ({within("m.*", _CROSSED)})
        ORDER BY at, limit_id, window_minutes, percent LIMIT -1 OFFSET :skipped
        """,
        {"first": first, "last": until - 1, "skipped": skipped},
    )


def _since_last_crossed(db: Store, filters: Filters, last: int) -> int:
    """A moment from which on there are as many milestones as that, or a few more; that of all before
    where it takes all."""
    first, until = _bounds(filters)
    found = (
        # The last of their windows: the newest, as a rule.
        db.execute(
            f"""
            SELECT min(at) FROM (
                SELECT at FROM milestones WHERE {OF_LENGTH}
                ORDER BY window_resets_at DESC, percent DESC LIMIT ?5)
            HAVING count(*) = ?5
            """,
            [*length, first, until - 1, last],
        ).fetchone()
        for length in db.execute(LENGTHS)
    )
    return max((row[0] for row in found if row is not None), default=first)


def count_milestones(db: Store, filters: Filters) -> int:
    first, until = _bounds(filters)
    found: int = db.execute(
        f"SELECT count(*) FROM ({within('1', _CROSSED)})", {"first": first, "last": until - 1}
    ).fetchone()[0]
    return found


def _count(db: Store, table: str, column: str, filters: Filters) -> int:
    found: int = db.execute(
        f"SELECT count(*) FROM {table} WHERE {column} >= ? AND {column} < ?", _bounds(filters)
    ).fetchone()[0]
    return found


def _bounds(filters: Filters) -> tuple[int, int]:
    since, until = filters.since, filters.until
    return -(1 << 62) if since is None else since, 1 << 62 if until is None else until
