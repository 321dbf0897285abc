"""What reports ask about tokens: of sums that were made as responses were saved, never of the responses
themselves, but for the two ends of a stretch of time."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from codex_telemetry.store.projects import OF_SESSIONS, REPOSITORIES
from codex_telemetry.store.queries import (
    Filters,
    Row,
    Store,
    Where,
    all_of,
    only_if,
    pruned_before,
    under,
)
from codex_telemetry.store.statements import QUARTER_MS, USED_AT, USED_BY
from codex_telemetry.store.summing import SIZE, SUMMED, SUMS, summed

_KEYS: Final = ("session_key", "quarter", "usage_group")
_COLUMNS: Final = ", ".join((*_KEYS, *SUMMED))
_DAY: Final = 86_400_000 // QUARTER_MS

Key = Literal["day", "usage_group", "session_key"]
Offsets = Sequence[tuple[int | None, int]]
"""How far a zone's clock is ahead of UTC (ms), each until a moment (ms UTC), the last None."""


class Sessions(NamedTuple):
    """Only these, or all but these."""

    keys: Collection[int]
    others: bool = False


def sums(
    db: Store,
    key: Key,
    filters: Filters,
    sessions: Sequence[Sessions] = (),
    offsets: Offsets = ((None, 0),),
) -> Iterator[Row]:
    """By a key: it, the quarter of an hour of its latest use, and the sums.

    A day is a number from 1970-01-01 on. Of the filters, `last` and the session are not looked at.
    What pruned turns used comes apart, with other keys of sessions; of it whole quarters are known,
    so one counts where it begins.
    """
    yield from _sums(db, None, key, filters, sessions, offsets)
    if pruned_before(db) is not None:
        yield from _sums(db, _pruned(filters), key, filters, sessions, offsets)


def _sums(
    db: Store,
    pruned: Where | None,
    key: Key,
    filters: Filters,
    sessions: Sequence[Sessions],
    offsets: Offsets,
) -> Iterator[Row]:
    by = _day(offsets) if key == "day" else Where(key, ())
    groups = all_of(
        only_if(filters.model, "model = ?"),
        only_if(filters.status, "status = ?"),
        under("cwd", filters.projects),
    )
    in_groups = Where(
        f"usage_group IN (SELECT usage_group FROM usage_groups WHERE {groups.sql})", groups.values
    )
    where = all_of(in_groups if groups.values else None, *map(_only, sessions))
    alone = _summed_by(key, filters, of_groups=bool(groups.values)) if not sessions else None
    used = pruned or _used(db, filters, alone)
    return db.execute(
        f"SELECT {by.sql}, max(quarter), {SUMS} FROM ({used.sql}) WHERE {where.sql} GROUP BY 1",
        (*by.values, *used.values, *where.values),
    )


def extent(db: Store) -> tuple[int, int]:
    """The first and the last moment (ms UTC) of what is summed up."""
    # Both ends in one query would be read through a whole index; each by itself is its first row.
    first, last = db.execute(
        """SELECT min(first), max(last) FROM (
            SELECT (SELECT min(quarter) FROM usage) AS first, (SELECT max(quarter) FROM usage) AS last
            UNION ALL SELECT min(quarter), max(quarter) FROM pruned_usage)"""
    ).fetchone()
    return (first or 0) * QUARTER_MS, (last or 0) * QUARTER_MS


def groups(db: Store) -> Iterator[Row]:
    """What responses have in common."""
    return db.execute("SELECT usage_group, model, service_tier FROM usage_groups")


def projects(db: Store) -> Iterator[Row]:
    """Of which project they are."""
    return db.execute(
        f"""
        SELECT usage_group, coalesce(r.folder, cwd) AS project
        FROM usage_groups LEFT JOIN ({REPOSITORIES}) AS r USING (git_repo)
        """
    )


def tree(db: Store) -> Iterator[Row]:
    """Every session with its project, and the sessions above it; those first of which turns were
    pruned, by another key."""
    columns = "session_key, session_id, relation, root_session_id, parent_session_id, cwd"
    return db.execute(
        f"""
        SELECT {columns}, coalesce(r.folder, cwd) AS project
        FROM pruned_sessions LEFT JOIN ({REPOSITORIES}) AS r USING (git_repo)
        UNION ALL
        SELECT {columns}, project FROM sessions JOIN ({OF_SESSIONS}) USING (session_key)
        """
    )


def keys_of(db: Store, session_id: str) -> set[int]:
    """A session's own keys: of what is there, and of what was pruned."""
    return {key for key, name in names(db).items() if name == session_id}


def names(db: Store) -> dict[int, str]:
    """The id of each session by its key."""
    return dict(
        db.execute(
            """SELECT session_key, session_id FROM sessions
            UNION ALL SELECT session_key, session_id FROM pruned_sessions"""
        ).fetchall()
    )


def _summed_by(key: Key, filters: Filters, *, of_groups: bool) -> str | None:
    """Where what is asked for is summed up already, but for blocks that aren't."""
    if key == "day" and not of_groups:
        return "usage_of_quarters"
    if key == "usage_group" and filters.since is None and filters.until is None:
        return "usage_of_groups"
    return None


def _used(db: Store, filters: Filters, alone: str | None) -> Where:
    """What was used in the stretch of time: whole quarters of an hour, and the rest at its ends."""
    since, until = filters.since, filters.until
    whole = all_of(
        only_if(None if since is None else -(-since // QUARTER_MS), "quarter >= ?"),
        only_if(None if until is None else until // QUARTER_MS, "quarter < ?"),
    )
    parts = [_whole(db, alone, whole)]
    ends: dict[int, tuple[int, int]] = {}
    if since is not None and since % QUARTER_MS:
        ends[since // QUARTER_MS] = (since, -(-since // QUARTER_MS) * QUARTER_MS)
    if until is not None and until % QUARTER_MS:
        begin, _ = ends.get(until // QUARTER_MS, (until // QUARTER_MS * QUARTER_MS, 0))
        ends[until // QUARTER_MS] = (begin, until)
    parts += [Where(_AT_AN_END, (quarter, *between)) for quarter, between in ends.items()]
    return Where(
        " UNION ALL ".join(part.sql for part in parts),
        tuple(value for part in parts for value in part.values),
    )


def _whole(db: Store, alone: str | None, quarters: Where) -> Where:
    """Out of a table of sums, and of blocks that aren't in it out of all usage."""
    done = summed(db) if alone is not None else set()
    if not done:
        return Where(f"SELECT {_COLUMNS} FROM usage WHERE {quarters.sql}", quarters.values)
    key = "usage_group" if alone == "usage_of_groups" else "NULL AS usage_group"
    columns = ", ".join(("NULL AS session_key", "quarter", key, *SUMMED))
    return Where(
        f"""
        SELECT {columns} FROM {alone} WHERE {quarters.sql}
        UNION ALL
        SELECT {_COLUMNS} FROM json_each(?) AS gap CROSS JOIN usage
        ON quarter >= json_extract(gap.value, '$[0]') AND quarter < json_extract(gap.value, '$[1]')
        WHERE {quarters.sql}
        UNION ALL
        SELECT {_COLUMNS} FROM usage WHERE quarter IS NULL AND {quarters.sql}
        """,
        (*quarters.values, _gaps(done), *quarters.values, *quarters.values),
    )


def _gaps(done: Collection[int]) -> str:
    """The quarters between blocks that are summed up: each from one up to another."""
    ends = [
        -_FOR_EVER,
        *(end for n in sorted(done) for end in (n * SIZE, (n + 1) * SIZE)),
        _FOR_EVER,
    ]
    pairs = zip(ends[::2], ends[1::2], strict=True)
    return msgspec.json.encode([pair for pair in pairs if pair[0] < pair[1]]).decode()


_FOR_EVER: Final = 1 << 62


def _pruned(filters: Filters) -> Where:
    begins = all_of(
        only_if(filters.since, f"quarter * {QUARTER_MS} >= ?"),
        only_if(filters.until, f"quarter * {QUARTER_MS} < ?"),
    )
    return Where(f"SELECT {_COLUMNS} FROM pruned_usage WHERE {begins.sql}", begins.values)


# Only who used tokens in that quarter of an hour is looked at.
_AT_AN_END: Final = f"""SELECT * FROM ({
    USED_BY.format(
        "s.session_key IN (SELECT session_key FROM usage WHERE quarter = ?)"
        f" AND {USED_AT} >= ? AND {USED_AT} < ?"
    )
})"""


def _day(offsets: Offsets) -> Where:
    """Every zone's clock is ahead by whole quarters of an hour."""
    cases, values = "", []
    for until, ahead in offsets[:-1]:
        cases += f"WHEN quarter < ? THEN (quarter + ?) / {_DAY} "
        values += [(until or 0) // QUARTER_MS, ahead // QUARTER_MS]
    rest = f"(quarter + {offsets[-1][1] // QUARTER_MS}) / {_DAY}"
    return Where(f"CASE {cases}ELSE {rest} END" if cases else rest, tuple(values))


def _only(sessions: Sessions) -> Where:
    inside = "NOT IN" if sessions.others else "IN"
    listed = msgspec.json.encode(list(sessions.keys)).decode()
    return Where(f"session_key {inside} (SELECT value FROM json_each(?))", (listed,))
