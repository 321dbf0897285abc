-- What many machines send: one row a turn with all that belongs to it, so that a turn that is sent again
-- replaces itself whole, in whatever order and however often. Read them with FINAL, or through the views.
-- `/* ENGINE */` and `/* CLUSTER */` are filled in as the settings say.

CREATE TABLE IF NOT EXISTS schema_versions /* CLUSTER */ (
    version UInt16 COMMENT 'the number of the last of these files that was applied',
    applied_at DateTime DEFAULT now() COMMENT 'when'
) ENGINE = /* ENGINE */MergeTree ORDER BY version
COMMENT 'Which of schema/clickhouse was applied.';

-- A key must never change, or what is sent again stands beside what it should replace. So the key has the
-- day (what moves to another is told) and not the project, which may be learnt later or hashed.
CREATE TABLE IF NOT EXISTS turns /* CLUSTER */ (
    machine LowCardinality(String) COMMENT 'whose it is: a keyed hash, or what the team calls the machine',
    user LowCardinality(String) COMMENT 'the same of the person',
    day Date COMMENT 'on which it began, UTC; 1970-01-01 where that isn''t known',
    turn_id String COMMENT 'Codex''s own id; of old releases session:launch:n',
    session_id String COMMENT 'Codex''s thread id',
    turn_key Int64 COMMENT 'the order in which its database heard of it',
    turn_index Int64 COMMENT 'from 0, by start, within the session',
    root_turn_id Nullable(String) COMMENT 'the turn at the top of the tree that it is a subagent''s part of',
    status LowCardinality(String) COMMENT 'completed, interrupted, failed, in_progress',
    error_kind LowCardinality(Nullable(String)) COMMENT 'the kind of its error, by Codex; never a text',
    started_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when Codex began it',
    ended_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when it ended',
    duration_ms Nullable(Int64) COMMENT 'how long it took, by duration_clock',
    duration_clock LowCardinality(Nullable(String)) COMMENT 'codex_ms, wire, codex_s, log',
    ttft_ms Nullable(Int64) COMMENT 'to the first output of any kind',
    ttfm_ms Nullable(Int64) COMMENT 'to the first message',
    model LowCardinality(Nullable(String)) COMMENT 'the model''s name',
    effort LowCardinality(Nullable(String)) COMMENT 'reasoning effort',
    service_tier LowCardinality(Nullable(String)) COMMENT 'the tier it was asked of',
    approval_policy LowCardinality(Nullable(String)) COMMENT 'when Codex asks for permission',
    sandbox LowCardinality(Nullable(String)) COMMENT 'the kind of sandbox',
    cli_version LowCardinality(Nullable(String)) COMMENT 'the Codex that ran the turn',
    cwd LowCardinality(Nullable(String)) COMMENT 'the working folder',
    prompts Nullable(Int64) COMMENT 'what a person or client sent, never injected context',
    messages Nullable(Int64) COMMENT 'messages of the model',
    reasoning_items Nullable(Int64) COMMENT 'how often the model reasoned',
    tool_calls Nullable(Int64) COMMENT 'commands, file changes, MCP and dynamic tools, web searches, subagents',
    tool_failures Nullable(Int64) COMMENT 'without the declined ones',
    approvals Nullable(Int64) COMMENT 'requests for a permission',
    retries Nullable(Int64) COMMENT 'how often Codex asked the model again',
    errors Nullable(Int64) COMMENT 'how many errors there were',
    responses Nullable(Int64) COMMENT 'responses of the model',
    input_tokens Nullable(Int64) COMMENT 'tokens sent to the model, cached ones included',
    cached_input_tokens Nullable(Int64) COMMENT 'those of input_tokens that were cached',
    cache_write_input_tokens Nullable(Int64) COMMENT 'those of input_tokens that were written to the cache',
    output_tokens Nullable(Int64) COMMENT 'tokens of the model, reasoning included',
    reasoning_output_tokens Nullable(Int64) COMMENT 'those of output_tokens that were reasoning',
    total_tokens Nullable(Int64) COMMENT 'input_tokens and output_tokens',
    cost_usd Nullable(Float64) COMMENT 'what the API would charge (US dollars); never a bill',
    context_tokens Nullable(Int64) COMMENT 'in the context after the last response',
    context_window Nullable(Int64) COMMENT 'how many tokens the context may hold',
    start_delay_ms Nullable(Int64) COMMENT 'the eight parts add up to duration_ms',
    model_ms Nullable(Int64) COMMENT 'the model, Codex''s own overhead included',
    tools_ms Nullable(Int64) COMMENT 'tools that ran',
    approval_ms Nullable(Int64) COMMENT 'waiting for an approval',
    hooks_ms Nullable(Int64) COMMENT 'hooks that ran',
    compaction_ms Nullable(Int64) COMMENT 'compacting the context',
    retry_ms Nullable(Int64) COMMENT 'from an error to the next output',
    unexplained_ms Nullable(Int64) COMMENT 'what nothing told of',
    parts_source LowCardinality(Nullable(String)) COMMENT 'who told where its time went: live, rollout',
    interrupt_ms Nullable(Int64) COMMENT 'from the request to interrupt it to its end',
    mcp_startup_ms Nullable(Int64) COMMENT 'MCP servers that were starting: a part of start_delay_ms',
    traceparent Nullable(String) COMMENT 'the trace context the client passed (W3C)',
    captured_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when this machine first heard of it',
    utc_offset_min Nullable(Int64) COMMENT 'this machine''s offset from UTC then, minutes',
    secret_ids LowCardinality(Nullable(String)) COMMENT 'JSON array: ids of the secrets its keyed hashes are made with',
    sources UInt8 COMMENT '1 live, 2 rollout, 3 both',
    `items.kind` Array(LowCardinality(String)) COMMENT 'tool calls, compactions, hooks and so on, in order of start; no messages',
    `items.name` Array(LowCardinality(Nullable(String))) COMMENT 'a tool''s name; of a command its word or a keyed hash of it',
    `items.server` Array(LowCardinality(Nullable(String))) COMMENT 'of an MCP tool',
    `items.status` Array(LowCardinality(String)) COMMENT 'in_progress, completed, failed, declined, unfinished',
    `items.started_at` Array(Nullable(DateTime64(3, 'UTC'))) COMMENT 'when it began',
    `items.duration_ms` Array(Nullable(Int64)) COMMENT 'without the wait for an approval',
    `items.approval_ms` Array(Nullable(Int64)) COMMENT 'that wait',
    `items.exit_code` Array(Nullable(Int64)) COMMENT 'of a command',
    `items.output_bytes` Array(Nullable(Int64)) COMMENT 'how much it gave',
    `used.model` Array(LowCardinality(Nullable(String))) COMMENT 'responses of the model, in order',
    `used.at` Array(Nullable(DateTime64(3, 'UTC'))) COMMENT 'when it was complete',
    `used.input_tokens` Array(Nullable(Int64)) COMMENT 'tokens sent to the model, cached ones included',
    `used.cached_input_tokens` Array(Nullable(Int64)) COMMENT 'those of them that were cached',
    `used.cache_write_input_tokens` Array(Nullable(Int64)) COMMENT 'those of them that were written to the cache',
    `used.output_tokens` Array(Nullable(Int64)) COMMENT 'tokens of the model, reasoning included',
    `used.reasoning_output_tokens` Array(Nullable(Int64)) COMMENT 'those of them that were reasoning',
    `used.total_tokens` Array(Nullable(Int64)) COMMENT 'input and output',
    `used.cost_usd` Array(Nullable(Float64)) COMMENT 'what the API would charge, by the sender''s prices',
    `events.kind` Array(LowCardinality(String)) COMMENT 'what happened: error, retry, approval and so on',
    `events.name` Array(LowCardinality(Nullable(String))) COMMENT 'a name of Codex''s; of a server that starts its name',
    `events.at` Array(Nullable(DateTime64(3, 'UTC'))) COMMENT 'when it happened',
    `events.duration_ms` Array(Nullable(Int64)) COMMENT 'how long it took',
    `events.status` Array(LowCardinality(Nullable(String))) COMMENT 'how it ended',
    database LowCardinality(String) COMMENT 'the id of the database that sent it, at random',
    version UInt64 COMMENT 'of two rows of one key the higher one counts: (since when that database sends) * 2^32 + number of its save',
    is_deleted UInt8 DEFAULT 0 COMMENT '1: it isn''t there any more',
    INDEX by_project cwd TYPE bloom_filter GRANULARITY 4,
    INDEX by_session session_id TYPE bloom_filter GRANULARITY 4
) ENGINE = /* ENGINE */ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(day) ORDER BY (machine, day, turn_id)
COMMENT 'Turns of all machines, each with its tool calls, responses and events.';

-- Not by month: when a session was made may be learnt later, and they are few.
CREATE TABLE IF NOT EXISTS sessions /* CLUSTER */ (
    machine LowCardinality(String) COMMENT 'whose it is: a keyed hash, or what the team calls the machine',
    user LowCardinality(String) COMMENT 'the same of the person',
    session_id String COMMENT 'Codex''s thread id',
    session_key Int64 COMMENT 'the order in which its database heard of it',
    root_session_id Nullable(String) COMMENT 'the thread at the top of the tree: Codex''s own `sessionId`',
    parent_session_id Nullable(String) COMMENT 'the thread that made this one: of a subagent or review',
    forked_from_id Nullable(String) COMMENT 'the thread whose history it goes on from',
    relation LowCardinality(Nullable(String)) COMMENT 'root, fork, subagent, review',
    source LowCardinality(Nullable(String)) COMMENT 'cli, vscode, exec, mcp, subagent, review',
    originator LowCardinality(Nullable(String)) COMMENT 'the program that opened the thread, by Codex',
    client_name LowCardinality(Nullable(String)) COMMENT 'the client that spoke to the app-server',
    client_version LowCardinality(Nullable(String)) COMMENT 'its version',
    cli_version LowCardinality(Nullable(String)) COMMENT 'the Codex that made the thread',
    model_provider LowCardinality(Nullable(String)) COMMENT 'where the model is asked',
    models LowCardinality(Nullable(String)) COMMENT 'JSON array, in order of first use',
    cwd LowCardinality(Nullable(String)) COMMENT 'the working folder',
    git_branch LowCardinality(Nullable(String)) COMMENT 'the branch when the thread was made',
    git_commit Nullable(String) COMMENT 'the commit when the thread was made',
    git_repo LowCardinality(Nullable(String)) COMMENT 'a keyed hash of the repository''s address',
    created_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when Codex made the thread',
    last_at Nullable(DateTime64(3, 'UTC')) COMMENT 'the last thing heard of it',
    archived Nullable(Int64) COMMENT '1 if Codex keeps it in its archive',
    turns Int64 COMMENT 'how many turns it has',
    turns_interrupted Int64 COMMENT 'how many were interrupted',
    turns_failed Int64 COMMENT 'how many failed',
    prompts Nullable(Int64) COMMENT 'what a person or client sent, never injected context',
    messages Nullable(Int64) COMMENT 'messages of the model',
    tool_calls Nullable(Int64) COMMENT 'commands, file changes, MCP and dynamic tools, web searches, subagents',
    compactions Nullable(Int64) COMMENT 'how often its context was compacted',
    rollbacks Nullable(Int64) COMMENT 'how often turns were taken back',
    reviews Nullable(Int64) COMMENT 'how many reviews it was asked for',
    images Nullable(Int64) COMMENT 'images attached to prompts',
    input_tokens Nullable(Int64) COMMENT 'tokens sent to the model, cached ones included',
    cached_input_tokens Nullable(Int64) COMMENT 'those of input_tokens that were cached',
    cache_write_input_tokens Nullable(Int64) COMMENT 'those of input_tokens that were written to the cache',
    output_tokens Nullable(Int64) COMMENT 'tokens of the model, reasoning included',
    reasoning_output_tokens Nullable(Int64) COMMENT 'those of output_tokens that were reasoning',
    total_tokens Nullable(Int64) COMMENT 'input_tokens and output_tokens',
    cost_usd Nullable(Float64) COMMENT 'what the API would charge (US dollars); never a bill',
    rollout_path Nullable(String) COMMENT 'relative to its home',
    opted_out LowCardinality(Nullable(String)) COMMENT 'JSON array: notifications its client didn''t hear',
    captured_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when this machine first heard of it',
    utc_offset_min Nullable(Int64) COMMENT 'this machine''s offset from UTC then',
    secret_ids LowCardinality(Nullable(String)) COMMENT 'JSON array: ids of the secrets its keyed hashes are made with',
    sources UInt8 COMMENT '1 live, 2 rollout, 3 both',
    database LowCardinality(String) COMMENT 'the id of the database that sent it, at random',
    version UInt64 COMMENT 'as in turns',
    is_deleted UInt8 DEFAULT 0 COMMENT '1: it isn''t there any more'
) ENGINE = /* ENGINE */ReplacingMergeTree(version, is_deleted)
ORDER BY (machine, session_id)
COMMENT 'Threads of Codex of all machines.';

CREATE TABLE IF NOT EXISTS limits /* CLUSTER */ (
    machine LowCardinality(String) COMMENT 'who told it: a keyed hash, or what the team calls the machine',
    user LowCardinality(String) COMMENT 'the same of the person',
    limit_id LowCardinality(String) COMMENT 'which limit, by Codex; empty where it doesn''t say',
    window_minutes Int64 COMMENT 'how long its window is; 0 where that isn''t known',
    observed_at DateTime64(3, 'UTC') COMMENT 'when it was told: of five minutes the last one',
    used_percent Nullable(Float64) COMMENT 'how full it was',
    resets_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when the window ends',
    plan_type LowCardinality(Nullable(String)) COMMENT 'the plan of the account',
    version UInt64 COMMENT 'as in turns'
) ENGINE = /* ENGINE */ReplacingMergeTree(version)
PARTITION BY toYYYYMM(observed_at) ORDER BY (machine, limit_id, window_minutes, observed_at)
COMMENT 'How full rate limits were.';

CREATE VIEW IF NOT EXISTS items /* CLUSTER */ AS
SELECT machine, user, day, session_id, turn_id, status AS turn_status, kind, name, server, item_status AS status,
    item_started_at AS started_at, item_ms AS duration_ms, wait_ms AS approval_ms, exit_code, output_bytes
FROM turns FINAL
ARRAY JOIN `items.kind` AS kind, `items.name` AS name, `items.server` AS server,
    `items.status` AS item_status, `items.started_at` AS item_started_at, `items.duration_ms` AS item_ms,
    `items.approval_ms` AS wait_ms, `items.exit_code` AS exit_code, `items.output_bytes` AS output_bytes;

CREATE VIEW IF NOT EXISTS responses /* CLUSTER */ AS
SELECT machine, user, day, session_id, turn_id, service_tier, its_model AS model, coalesce(its_at, started_at) AS at,
    its_input AS input_tokens, its_cached AS cached_input_tokens, its_written AS cache_write_input_tokens,
    its_output AS output_tokens, its_reasoning AS reasoning_output_tokens, its_total AS total_tokens, its_cost AS cost_usd
FROM turns FINAL
ARRAY JOIN `used.model` AS its_model, `used.at` AS its_at, `used.input_tokens` AS its_input,
    `used.cached_input_tokens` AS its_cached, `used.cache_write_input_tokens` AS its_written,
    `used.output_tokens` AS its_output, `used.reasoning_output_tokens` AS its_reasoning,
    `used.total_tokens` AS its_total, `used.cost_usd` AS its_cost;

CREATE VIEW IF NOT EXISTS events /* CLUSTER */ AS
SELECT machine, user, day, session_id, turn_id, kind, name, at, took_ms AS duration_ms, event_status AS status
FROM turns FINAL
ARRAY JOIN `events.kind` AS kind, `events.name` AS name, `events.at` AS at,
    `events.duration_ms` AS took_ms, `events.status` AS event_status;
