-- What every later migration stands on. Times are ms UTC, durations ms, unknown is NULL.

-- Who told us: a launch of `run`, or a rollout file.
CREATE TABLE origins (
    origin INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('live', 'rollout')),
    name TEXT NOT NULL,  -- live: the launch's id; rollout: the file, relative to its home
    codex_version TEXT,
    first_at INTEGER,
    last_at INTEGER,
    UNIQUE (kind, name)
) STRICT;

-- What each origin told of a thread or a turn, as it told it (msgpack of `core.facts`).
-- The rows of the other tables are made from these by one pure function, so they can be made again.
CREATE TABLE told_sessions (
    session_id TEXT NOT NULL,
    origin INTEGER NOT NULL REFERENCES origins (origin) ON DELETE CASCADE,
    body BLOB NOT NULL,
    PRIMARY KEY (session_id, origin)
) STRICT, WITHOUT ROWID;
CREATE INDEX told_sessions_by_origin ON told_sessions (origin);

CREATE TABLE told_turns (
    turn_id TEXT NOT NULL,
    origin INTEGER NOT NULL REFERENCES origins (origin) ON DELETE CASCADE,
    body BLOB NOT NULL,
    PRIMARY KEY (turn_id, origin)
) STRICT, WITHOUT ROWID;
CREATE INDEX told_turns_by_origin ON told_turns (origin);

-- Threads of Codex. A thread may be a root, a fork, a subagent or a review.
CREATE TABLE sessions (
    session_key INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,  -- Codex's thread id
    root_session_id TEXT,  -- the thread at the top of the tree: Codex's own `sessionId`
    parent_session_id TEXT,
    forked_from_id TEXT,
    relation TEXT,  -- root, fork, subagent, review
    source TEXT,  -- cli, vscode, exec, mcp, subagent, review
    originator TEXT,
    client_name TEXT,
    client_version TEXT,
    cli_version TEXT,  -- the Codex that made the thread
    model_provider TEXT,
    cwd TEXT,
    git_branch TEXT,
    git_commit TEXT,
    git_repo TEXT,
    created_at INTEGER,
    last_at INTEGER,
    archived INTEGER,
    rollout_path TEXT,  -- relative to its home
    captured_at INTEGER,  -- when this machine first heard of it
    utc_offset_min INTEGER,  -- this machine's offset from UTC then
    sources INTEGER NOT NULL,  -- 1 live, 2 rollout, 3 both
    turns INTEGER NOT NULL DEFAULT 0,
    turns_interrupted INTEGER NOT NULL DEFAULT 0,
    turns_failed INTEGER NOT NULL DEFAULT 0,
    models TEXT,  -- JSON array, in order of first use
    prompts INTEGER,
    messages INTEGER,
    tool_calls INTEGER,
    compactions INTEGER,
    rollbacks INTEGER,
    reviews INTEGER,
    images INTEGER,
    input_tokens INTEGER,
    cached_input_tokens INTEGER,
    cache_write_input_tokens INTEGER,
    output_tokens INTEGER,
    reasoning_output_tokens INTEGER,
    total_tokens INTEGER,
    cost_usd REAL
) STRICT;
CREATE INDEX sessions_by_last ON sessions (last_at);

-- One row a turn, whoever told of it.
CREATE TABLE turns (
    turn_key INTEGER PRIMARY KEY,
    turn_id TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL REFERENCES sessions (session_id),
    turn_index INTEGER NOT NULL,  -- from 0, by start, within the session
    root_turn_id TEXT,
    status TEXT NOT NULL,  -- completed, interrupted, failed, in_progress
    error_kind TEXT,
    started_at INTEGER,
    ended_at INTEGER,
    duration_ms INTEGER,
    duration_clock TEXT,  -- codex_ms, wire, codex_s, log
    ttft_ms INTEGER,  -- to the first output of any kind
    ttfm_ms INTEGER,  -- to the first message
    model TEXT,
    effort TEXT,
    service_tier TEXT,
    approval_policy TEXT,
    sandbox TEXT,
    cli_version TEXT,  -- the Codex that ran the turn
    cwd TEXT,
    prompts INTEGER,
    messages INTEGER,
    reasoning_items INTEGER,
    tool_calls INTEGER,
    tool_failures INTEGER,  -- without the declined ones
    approvals INTEGER,  -- requests for a permission
    retries INTEGER,
    errors INTEGER,
    responses INTEGER,
    input_tokens INTEGER,
    cached_input_tokens INTEGER,
    cache_write_input_tokens INTEGER,
    output_tokens INTEGER,
    reasoning_output_tokens INTEGER,
    total_tokens INTEGER,
    cost_usd REAL,
    context_tokens INTEGER,  -- in the context after the last response
    context_window INTEGER,
    start_delay_ms INTEGER,  -- the eight parts add up to duration_ms
    model_ms INTEGER,
    tools_ms INTEGER,
    approval_ms INTEGER,
    hooks_ms INTEGER,
    compaction_ms INTEGER,
    retry_ms INTEGER,
    unexplained_ms INTEGER,
    captured_at INTEGER,  -- when this machine first heard of it
    utc_offset_min INTEGER,
    sources INTEGER NOT NULL,  -- 1 live, 2 rollout, 3 both
    sandbox_network INTEGER,
    sandbox_writable_roots INTEGER,
    exclude_tmpdir INTEGER,
    exclude_slash_tmp INTEGER,
    truncation_policy TEXT,
    summary_mode TEXT,
    has_base_instructions INTEGER,
    has_user_instructions INTEGER,
    has_developer_instructions INTEGER,
    UNIQUE (session_id, turn_index)
) STRICT;
CREATE INDEX turns_by_start ON turns (started_at);

-- Items of turns: tool calls, messages, reasoning.
CREATE TABLE items (
    turn_key INTEGER NOT NULL REFERENCES turns (turn_key) ON DELETE CASCADE,
    item_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT,  -- a tool's name; of a command its word alone
    status TEXT NOT NULL,  -- in_progress, completed, failed, declined, unfinished
    started_at INTEGER,
    ended_at INTEGER,
    duration_ms INTEGER,  -- by Codex, without the wait for an approval, where it says so
    approval_ms INTEGER,
    exit_code INTEGER,
    output_bytes INTEGER,
    output_capped INTEGER,
    decision TEXT,
    server TEXT,  -- of an MCP tool
    action TEXT,  -- of a web search
    lines_added INTEGER,
    lines_removed INTEGER,
    PRIMARY KEY (turn_key, item_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX items_of_note ON items (turn_key) WHERE kind IN ('compaction', 'review');

-- Responses of the model, by the thread's running total after each.
CREATE TABLE responses (
    turn_key INTEGER NOT NULL REFERENCES turns (turn_key) ON DELETE CASCADE,
    running_total_tokens INTEGER NOT NULL,
    response_id TEXT,
    model TEXT,
    at INTEGER,
    input_tokens INTEGER,
    cached_input_tokens INTEGER,
    cache_write_input_tokens INTEGER,
    output_tokens INTEGER,
    reasoning_output_tokens INTEGER,
    total_tokens INTEGER,
    cost_usd REAL,
    PRIMARY KEY (turn_key, running_total_tokens)
) STRICT, WITHOUT ROWID;

-- What happened at a moment: errors, retries, approvals, compactions, reviews.
CREATE TABLE events (
    event_id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (session_id),
    turn_id TEXT,
    event_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT,
    at INTEGER,
    duration_ms INTEGER,
    status TEXT,
    sources INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_of_turns ON events (turn_id, event_key) WHERE turn_id IS NOT NULL;
CREATE UNIQUE INDEX events_of_sessions ON events (session_id, event_key) WHERE turn_id IS NULL;
CREATE INDEX events_by_time ON events (at);

-- Readings of rate-limit windows, as they came.
CREATE TABLE rate_limits (
    origin INTEGER NOT NULL REFERENCES origins (origin) ON DELETE CASCADE,
    observed_at INTEGER NOT NULL,
    limit_id TEXT NOT NULL DEFAULT '',
    window_minutes INTEGER NOT NULL DEFAULT 0,
    used_percent REAL,
    resets_at INTEGER,
    plan_type TEXT,
    has_credits INTEGER,
    unlimited_credits INTEGER,
    credit_balance TEXT,
    session_id TEXT,
    PRIMARY KEY (limit_id, window_minutes, observed_at, origin)
) STRICT, WITHOUT ROWID;
CREATE INDEX rate_limits_by_origin ON rate_limits (origin);

-- What Codex said that we don't know. Names and paths, never values.
CREATE TABLE drift (
    origin INTEGER NOT NULL REFERENCES origins (origin) ON DELETE CASCADE,
    codex_version TEXT NOT NULL DEFAULT '',
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    n INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (origin, codex_version, name, reason)
) STRICT, WITHOUT ROWID;

-- Traffic that passed and wasn't heard, or was heard and couldn't be kept.
CREATE TABLE gaps (
    origin INTEGER NOT NULL REFERENCES origins (origin) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    dropped_bytes INTEGER,
    session_id TEXT,
    PRIMARY KEY (origin, at, reason)
) STRICT, WITHOUT ROWID;

-- Spool files already taken in: one that couldn't be removed isn't taken twice.
CREATE TABLE spools (
    name TEXT PRIMARY KEY,
    taken_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
