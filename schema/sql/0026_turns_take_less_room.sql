-- Of turns too: what is one of a few words is stored as a number, of what is hexadecimal the bytes, of an end and a
-- total what they aren't made up of, and what few say in one column, as a list. Indexes name a session by its
-- number. Columns say what they said before. Ids and hashes that are there stay as they are until their turn is
-- told again.

CREATE TABLE turns_stored (
    turn_key INTEGER PRIMARY KEY,
    turn_id TEXT NOT NULL UNIQUE,
    session_id TEXT AS (
        CASE WHEN typeof(session_stored) = 'blob' THEN
            lower(hex(substr(session_stored, 1, 4))) || '-' || lower(hex(substr(session_stored, 5, 2)))
            || '-' || lower(hex(substr(session_stored, 7, 2))) || '-'
            || lower(hex(substr(session_stored, 9, 2))) || '-' || lower(hex(substr(session_stored, 11)))
        ELSE session_stored END),
    -- SQLite sees only of the first 63 columns that an index holds them.
    session_key INTEGER NOT NULL REFERENCES sessions (session_key),
    turn_index INTEGER NOT NULL,
    root_turn_id TEXT AS (CASE root_stored WHEN 0 THEN turn_id ELSE root_stored END),
    status TEXT AS (
        CASE status_stored
            WHEN 0 THEN 'completed' WHEN 1 THEN 'interrupted' WHEN 2 THEN 'failed'
            WHEN 3 THEN 'in_progress' ELSE status_stored
        END),
    status_stored ANY NOT NULL,
    error_kind TEXT AS (more ->> 0),
    started_at INTEGER,
    ended_at INTEGER AS (ended_besides + coalesce(started_at, 0) + coalesce(duration_ms, 0)),
    duration_ms INTEGER,
    duration_clock TEXT AS (
        CASE duration_clock_stored
            WHEN 0 THEN 'codex_ms' WHEN 1 THEN 'log' WHEN 2 THEN 'codex_s' WHEN 3 THEN 'wire'
            ELSE duration_clock_stored
        END),
    ttft_ms INTEGER,
    ttfm_ms INTEGER,
    model TEXT,
    effort TEXT AS (
        CASE effort_stored
            WHEN 0 THEN 'medium' WHEN 1 THEN 'high' WHEN 2 THEN 'low' WHEN 3 THEN 'xhigh'
            WHEN 4 THEN 'minimal' WHEN 5 THEN 'none' ELSE effort_stored
        END),
    effort_stored ANY,
    service_tier TEXT,
    approval_policy TEXT AS (
        CASE approval_policy_stored
            WHEN 0 THEN 'on-request' WHEN 1 THEN 'never' WHEN 2 THEN 'untrusted'
            WHEN 3 THEN 'on-failure' ELSE approval_policy_stored
        END),
    sandbox TEXT AS (
        CASE sandbox_stored
            WHEN 0 THEN 'workspace-write' WHEN 1 THEN 'danger-full-access' WHEN 2 THEN 'read-only'
            WHEN 3 THEN 'workspaceWrite' WHEN 4 THEN 'dangerFullAccess' WHEN 5 THEN 'readOnly'
            ELSE sandbox_stored
        END),
    cli_version TEXT,
    cwd TEXT,
    prompts INTEGER,
    messages INTEGER,
    reasoning_items INTEGER,
    tool_calls INTEGER,
    tool_failures INTEGER,
    approvals INTEGER,
    retries INTEGER,
    errors INTEGER,
    responses INTEGER,
    input_tokens INTEGER,
    cached_input_tokens INTEGER,
    cache_write_input_tokens INTEGER,
    output_tokens INTEGER,
    reasoning_output_tokens INTEGER,
    total_tokens INTEGER AS (coalesce(input_tokens, 0) + coalesce(output_tokens, 0) + total_besides),
    cost_usd REAL,
    context_tokens INTEGER,
    context_window INTEGER,
    start_delay_ms INTEGER,
    model_ms INTEGER,
    tools_ms INTEGER,
    approval_ms INTEGER,
    hooks_ms INTEGER,
    compaction_ms INTEGER,
    retry_ms INTEGER,
    -- Up to SQLite 3.40 at least an upsert takes for cost_usd what is stored in that one's place among all columns,
    -- the made ones too, and makes a float of it, where it is an integer. So a text stands there.
    more TEXT,
    unexplained_ms INTEGER,
    captured_at INTEGER,
    utc_offset_min INTEGER,
    sources INTEGER NOT NULL,
    sandbox_network INTEGER,
    sandbox_writable_roots INTEGER AS (more ->> 3),
    exclude_tmpdir INTEGER,
    exclude_slash_tmp INTEGER,
    truncation_policy TEXT AS (
        CASE truncation_policy_stored
            WHEN 0 THEN 'tokens:10000' WHEN 1 THEN 'bytes:10000' ELSE truncation_policy_stored
        END),
    summary_mode TEXT AS (
        CASE summary_mode_stored
            WHEN 0 THEN 'auto' WHEN 1 THEN 'none' WHEN 2 THEN 'concise' WHEN 3 THEN 'detailed'
            ELSE summary_mode_stored
        END),
    has_base_instructions INTEGER,
    has_user_instructions INTEGER,
    has_developer_instructions INTEGER,
    context_percent_left INTEGER,
    local_shell_call INTEGER,
    function_call INTEGER,
    custom_tool_call INTEGER,
    web_search_call INTEGER,
    compaction INTEGER,
    images INTEGER,
    local_images INTEGER,
    image_extensions TEXT AS (more ->> 5),
    reasoning_chars INTEGER,
    base_instructions_length INTEGER,
    base_instructions_hash TEXT AS (
        CASE WHEN typeof(base_hash_stored) = 'blob' THEN lower(hex(base_hash_stored))
        ELSE base_hash_stored END),
    user_instructions_length INTEGER,
    user_instructions_hash TEXT AS (
        CASE WHEN typeof(user_hash_stored) = 'blob' THEN lower(hex(user_hash_stored))
        ELSE user_hash_stored END),
    developer_instructions_length INTEGER AS (more ->> 6),
    developer_instructions_hash TEXT AS (more ->> 7),
    traceparent TEXT AS (more ->> 4),
    interrupt_ms INTEGER AS (more ->> 1),
    parts_source TEXT AS (
        CASE parts_source_stored
            WHEN 0 THEN 'rollout' WHEN 1 THEN 'live' ELSE parts_source_stored
        END),
    mcp_startup_ms INTEGER AS (more ->> 2),
    secret_ids TEXT AS (
        CASE WHEN typeof(secrets_stored) = 'blob' THEN '["' || lower(hex(secrets_stored)) || '"]'
        ELSE secrets_stored END),
    changed INTEGER NOT NULL DEFAULT 1,
    session_stored ANY NOT NULL,
    root_stored ANY,
    duration_clock_stored ANY,
    approval_policy_stored ANY,
    sandbox_stored ANY,
    truncation_policy_stored ANY,
    summary_mode_stored ANY,
    parts_source_stored ANY,
    ended_besides INTEGER,
    total_besides INTEGER,
    base_hash_stored ANY,
    user_hash_stored ANY,
    secrets_stored ANY,
    UNIQUE (session_key, turn_index)
) STRICT;

INSERT INTO turns_stored (
    turn_key, turn_id, turn_index, started_at, duration_ms, ttft_ms, ttfm_ms, model, service_tier,
    cli_version, cwd, prompts, messages, reasoning_items, tool_calls, tool_failures, approvals, retries, errors, responses,
    input_tokens, cached_input_tokens, cache_write_input_tokens, output_tokens, reasoning_output_tokens,
    cost_usd, context_tokens, context_window, start_delay_ms, model_ms, tools_ms, approval_ms, hooks_ms,
    compaction_ms, retry_ms, unexplained_ms, captured_at, utc_offset_min, sources, sandbox_network,
    exclude_tmpdir, exclude_slash_tmp, has_base_instructions, has_user_instructions,
    has_developer_instructions, context_percent_left, local_shell_call, function_call, custom_tool_call,
    web_search_call, compaction, images, local_images, reasoning_chars, base_instructions_length,
    user_instructions_length, changed, session_key, session_stored, root_stored, status_stored,
    duration_clock_stored, effort_stored, approval_policy_stored, sandbox_stored,
    truncation_policy_stored, summary_mode_stored, parts_source_stored, ended_besides, total_besides,
    base_hash_stored, user_hash_stored, secrets_stored, more
)
SELECT turn_key, turn_id, turn_index, started_at, duration_ms, ttft_ms, ttfm_ms, model, service_tier,
    t.cli_version, t.cwd, t.prompts, t.messages, reasoning_items, t.tool_calls, tool_failures,
    approvals, retries, errors, responses, t.input_tokens, t.cached_input_tokens, t.cache_write_input_tokens, t.output_tokens,
    t.reasoning_output_tokens, t.cost_usd, context_tokens, context_window, start_delay_ms, model_ms,
    tools_ms, approval_ms, hooks_ms, compaction_ms, retry_ms, unexplained_ms, t.captured_at, t.utc_offset_min, t.sources,
    sandbox_network, exclude_tmpdir, exclude_slash_tmp, has_base_instructions, has_user_instructions,
    has_developer_instructions, context_percent_left, local_shell_call, function_call, custom_tool_call,
    web_search_call, t.compaction, t.images, local_images, reasoning_chars, base_instructions_length,
    user_instructions_length, t.changed, s.session_key,
    t.session_id,
    CASE root_turn_id WHEN turn_id THEN 0 ELSE root_turn_id END,
    CASE status
        WHEN 'completed' THEN 0 WHEN 'interrupted' THEN 1 WHEN 'failed' THEN 2
        WHEN 'in_progress' THEN 3 ELSE status
    END,
    CASE duration_clock
        WHEN 'codex_ms' THEN 0 WHEN 'log' THEN 1 WHEN 'codex_s' THEN 2 WHEN 'wire' THEN 3
        ELSE duration_clock
    END,
    CASE effort
        WHEN 'medium' THEN 0 WHEN 'high' THEN 1 WHEN 'low' THEN 2 WHEN 'xhigh' THEN 3
        WHEN 'minimal' THEN 4 WHEN 'none' THEN 5 ELSE effort
    END,
    CASE approval_policy
        WHEN 'on-request' THEN 0 WHEN 'never' THEN 1 WHEN 'untrusted' THEN 2 WHEN 'on-failure' THEN 3
        ELSE approval_policy
    END,
    CASE sandbox
        WHEN 'workspace-write' THEN 0 WHEN 'danger-full-access' THEN 1 WHEN 'read-only' THEN 2
        WHEN 'workspaceWrite' THEN 3 WHEN 'dangerFullAccess' THEN 4 WHEN 'readOnly' THEN 5 ELSE sandbox
    END,
    CASE truncation_policy
        WHEN 'tokens:10000' THEN 0 WHEN 'bytes:10000' THEN 1 ELSE truncation_policy
    END,
    CASE summary_mode
        WHEN 'auto' THEN 0 WHEN 'none' THEN 1 WHEN 'concise' THEN 2 WHEN 'detailed' THEN 3
        ELSE summary_mode
    END,
    CASE parts_source
        WHEN 'rollout' THEN 0 WHEN 'live' THEN 1 ELSE parts_source
    END,
    -- Where these are too far apart for a number, they are no moments of a turn's and no sum of tokens.
    CASE WHEN typeof(ended_at - coalesce(started_at, 0) - coalesce(duration_ms, 0)) = 'integer'
        THEN ended_at - coalesce(started_at, 0) - coalesce(duration_ms, 0) END,
    CASE WHEN typeof(t.total_tokens - coalesce(t.input_tokens, 0) - coalesce(t.output_tokens, 0)) = 'integer'
        THEN t.total_tokens - coalesce(t.input_tokens, 0) - coalesce(t.output_tokens, 0) END,
    base_instructions_hash, user_instructions_hash, t.secret_ids,
    CASE WHEN coalesce(
        error_kind, interrupt_ms, mcp_startup_ms, sandbox_writable_roots, traceparent,
        image_extensions, developer_instructions_length, developer_instructions_hash
    ) IS NOT NULL THEN json_array(
        error_kind, interrupt_ms, mcp_startup_ms, sandbox_writable_roots, traceparent,
        image_extensions, developer_instructions_length, developer_instructions_hash
    ) END
FROM turns AS t JOIN sessions AS s USING (session_id) ORDER BY turn_key;
DROP TRIGGER session_changed;
DROP TABLE turns;
ALTER TABLE turns_stored RENAME TO turns;

CREATE INDEX turns_by_start ON turns (started_at);
CREATE INDEX turns_measured ON turns (
    started_at, duration_ms, ttft_ms, tools_ms, approval_ms,
    status_stored, model, effort_stored, cli_version, session_key, cwd, sources
);
CREATE INDEX turns_backward ON turns (started_at) WHERE ended_at < started_at;
CREATE INDEX turns_late ON turns (started_at)
WHERE sources = 1 AND abs(captured_at - started_at) > 86400000;
CREATE INDEX turns_negative ON turns (started_at) WHERE duration_ms < 0;
-- How many each source told of: those of logs alone, most of them, are all the others.
CREATE INDEX turns_heard ON turns (sources) WHERE sources <> 2;
CREATE INDEX turns_by_change ON turns (changed, turn_key);
-- Ours goes by session_key; who asks by the id, in SQL of their own, shall not wait for all turns either.
CREATE INDEX turns_by_session ON turns (session_id);

CREATE TRIGGER turn_added AFTER INSERT ON turns BEGIN
    DELETE FROM sorted_blocks WHERE block = NEW.turn_key / 32768;
END;
CREATE TRIGGER turn_removed AFTER DELETE ON turns BEGIN
    DELETE FROM sorted_blocks WHERE block = OLD.turn_key / 32768;
END;
CREATE TRIGGER turn_changed AFTER UPDATE OF
    turn_key, session_key, status_stored, started_at, duration_ms, ttft_ms, tools_ms, approval_ms,
    model, effort_stored, cli_version, cwd
ON turns WHEN
    (OLD.turn_key, OLD.session_key, OLD.status_stored, OLD.started_at, OLD.duration_ms, OLD.ttft_ms,
     OLD.tools_ms, OLD.approval_ms, OLD.model, OLD.effort_stored, OLD.cli_version, OLD.cwd)
    IS NOT
    (NEW.turn_key, NEW.session_key, NEW.status_stored, NEW.started_at, NEW.duration_ms, NEW.ttft_ms,
     NEW.tools_ms, NEW.approval_ms, NEW.model, NEW.effort_stored, NEW.cli_version, NEW.cwd)
BEGIN
    DELETE FROM sorted_blocks WHERE block IN (OLD.turn_key / 32768, NEW.turn_key / 32768);
END;
CREATE TRIGGER session_changed AFTER UPDATE OF
    session_id, client_name, originator, git_repo, cwd
ON sessions WHEN
    (OLD.session_id, OLD.client_name, OLD.originator, OLD.git_repo, OLD.cwd)
    IS NOT
    (NEW.session_id, NEW.client_name, NEW.originator, NEW.git_repo, NEW.cwd)
BEGIN
    DELETE FROM sorted_blocks WHERE block IN (
        SELECT turn_key / 32768 FROM turns WHERE session_key = NEW.session_key);
END;
CREATE TRIGGER turn_left AFTER DELETE ON turns BEGIN
    INSERT INTO removed SELECT 'turn', OLD.turn_id, OLD.started_at / 86400000, number FROM saves WHERE true
    ON CONFLICT DO UPDATE SET number = excluded.number;
END;
CREATE TRIGGER turn_moved AFTER UPDATE OF started_at ON turns
WHEN OLD.started_at / 86400000 IS NOT NEW.started_at / 86400000 BEGIN
    INSERT INTO removed SELECT 'turn', OLD.turn_id, OLD.started_at / 86400000, number FROM saves WHERE true
    ON CONFLICT DO UPDATE SET number = excluded.number;
END;
