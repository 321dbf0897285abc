-- What reports read whole: an index that holds all they ask for is a tenth of its table.

CREATE INDEX turns_measured ON turns (
    started_at, duration_ms, ttft_ms, tools_ms, approval_ms,
    status, model, effort, cli_version, session_id, cwd
);

-- The kinds that are tool calls: `TOOLS` of core/parts.py.
CREATE INDEX tool_calls ON items (kind, name, server, status, duration_ms)
WHERE kind IN ('command', 'file_change', 'mcp_tool', 'dynamic_tool', 'web_search', 'subagent');

CREATE INDEX events_by_kind ON events (kind, at);
