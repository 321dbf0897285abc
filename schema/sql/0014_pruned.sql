-- What was pruned: its details are gone, what it used stays, and nothing brings it back.

-- Before which moment something was pruned; one row, once anything was.
CREATE TABLE pruned_before (
    before INTEGER PRIMARY KEY  -- ms UTC: what ended earlier may be gone
) STRICT;

-- Sessions of which turns were pruned: what sums of tokens have to know of them.
CREATE TABLE pruned_sessions (
    session_key INTEGER PRIMARY KEY,  -- below 0: sessions have the others
    session_id TEXT NOT NULL UNIQUE,  -- Codex's thread id
    root_session_id TEXT,  -- as in sessions
    parent_session_id TEXT,  -- as in sessions
    relation TEXT,  -- as in sessions
    cwd TEXT,  -- as in sessions
    git_repo TEXT,  -- as in sessions
    last_started_at INTEGER  -- when the latest of its pruned turns began
) STRICT;

-- Turns that were pruned, so that none is taken in again.
CREATE TABLE pruned_turns (
    turn INTEGER PRIMARY KEY  -- a digest of its id: it tells a turn that is known, not which it was
) STRICT;

-- What pruned turns used, each by quarter of an hour.
CREATE TABLE pruned_usage (
    turn INTEGER NOT NULL REFERENCES pruned_turns (turn),  -- the digest of its id
    session_key INTEGER NOT NULL REFERENCES pruned_sessions (session_key),  -- its session
    quarter INTEGER,  -- as in usage
    usage_group INTEGER NOT NULL REFERENCES usage_groups (usage_group),  -- as in usage
    responses INTEGER NOT NULL,  -- how many
    input_tokens INTEGER,  -- as in usage
    cached_input_tokens INTEGER,  -- as in usage
    cache_write_input_tokens INTEGER,  -- as in usage
    output_tokens INTEGER,  -- as in usage
    reasoning_output_tokens INTEGER,  -- as in usage
    total_tokens INTEGER,  -- as in usage
    cost_usd REAL,  -- by the prices known when it was pruned
    unpriced_tokens INTEGER NOT NULL  -- of what had no known price then
) STRICT;
CREATE INDEX pruned_usage_by_turn ON pruned_usage (turn);
CREATE INDEX pruned_usage_by_session ON pruned_usage (session_key);

-- To remove a session, SQLite looks for events that refer to it.
CREATE INDEX events_by_session ON events (session_id);
