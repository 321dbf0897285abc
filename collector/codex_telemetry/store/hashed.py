"""How much of what is stored holds names as they are, and with whose secrets the rest is hashed."""

from collections.abc import Iterator
from typing import NamedTuple

from codex_telemetry.store.queries import Row, Store

_PLAIN_TURN = """(cwd NOT GLOB '#*' OR EXISTS (
    SELECT 1 FROM items WHERE items.turn_key = turns.turn_key
    AND (server NOT GLOB '#*' OR (kind = 'command' AND name NOT GLOB '#*'))
))"""
_PLAIN_SESSION = "(cwd NOT GLOB '#*' OR git_branch NOT GLOB '#*' OR git_commit NOT GLOB '#*')"
# Of a session whose turns were all pruned the folder is left.
_SESSIONS = """(
    SELECT cwd, git_branch, git_commit FROM sessions
    UNION ALL
    SELECT cwd, NULL, NULL FROM pruned_sessions
    WHERE session_id NOT IN (SELECT session_id FROM sessions)
)"""


class Stored(NamedTuple):
    """How many of each, and in how many of them names stand as they are."""

    sessions: int
    plain_sessions: int
    turns: int
    plain_turns: int


def stored(db: Store) -> Stored:
    counts = [
        db.execute(f"SELECT count(*), count(*) FILTER (WHERE {plain}) FROM {table}").fetchone()
        for table, plain in ((_SESSIONS, _PLAIN_SESSION), ("turns", _PLAIN_TURN))
    ]
    return Stored(*counts[0], *counts[1])


def secrets(db: Store) -> Iterator[Row]:
    """With which secrets names were hashed, and in how many sessions and turns."""
    return db.execute(
        """
        SELECT value AS secret_id, sum(of_session) AS sessions, sum(NOT of_session) AS turns FROM (
            SELECT value, 1 AS of_session FROM sessions, json_each(secret_ids)
            UNION ALL SELECT value, 0 FROM turns, json_each(secret_ids)
        ) GROUP BY 1 ORDER BY 1
        """
    )
