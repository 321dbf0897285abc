"""The statements that write. What a value shall be is decided in Python; these only keep it."""

from msgspec import Struct

from codex_telemetry.core.rows import EventRow, ItemRow, ResponseRow, SessionRow, TurnRow


def _columns(row: type[Struct]) -> list[str]:
    return list(row.__struct_fields__)


def _upsert(table: str, columns: list[str], key: str, keep: frozenset[str] = frozenset()) -> str:
    names = ", ".join(columns)
    marks = ", ".join("?" * len(columns))
    fresh = ", ".join(f"{c} = excluded.{c}" for c in columns if c not in keep)
    return (
        f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT ({key}) DO UPDATE SET {fresh}"
    )


ORIGIN = """
INSERT INTO origins (kind, name, codex_version, first_at, last_at)
VALUES (?, ?, ?, unixepoch() * 1000, unixepoch() * 1000)
ON CONFLICT (kind, name) DO UPDATE SET
    codex_version = coalesce(excluded.codex_version, codex_version), last_at = excluded.last_at
RETURNING origin
"""

TOLD = {
    "sessions": """
        SELECT session_id, origin, body FROM told_sessions
        WHERE session_id IN (SELECT value FROM json_each(?))""",
    "turns": """
        SELECT turn_id, origin, body FROM told_turns
        WHERE turn_id IN (SELECT value FROM json_each(?))""",
}
SAVE_TOLD = {
    "sessions": "INSERT OR REPLACE INTO told_sessions (session_id, origin, body) VALUES (?, ?, ?)",
    "turns": "INSERT OR REPLACE INTO told_turns (turn_id, origin, body) VALUES (?, ?, ?)",
}

TOLD_BETWEEN = "SELECT turn_id, origin, body FROM told_turns WHERE turn_id >= ? AND turn_id < ?"
TOLD_BY = "SELECT turn_id FROM told_turns WHERE origin = ?"
FORGET = tuple(
    f"DELETE FROM {table} WHERE origin = ?"
    for table in ("told_turns", "told_sessions", "rate_limits", "drift", "gaps")
)
THREADS_OF = """
SELECT DISTINCT session_id FROM turns WHERE turn_id IN (SELECT value FROM json_each(?))
"""
REMOVE_TURN = "DELETE FROM turns WHERE turn_id = ?"
REMOVE_EVENTS = "DELETE FROM events WHERE turn_id = ?"

_SESSION = _columns(SessionRow)
SESSION = _upsert("sessions", _SESSION, "session_id")
BARE_SESSION = f"""
INSERT INTO sessions ({", ".join(_SESSION)}) VALUES ({", ".join("?" * len(_SESSION))})
ON CONFLICT (session_id) DO UPDATE SET sources = sources | excluded.sources
"""

PLACES = """
SELECT turn_id, session_id, turn_index, started_at FROM turns
WHERE session_id IN (SELECT value FROM json_each(?))
   OR turn_id IN (SELECT value FROM json_each(?))
"""
SET_ASIDE = "UPDATE turns SET turn_index = -1 - turn_key WHERE turn_id = ?"
PUT_BACK = "UPDATE turns SET turn_index = ? WHERE turn_id = ?"
TURN = _upsert("turns", [*_columns(TurnRow), "turn_index"], "turn_id")
TURN_KEYS = "SELECT turn_id, turn_key FROM turns WHERE turn_id IN (SELECT value FROM json_each(?))"

ITEM = _upsert("items", ["turn_key", *_columns(ItemRow)], "turn_key, item_id")
RESPONSE = _upsert(
    "responses", ["turn_key", *_columns(ResponseRow)], "turn_key, running_total_tokens"
)
EVENT = _upsert(
    "events",
    ["session_id", "turn_id", *_columns(EventRow)],
    "session_id, coalesce(turn_id, ''), event_key",
)

SUM_UP = """
UPDATE sessions SET
    turns = s.turns, turns_interrupted = s.interrupted, turns_failed = s.failed,
    prompts = s.prompts, messages = s.messages, tool_calls = s.tool_calls,
    input_tokens = s.input_tokens, cached_input_tokens = s.cached_input_tokens,
    cache_write_input_tokens = s.cache_write_input_tokens, output_tokens = s.output_tokens,
    reasoning_output_tokens = s.reasoning_output_tokens, total_tokens = s.total_tokens,
    last_at = max(coalesce(sessions.last_at, 0), coalesce(s.last_at, 0))
FROM (
    SELECT session_id, count(*) AS turns,
        count(*) FILTER (WHERE status = 'interrupted') AS interrupted,
        count(*) FILTER (WHERE status = 'failed') AS failed,
        sum(prompts) AS prompts, sum(messages) AS messages, sum(tool_calls) AS tool_calls,
        sum(input_tokens) AS input_tokens, sum(cached_input_tokens) AS cached_input_tokens,
        sum(cache_write_input_tokens) AS cache_write_input_tokens,
        sum(output_tokens) AS output_tokens,
        sum(reasoning_output_tokens) AS reasoning_output_tokens,
        sum(total_tokens) AS total_tokens, max(coalesce(ended_at, started_at)) AS last_at
    FROM turns WHERE session_id IN (SELECT value FROM json_each(?)) GROUP BY session_id
) AS s
WHERE sessions.session_id = s.session_id
"""
MODELS = """
SELECT session_id, model FROM turns
WHERE session_id IN (SELECT value FROM json_each(?)) AND model IS NOT NULL
ORDER BY session_id, turn_index
"""
SET_MODELS = "UPDATE sessions SET models = ? WHERE session_id = ?"

COUNT_EVENTS = """
UPDATE sessions SET
    rollbacks = (
        SELECT count(*) FROM events AS e
        WHERE e.session_id = sessions.session_id AND e.kind = 'thread_rolled_back'),
    compactions = (
        SELECT count(*) FROM items JOIN turns USING (turn_key)
        WHERE turns.session_id = sessions.session_id AND items.kind = 'compaction'),
    reviews = (
        SELECT count(DISTINCT turn_key) FROM items JOIN turns USING (turn_key)
        WHERE turns.session_id = sessions.session_id AND items.kind = 'review')
WHERE session_id IN (SELECT value FROM json_each(?))
"""

LIMIT = """
INSERT OR IGNORE INTO rate_limits (
    origin, observed_at, limit_id, window_minutes, used_percent, resets_at, plan_type,
    has_credits, unlimited_credits, credit_balance, session_id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
DRIFT_NAMES = "SELECT codex_version, name, reason FROM drift WHERE origin = ?"
DRIFT = """
INSERT INTO drift (origin, codex_version, name, reason, n, first_seen, last_seen)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (origin, codex_version, name, reason) DO UPDATE SET
    n = n + excluded.n,
    first_seen = min(first_seen, excluded.first_seen),
    last_seen = max(last_seen, excluded.last_seen)
"""
GAP = """
INSERT OR IGNORE INTO gaps (origin, at, reason, dropped_bytes, session_id) VALUES (?, ?, ?, ?, ?)
"""
TAKE_SPOOL = "INSERT OR IGNORE INTO spools (name, taken_at) VALUES (?, unixepoch() * 1000)"
