"""The statements that write. What a value shall be is decided in Python; these only keep it."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from msgspec import Struct

from codex_telemetry.core.identity import EXEC
from codex_telemetry.core.rows import EventRow, SessionRow
from codex_telemetry.store import readings, stored_items, stored_responses, stored_turns
from codex_telemetry.store.turn_words import OF_SESSION


def _columns(row: type[Struct]) -> list[str]:
    return list(row.__struct_fields__)


_NUMBER = "(SELECT number FROM saves)"


def _upsert(
    table: str,
    columns: list[str],
    key: tuple[str, ...],
    only: str = "",
    *,
    numbered: bool = False,
    told: int | None = None,
) -> str:
    """Insert a row, or bring the one of that key up to date. `numbered`: it says which save it was.
    `told`: of so many columns, if not of all; the others become null."""
    given = columns[:told]
    marks = ", ".join([*"?" * len(given), *[_NUMBER] * numbered])
    columns, given = ([*some, *["changed"] * numbered] for some in (columns, given))
    names = ", ".join(given)
    # Not the key itself: to set what others refer to, even to what it was, has SQLite look for them.
    fresh = ", ".join(f"{c} = excluded.{c}" for c in columns if c not in key)
    return (
        f"INSERT INTO {table} ({names}) VALUES ({marks}) "
        f"ON CONFLICT ({', '.join(key)}) {only} DO UPDATE SET {fresh}"
    )


class Belonging(NamedTuple):
    """Rows that belong to a subject: to be saved, counted, and removed if they aren't listed."""

    save: Callable[[int], str]
    """Rows of which only so many columns, from the first on, aren't null."""
    number: str
    purge: str
    in_order: bool
    """They are numbered as they are saved: those of one moment are shown in that order."""


def _belonging(
    table: str, columns: list[str], only: str = "1", *, in_order: bool = False
) -> Belonging:
    """The first column names the subject, the second is the key within it."""
    subject, key, *_ = columns
    where = "" if only == "1" else f"WHERE {only}"
    return Belonging(
        save=cache(lambda told: _upsert(table, columns, (subject, key), where, told=told)),
        number=f"""
            SELECT {subject}, count(*) FROM {table}
            WHERE {subject} IN (SELECT value FROM json_each(?)) AND {only} GROUP BY {subject}""",
        purge=f"""
            DELETE FROM {table} WHERE {subject} = ? AND {only}
            AND {key} NOT IN (SELECT value FROM json_each(?))""",
        in_order=in_order,
    )


VERSION = "SELECT application_id, user_version FROM pragma_application_id, pragma_user_version"

ORIGINS = """
INSERT INTO origins (kind, name, codex_version, first_at, last_at)
SELECT value ->> 0, value ->> 1, value ->> 2, unixepoch() * 1000, unixepoch() * 1000
FROM json_each(?) WHERE true
ON CONFLICT (kind, name) DO UPDATE SET
    codex_version = coalesce(excluded.codex_version, codex_version), last_at = excluded.last_at
RETURNING origin, kind, name
"""

SESSIONS_TOLD = """
SELECT session_id, origin, body FROM told_sessions
WHERE session_id IN (SELECT value FROM json_each(?))
"""
SAVE_SESSION_TOLD = """
INSERT OR REPLACE INTO told_sessions (session_id, origin, body) VALUES (?, ?, ?)
"""
SESSIONS_TOLD_BY = "SELECT session_id FROM told_sessions WHERE origin = ?"
SESSIONS_OF_LOG = """
SELECT session_id, body FROM told_sessions JOIN origins USING (origin)
WHERE kind = 'rollout' AND name = ?
"""

# Ids of turns that Codex gave none begin with their thread; so many threads are looked at at once.
TOLD_APART = f"""
SELECT value,
    EXISTS (SELECT 1 FROM told_turns
        WHERE turn_id >= value || ':{EXEC}:' AND turn_id < value || ':{EXEC};') AS by_exec,
    EXISTS (SELECT 1 FROM told_turns
        WHERE turn_id >= value || ':@' AND turn_id < value || ':A') AS by_log,
    EXISTS (SELECT 1 FROM told_turns
        WHERE turn_id >= value || ':' AND turn_id < value || ':@'
            OR turn_id >= value || ':A' AND turn_id < value || ';') AS otherwise
FROM json_each(?) WHERE by_exec OR by_log
"""
_SESSION_KEYS = """
SELECT session_key FROM sessions WHERE session_id IN (SELECT value FROM json_each(?))
"""
SESSION_KEYS = (
    f"SELECT session_id, session_key FROM sessions WHERE session_key IN ({_SESSION_KEYS})"
)
NAMED_TURNS = f"SELECT turn_id FROM turns WHERE {OF_SESSION} AND turn_id NOT LIKE '%:%'"
FORGET = (
    *readings.FORGET,
    *(
        f"DELETE FROM {table} WHERE origin = ?"
        for table in ("told_sessions", "status_snapshots", "drift", "gaps")
    ),
)
THREADS_OF = """
SELECT DISTINCT session_id FROM turns WHERE turn_id IN (SELECT value FROM json_each(?))
"""
REMOVE_TURNS = "DELETE FROM turns WHERE turn_id IN (SELECT value FROM json_each(?))"
REMOVE_EVENTS = "DELETE FROM events WHERE turn_id IN (SELECT value FROM json_each(?))"
REMOVE_SESSIONS = "DELETE FROM sessions WHERE session_id IN (SELECT value FROM json_each(?))"
REMOVE_SESSION_EVENTS = """
DELETE FROM events
WHERE turn_id IS NULL AND session_id IN (SELECT value FROM json_each(?))
"""

SESSION = _upsert("sessions", _columns(SessionRow), ("session_id",), numbered=True)

PLACES = f"""
SELECT turn_id, session_id, turn_index, started_at FROM turns
WHERE session_key IN ({_SESSION_KEYS})
   OR turn_id IN (SELECT value FROM json_each(?))
"""
SET_ASIDE = "UPDATE turns SET turn_index = -1 - turn_key WHERE turn_id = ?"
PUT_BACK = f"UPDATE turns SET turn_index = ?, changed = {_NUMBER} WHERE turn_id = ?"
TURN = _upsert("turns", stored_turns.COLUMNS, ("turn_id",), numbered=True)
TURN_KEYS = "SELECT turn_id, turn_key FROM turns WHERE turn_id IN (SELECT value FROM json_each(?))"

ITEMS = _belonging("items", stored_items.COLUMNS)
RESPONSES = _belonging("responses", stored_responses.COLUMNS)
_EVENT = _columns(EventRow)
TURN_EVENTS = _belonging(
    "events",
    ["turn_id", "event_key", "session_id", *_EVENT[1:]],
    only="turn_id IS NOT NULL",
    in_order=True,
)
SESSION_EVENTS = _belonging(
    "events", ["session_id", *_EVENT], only="turn_id IS NULL", in_order=True
)

SUM_UP = """
UPDATE sessions SET
    turns = s.turns, turns_interrupted = s.interrupted, turns_failed = s.failed,
    prompts = s.prompts, messages = s.messages, tool_calls = s.tool_calls,
    input_tokens = s.input_tokens, cached_input_tokens = s.cached_input_tokens,
    cache_write_input_tokens = s.cache_write_input_tokens, output_tokens = s.output_tokens,
    reasoning_output_tokens = s.reasoning_output_tokens, total_tokens = s.total_tokens,
    last_at = coalesce(max(sessions.last_at, s.last_at), sessions.last_at, s.last_at)
FROM (
    SELECT j.value AS session_id, count(t.turn_key) AS turns,
        count(*) FILTER (WHERE t.status = 'interrupted') AS interrupted,
        count(*) FILTER (WHERE t.status = 'failed') AS failed,
        sum(t.prompts) AS prompts, sum(t.messages) AS messages, sum(t.tool_calls) AS tool_calls,
        sum(t.input_tokens) AS input_tokens, sum(t.cached_input_tokens) AS cached_input_tokens,
        sum(t.cache_write_input_tokens) AS cache_write_input_tokens,
        sum(t.output_tokens) AS output_tokens,
        sum(t.reasoning_output_tokens) AS reasoning_output_tokens,
        sum(t.total_tokens) AS total_tokens, max(coalesce(t.ended_at, t.started_at)) AS last_at
    FROM json_each(?) AS j LEFT JOIN sessions AS s ON s.session_id = j.value
    LEFT JOIN turns AS t USING (session_key) GROUP BY j.value
) AS s
WHERE sessions.session_id = s.session_id
"""
# Some logs tell the time of a response, some only that of its turn.
QUARTER_MS = 900_000
USED_AT = "coalesce(r.at, t.started_at)"
USED_BY = f"""
SELECT s.session_key, {USED_AT} / {QUARTER_MS} AS quarter, g.usage_group,
    count(*) AS responses, sum(r.input_tokens) AS input_tokens,
    sum(r.cached_input_tokens) AS cached_input_tokens,
    sum(r.cache_write_input_tokens) AS cache_write_input_tokens,
    sum(r.output_tokens) AS output_tokens,
    sum(r.reasoning_output_tokens) AS reasoning_output_tokens,
    sum(r.total_tokens) AS total_tokens, round(sum(r.cost_usd), 12) AS cost_usd,
    coalesce(sum(r.total_tokens) FILTER (WHERE r.cost_usd IS NULL), 0) AS unpriced_tokens
FROM sessions AS s
CROSS JOIN turns AS t ON t.session_key = s.session_key
CROSS JOIN responses AS r ON r.turn_key = t.turn_key
CROSS JOIN usage_groups AS g
    ON coalesce(g.cwd, '') = coalesce(t.cwd, s.cwd, '')
    AND coalesce(g.model, '') = coalesce(r.model, '') AND g.status = t.status
    AND coalesce(g.service_tier, '') = coalesce(t.service_tier, '')
    AND coalesce(g.git_repo, '') = coalesce(s.git_repo, '')
WHERE {{}}
GROUP BY 1, 2, 3
"""
"""Responses summed up; what is left out is which."""

_THESE = "s.session_id IN (SELECT value FROM json_each(?))"
USAGE_GROUPS = f"""
INSERT INTO usage_groups (model, service_tier, status, cwd, git_repo)
SELECT DISTINCT r.model, t.service_tier, t.status, coalesce(t.cwd, s.cwd), s.git_repo
FROM sessions AS s
CROSS JOIN turns AS t ON t.session_key = s.session_key
CROSS JOIN responses AS r ON r.turn_key = t.turn_key
WHERE {_THESE} ON CONFLICT DO NOTHING
"""
CHANGED_SESSIONS = f"""
UPDATE sessions SET changed = {_NUMBER} WHERE session_id IN (SELECT value FROM json_each(?))
"""
USAGE = (
    f"DELETE FROM usage WHERE session_key IN (SELECT session_key FROM sessions AS s WHERE {_THESE})",
    USAGE_GROUPS,
    f"INSERT INTO usage {USED_BY.format(_THESE)}",
    f"""
    UPDATE sessions AS s SET cost_usd = (
        SELECT round(sum(u.cost_usd), 12) FROM usage AS u WHERE u.session_key = s.session_key
        GROUP BY u.session_key HAVING sum(u.unpriced_tokens) = 0)
    WHERE {_THESE}
    """,
)
"""Sum up the responses of sessions anew."""

MODELS = f"""
SELECT session_id, model FROM turns
WHERE session_key IN ({_SESSION_KEYS}) AND model IS NOT NULL ORDER BY session_key, turn_index
"""
SET_MODELS = "UPDATE sessions SET models = ? WHERE session_id = ?"

# Compactions and reviews are items of the stream and of paginated logs; older logs have lines and
# events for them. The fuller counts, never the sum.
COUNT_EVENTS = """
UPDATE sessions SET
    (rollbacks, compactions, reviews) = (
        SELECT count(*) FILTER (WHERE e.kind = 'thread_rolled_back'),
            count(*) FILTER (WHERE e.kind = 'context_compacted'),
            count(*) FILTER (WHERE e.kind = 'entered_review_mode')
        FROM events AS e
        WHERE e.session_id = sessions.session_id AND e.turn_id IS NULL)
WHERE session_id IN (SELECT value FROM json_each(?))
"""
COUNT_IN_TURNS = f"""
UPDATE sessions SET
    compactions = sessions.compactions + s.compactions,
    reviews = max(sessions.reviews, s.reviews)
FROM (
    SELECT t.session_key, sum(max(coalesce(t.compaction, 0), i.compactions)) AS compactions,
        sum(i.reviews > 0) AS reviews
    FROM turns AS t JOIN (
        SELECT t.turn_key,
            count(*) FILTER (WHERE i.kind_stored = {stored_items.COMPACTION}) AS compactions,
            count(*) FILTER (WHERE i.kind_stored = {stored_items.REVIEW}) AS reviews
        FROM turns AS t LEFT JOIN items AS i
            ON i.turn_key = t.turn_key
            AND i.kind_stored IN ({stored_items.COMPACTION}, {stored_items.REVIEW})
        WHERE t.session_key IN ({_SESSION_KEYS})
        GROUP BY t.turn_key
    ) AS i ON i.turn_key = t.turn_key
    GROUP BY t.session_key
) AS s
WHERE sessions.session_key = s.session_key
"""

DRIFT_NAMES = "SELECT codex_version, name, reason FROM drift WHERE origin = ?"
_DRIFT = """
INSERT INTO drift (origin, codex_version, name, reason, n, first_seen, last_seen)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (origin, codex_version, name, reason) DO UPDATE SET
    n = {},
    first_seen = min(first_seen, excluded.first_seen),
    last_seen = max(last_seen, excluded.last_seen)
"""
DRIFT = {
    # A launch counts from its start. Of a file each line is told once: its cursor sees to that.
    "live": _DRIFT.format("max(n, excluded.n)"),
    "rollout": _DRIFT.format("n + excluded.n"),
}
GAP = """
INSERT INTO gaps (origin, at, reason, dropped_bytes, session_id) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (origin, at, reason) DO UPDATE SET dropped_bytes = coalesce(
    max(dropped_bytes, excluded.dropped_bytes), dropped_bytes, excluded.dropped_bytes)
"""
TAKE_SPOOL = """
INSERT INTO spools (name, taken_at) VALUES (?, unixepoch() * 1000) ON CONFLICT DO NOTHING
"""
