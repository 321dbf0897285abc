-- What reports read whole: an index that holds all they ask for is a tenth of its table.

CREATE INDEX turns_measured ON turns (
    started_at, duration_ms, ttft_ms, tools_ms, approval_ms,
    status, model, effort, cli_version, session_id, cwd, sources
);

-- The kinds that are tool calls: `TOOLS` of core/parts.py.
CREATE INDEX tool_calls ON items (kind, name, server, status, duration_ms)
WHERE kind IN ('command', 'file_change', 'mcp_tool', 'dynamic_tool', 'web_search', 'subagent');

CREATE INDEX events_by_kind ON events (kind, at);

-- Times that can't be, or hardly, for `doctor`: indexes that are empty where all is well.
CREATE INDEX turns_backward ON turns (started_at) WHERE ended_at < started_at;
CREATE INDEX turns_late ON turns (started_at)
WHERE sources = 1 AND abs(captured_at - started_at) > 86400000;
CREATE INDEX turns_negative ON turns (started_at) WHERE duration_ms < 0;
CREATE INDEX items_negative ON items (turn_key) WHERE duration_ms < 0;
CREATE INDEX events_negative ON events (at) WHERE duration_ms < 0;
