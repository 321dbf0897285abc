"""The statements that milestones are read and written with: each for many windows at once."""

from codex_telemetry.core.limits import FIVE_HOURS, JITTER_MS, MINUTE_MS
from codex_telemetry.core.prices import DIGITS
from codex_telemetry.store.readings import lengths, told_by
from codex_telemetry.store.stored_responses import LED_BITS

TOLD_BY = f"""
{told_by("DISTINCT r.limit_id, r.window_minutes, r.resets_at")} AND r.resets_at IS NOT NULL
"""
STRETCH = """
SELECT min(r.at), max(r.at) FROM turns AS t JOIN responses AS r USING (turn_key)
WHERE t.turn_id IN (SELECT value FROM json_each(?))
"""

_LENGTHS = f"WITH RECURSIVE {lengths('milestones')}"
LENGTHS = f"{_LENGTHS} SELECT limit_id, minutes FROM lengths WHERE minutes > 0"

TWICE_MS = 2 * MINUTE_MS
"""A minute of a window makes so much of two of its lengths. It runs from its first use, so a reading may
come before it begins, but not as long before."""

# Of these the clock was wrong, or what was read of a window was said again when it had reset. They are in
# an index of their own (0022).
ODD = f"reset_after NOT BETWEEN 0 AND window_minutes * {TWICE_MS}"

# Those between two moments, of the windows of a limit that are of one length; without the odd ones.
OF_LENGTH = f"""
limit_id = ?1 AND window_minutes = ?2
    AND window_resets_at BETWEEN ?3 AND ?4 + ?2 * {TWICE_MS} AND at BETWEEN ?3 AND ?4
"""


def within(columns: str, condition: str) -> str:
    """Those milestones between `:first` and `:last`, or of windows that ran then, of which the condition
    is true: all, and by their windows, for they are in no order of time."""
    return f"""
{_LENGTHS}
SELECT {columns} FROM lengths CROSS JOIN milestones AS m
    ON m.limit_id = lengths.limit_id AND window_minutes = minutes
    AND window_resets_at BETWEEN :first AND :last + minutes * {TWICE_MS}
WHERE NOT ({ODD}) AND {condition}
UNION ALL
SELECT {columns} FROM milestones AS m WHERE {ODD} AND {condition}
"""


RUNNING = f"""
SELECT DISTINCT * FROM ({
    within(
        "m.limit_id, window_minutes, window_resets_at",
        f"at >= :first AND window_resets_at - window_minutes * {MINUTE_MS} <= :last",
    )
})
"""
PUT_OFF = "INSERT OR IGNORE INTO windows_due VALUES (?, ?, ?)"
DUE = """
SELECT limit_id, window_minutes, resets_at FROM windows_due
ORDER BY limit_id, window_minutes, resets_at LIMIT ?
"""
DONE = "DELETE FROM windows_due WHERE limit_id = ? AND window_minutes = ? AND resets_at = ?"

# A reset that is told as it was given; where none is, the nearest on both sides within the jitter.
NEAR = f"""
SELECT j.key,
    (SELECT max(resets_at) FROM window_resets
     WHERE limit_id = j.value ->> 0 AND window_minutes = j.value ->> 1
        AND resets_at BETWEEN (j.value ->> 2) - {JITTER_MS} AND j.value ->> 2),
    (SELECT min(resets_at) FROM window_resets
     WHERE limit_id = j.value ->> 0 AND window_minutes = j.value ->> 1
        AND resets_at BETWEEN j.value ->> 2 AND (j.value ->> 2) + {JITTER_MS})
FROM json_each(?) AS j
"""

# How far the resets reach that are one with given ones: on from each to the next within the jitter.
EXTENT = f"""
WITH RECURSIVE
told (n, limit_id, minutes, resets_at) AS (
    SELECT key, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)
),
earlier (n, limit_id, minutes, at) AS (
    SELECT * FROM told
    UNION ALL
    SELECT n, limit_id, minutes, (
        SELECT max(resets_at) FROM window_resets AS r
        WHERE r.limit_id = earlier.limit_id AND r.window_minutes = minutes
            AND resets_at < at AND resets_at >= at - {JITTER_MS})
    FROM earlier WHERE at IS NOT NULL
),
later (n, limit_id, minutes, at) AS (
    SELECT * FROM told
    UNION ALL
    SELECT n, limit_id, minutes, (
        SELECT min(resets_at) FROM window_resets AS r
        WHERE r.limit_id = later.limit_id AND r.window_minutes = minutes
            AND resets_at > at AND resets_at <= at + {JITTER_MS})
    FROM later WHERE at IS NOT NULL
)
SELECT n, min(at), max(at) FROM (SELECT n, at FROM earlier UNION ALL SELECT n, at FROM later)
GROUP BY n
"""

_SAID_OF_IT = """
FROM window_resets AS s WHERE s.limit_id = w.value ->> 0 AND s.window_minutes = w.value ->> 1
    AND s.resets_at BETWEEN w.value ->> 2 AND w.value ->> 3
"""
FIRSTS = f"""
SELECT w.key, CAST(r.used_percent AS INTEGER), o.kind, min(r.observed_at)
FROM json_each(?) AS w
CROSS JOIN rate_limits AS r
    ON r.limit_id = w.value ->> 0 AND r.window_minutes = w.value ->> 1
    AND r.observed_at BETWEEN
        (SELECT min(s.first_at) {_SAID_OF_IT}) AND (SELECT max(s.last_at) {_SAID_OF_IT})
    AND r.resets_at BETWEEN w.value ->> 2 AND w.value ->> 3
    AND r.used_percent BETWEEN 0 AND 1000
JOIN origins AS o USING (origin)
GROUP BY 1, 2, 3
"""
WRITTEN = """
SELECT w.key, window_resets_at, percent, at, source, cumulative_tokens, cumulative_cost_usd,
    marginal_cost_usd
FROM json_each(?) AS w
CROSS JOIN milestones
    ON limit_id = w.value ->> 0 AND window_minutes = w.value ->> 1
    AND window_resets_at BETWEEN w.value ->> 2 AND w.value ->> 3
ORDER BY w.key, percent, window_resets_at
"""
# Of each stretch in which anything was used: what came after its beginning, up to and with its end. Responses
# are found by those that lead them, each with all that came in the same part of time; rounded, for those of
# one moment are found in any order.
TOOK = f"""
WITH stretch (n, since, until) AS MATERIALIZED (
    SELECT key, value ->> 0, value ->> 1 FROM json_each(?)
)
SELECT n, coalesce(sum(r.total_tokens), 0),
    CASE WHEN count(*) = count(r.cost_usd) THEN coalesce(round(sum(r.cost_usd), {DIGITS}), 0.0) END
FROM stretch
CROSS JOIN responses AS leader ON leader.leads_to IS NOT NULL
    AND leader.at >= since >> {LED_BITS} << {LED_BITS}
    AND leader.at < (until >> {LED_BITS}) + 1 << {LED_BITS}
CROSS JOIN responses AS r ON r.turn_key = leader.turn_key
    AND r.running_total_tokens BETWEEN leader.running_total_tokens AND leader.leads_to
    AND r.at > since AND r.at <= until AND r.total_tokens > 0
GROUP BY n
"""
REMOVE = """
DELETE FROM milestones
WHERE limit_id = ? AND window_minutes = ? AND window_resets_at BETWEEN ? AND ?
"""
KEEP = """
INSERT INTO milestones (
    limit_id, window_minutes, window_resets_at, percent, reset_after, heard_live, cumulative_tokens,
    cumulative_cost_usd, marginal_cost_usd, five_hour_percent
) VALUES (?1, ?2, ?3, ?4, ?3 - ?5, ?6 = 'live', ?7, ?8, ?9, ?10)
"""

# What the five-hour window said last before, if that window was still running.
_FIVE_HOURS = f"""
UPDATE milestones SET five_hour_percent = (
    SELECT r.used_percent FROM rate_limits AS r
    WHERE r.limit_id = milestones.limit_id AND r.window_minutes = {FIVE_HOURS}
        AND r.observed_at <= milestones.at AND r.resets_at > milestones.at
        AND r.observed_at > milestones.at - {FIVE_HOURS * MINUTE_MS}
        AND r.used_percent IS NOT NULL
    ORDER BY r.observed_at DESC, r.used_percent DESC LIMIT 1)
"""
FIVE_HOURS_OF_LENGTH = f"{_FIVE_HOURS} WHERE {OF_LENGTH}"
# By time: of one limit there are as many as there ever were.
FIVE_HOURS_OF_ODD = f"{_FIVE_HOURS} WHERE {ODD} AND +limit_id = ? AND at BETWEEN ? AND ?"
FIVE_HOURS_OF_ONE = f"""
{_FIVE_HOURS} WHERE limit_id = ? AND window_minutes = ? AND window_resets_at = ?
"""
