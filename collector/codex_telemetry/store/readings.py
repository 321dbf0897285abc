"""The statements that readings of limits are written with, and found by who told of them."""

from typing import Final


def lengths(table: str) -> str:
    """Each limit and length of window of which a table has a row, and some of which it has none; from
    one to the next by the table's key: there are few, and very many rows of each."""
    return f"""
lengths (limit_id, minutes) AS (
    SELECT '', {BEFORE_ALL}
    UNION
    SELECT limit_id, (
        SELECT min(window_minutes) FROM {table} AS t
        WHERE t.limit_id = lengths.limit_id AND window_minutes > minutes)
    FROM lengths WHERE minutes IS NOT NULL
    UNION
    SELECT (SELECT min(t.limit_id) FROM {table} AS t WHERE t.limit_id > lengths.limit_id), {BEFORE_ALL}
    FROM lengths WHERE minutes IS NULL AND limit_id IS NOT NULL
)
"""


BEFORE_ALL: Final = -(1 << 62)
"""Fewer minutes than anybody says that a window has, who may say what he likes."""

SAVE: Final = """
INSERT INTO rate_limits (
    origin, observed_at, limit_id, window_minutes, used_percent, resets_at, plan_type,
    has_credits, unlimited_credits, credit_balance, session_stored
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
SPAN: Final = """
INSERT INTO reading_spans (origin, first_at, last_at) VALUES (?, ?, ?)
ON CONFLICT (origin) DO UPDATE SET
    first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)
"""


def told_by(columns: str) -> str:
    """Those of which an origin told."""
    return f"""
WITH RECURSIVE {lengths("rate_limits")}
SELECT {columns} FROM reading_spans AS s CROSS JOIN lengths AS l CROSS JOIN rate_limits AS r
    ON r.limit_id = l.limit_id AND r.window_minutes = l.minutes
    AND r.observed_at BETWEEN s.first_at AND s.last_at AND r.origin = s.origin
WHERE s.origin = ?1
"""


_SAYS_SO: Final = """
SELECT 1 FROM rate_limits AS r
WHERE r.limit_id = window_resets.limit_id AND r.window_minutes = window_resets.window_minutes
    AND r.observed_at BETWEEN first_at AND last_at AND r.resets_at = window_resets.resets_at
"""
FORGET: Final = (
    f"""
DELETE FROM window_resets
WHERE (limit_id, window_minutes, resets_at) IN ({
        told_by("r.limit_id, r.window_minutes, r.resets_at")
    }) AND NOT EXISTS ({_SAYS_SO} AND r.origin <> ?1)
""",
    f"""
DELETE FROM rate_limits WHERE (limit_id, window_minutes, observed_at, origin) IN ({
        told_by("r.limit_id, r.window_minutes, r.observed_at, r.origin")
    })
""",
    "DELETE FROM reading_spans WHERE origin = ?",
)

FORGET_RESETS: Final = f"""
DELETE FROM window_resets WHERE resets_at < :before AND NOT EXISTS ({_SAYS_SO})
"""
"""Those up to a moment that nobody says any more."""
