"""What reports ask about tokens: of sums that were made as responses were saved, never of the responses
themselves, but for the two ends of a stretch of time."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from codex_telemetry.store.projects import OF_SESSIONS, REPOSITORIES
from codex_telemetry.store.queries import Filters, Row, Store, Where, all_of, only_if, under
from codex_telemetry.store.statements import QUARTER_MS, USED_AT, USED_BY

_SUMMED: Final = """responses input_tokens cached_input_tokens cache_write_input_tokens output_tokens
reasoning_output_tokens total_tokens cost_usd unpriced_tokens""".split()
_COLUMNS: Final = ", ".join(("session_key", "quarter", "usage_group", *_SUMMED))
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
    """
    used, by = _used(filters), _day(offsets) if key == "day" else Where(key, ())
    groups = all_of(
        only_if(filters.model, "model = ?"),
        only_if(filters.status, "status = ?"),
        under("cwd", filters.projects),
    )
    in_groups = Where(
        f"usage_group IN (SELECT usage_group FROM usage_groups WHERE {groups.sql})", groups.values
    )
    where = all_of(in_groups if groups.values else None, *map(_only, sessions))
    summed = ", ".join(f"sum({column})" for column in _SUMMED)
    return db.execute(
        f"SELECT {by.sql}, max(quarter), {summed} FROM ({used.sql}) WHERE {where.sql} GROUP BY 1",
        (*by.values, *used.values, *where.values),
    )


def extent(db: Store) -> tuple[int, int]:
    """The first and the last moment (ms UTC) of what is summed up."""
    first, last = db.execute("SELECT min(quarter), max(quarter) FROM usage").fetchone()
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
    """Every session with its project, and the sessions above it."""
    return db.execute(
        f"""
        SELECT session_key, session_id, relation, root_session_id, parent_session_id, cwd, project
        FROM sessions JOIN ({OF_SESSIONS}) USING (session_id)
        """
    )


def names(db: Store) -> dict[int, str]:
    """The id of each session by its key."""
    return dict(db.execute("SELECT session_key, session_id FROM sessions").fetchall())


def _used(filters: Filters) -> Where:
    """What was used in the stretch of time: whole quarters of an hour, and the rest at its ends."""
    since, until = filters.since, filters.until
    if since is None and until is None:
        return Where(f"SELECT {_COLUMNS} FROM usage", ())
    first = None if since is None else -(-since // QUARTER_MS)
    end = None if until is None else until // QUARTER_MS
    whole = all_of(
        only_if(first, "quarter >= ?"),
        only_if(end, "quarter < ?"),
    )
    parts = [Where(f"SELECT {_COLUMNS} FROM usage WHERE {whole.sql}", whole.values)]
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
