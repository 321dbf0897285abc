-- Sums by day, for charts over months. A view that adds up what is inserted would count what is sent again
-- twice; these are made anew from rows that count, every hour, and take the place of the former as a whole.
-- Each replica makes its own: the tables they go into aren't replicated.

CREATE TABLE IF NOT EXISTS daily /* CLUSTER */ (
    day Date COMMENT 'on which turns began, UTC',
    machine LowCardinality(String) COMMENT 'as in turns',
    user LowCardinality(String) COMMENT 'as in turns',
    model LowCardinality(String) COMMENT 'as in turns; empty where that isn''t known',
    turns SimpleAggregateFunction(sum, UInt64) COMMENT 'how many',
    failed SimpleAggregateFunction(sum, UInt64) COMMENT 'of them failed',
    interrupted SimpleAggregateFunction(sum, UInt64) COMMENT 'of them interrupted',
    duration_ms SimpleAggregateFunction(sum, Int64) COMMENT 'of those where it is known',
    start_delay_ms SimpleAggregateFunction(sum, Int64) COMMENT 'a part of that',
    model_ms SimpleAggregateFunction(sum, Int64) COMMENT 'a part of that',
    tools_ms SimpleAggregateFunction(sum, Int64) COMMENT 'a part of that',
    approval_ms SimpleAggregateFunction(sum, Int64) COMMENT 'a part of that',
    hooks_ms SimpleAggregateFunction(sum, Int64) COMMENT 'a part of that',
    compaction_ms SimpleAggregateFunction(sum, Int64) COMMENT 'a part of that',
    retry_ms SimpleAggregateFunction(sum, Int64) COMMENT 'a part of that',
    unexplained_ms SimpleAggregateFunction(sum, Int64) COMMENT 'a part of that',
    tool_calls SimpleAggregateFunction(sum, Int64) COMMENT 'how many',
    tool_failures SimpleAggregateFunction(sum, Int64) COMMENT 'without the declined ones',
    input_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'as in turns',
    cached_input_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'as in turns',
    output_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'as in turns',
    total_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'as in turns',
    cost_usd SimpleAggregateFunction(sum, Float64) COMMENT 'of turns all of whose tokens have a known price',
    duration AggregateFunction(quantilesTDigest(0.5, 0.9, 0.95, 0.99), Float64) COMMENT 'percentiles, nearly exact: quantilesTDigestMerge',
    ttft AggregateFunction(quantilesTDigest(0.5, 0.9, 0.95, 0.99), Float64) COMMENT 'the same, to the first output'
) ENGINE = AggregatingMergeTree PARTITION BY toYear(day) ORDER BY (day, user, machine, model)
COMMENT 'Turns by day, made anew every hour.';

CREATE MATERIALIZED VIEW IF NOT EXISTS daily_refresh /* CLUSTER */ REFRESH EVERY 1 HOUR TO daily AS
SELECT t.day AS day, t.machine AS machine, t.user AS user, ifNull(t.model, '') AS model,
    count() AS turns, countIf(t.status = 'failed') AS failed, countIf(t.status = 'interrupted') AS interrupted,
    ifNull(sum(t.duration_ms), 0) AS duration_ms, ifNull(sum(t.start_delay_ms), 0) AS start_delay_ms,
    ifNull(sum(t.model_ms), 0) AS model_ms, ifNull(sum(t.tools_ms), 0) AS tools_ms,
    ifNull(sum(t.approval_ms), 0) AS approval_ms, ifNull(sum(t.hooks_ms), 0) AS hooks_ms,
    ifNull(sum(t.compaction_ms), 0) AS compaction_ms, ifNull(sum(t.retry_ms), 0) AS retry_ms,
    ifNull(sum(t.unexplained_ms), 0) AS unexplained_ms, ifNull(sum(t.tool_calls), 0) AS tool_calls,
    ifNull(sum(t.tool_failures), 0) AS tool_failures, ifNull(sum(t.input_tokens), 0) AS input_tokens,
    ifNull(sum(t.cached_input_tokens), 0) AS cached_input_tokens, ifNull(sum(t.output_tokens), 0) AS output_tokens,
    ifNull(sum(t.total_tokens), 0) AS total_tokens, ifNull(sum(t.cost_usd), 0) AS cost_usd,
    quantilesTDigestStateIf(0.5, 0.9, 0.95, 0.99)(toFloat64(ifNull(t.duration_ms, 0)), isNotNull(t.duration_ms)) AS duration,
    quantilesTDigestStateIf(0.5, 0.9, 0.95, 0.99)(toFloat64(ifNull(t.ttft_ms, 0)), isNotNull(t.ttft_ms)) AS ttft
FROM turns AS t FINAL GROUP BY day, machine, user, model;

CREATE TABLE IF NOT EXISTS daily_tools /* CLUSTER */ (
    day Date COMMENT 'on which their turns began, UTC',
    kind LowCardinality(String) COMMENT 'as in items',
    name LowCardinality(String) COMMENT 'as in items; empty where it has none',
    calls SimpleAggregateFunction(sum, UInt64) COMMENT 'how many',
    failures SimpleAggregateFunction(sum, UInt64) COMMENT 'of them failed',
    declines SimpleAggregateFunction(sum, UInt64) COMMENT 'of them declined',
    duration AggregateFunction(quantilesTDigest(0.5, 0.95), Float64) COMMENT 'percentiles, nearly exact: quantilesTDigestMerge'
) ENGINE = AggregatingMergeTree PARTITION BY toYear(day) ORDER BY (day, kind, name)
COMMENT 'Tool calls by day, made anew every hour.';

CREATE MATERIALIZED VIEW IF NOT EXISTS daily_tools_refresh /* CLUSTER */ REFRESH EVERY 1 HOUR TO daily_tools AS
SELECT i.day AS day, i.kind AS kind, ifNull(i.name, '') AS name, count() AS calls,
    countIf(i.status = 'failed') AS failures, countIf(i.status = 'declined') AS declines,
    quantilesTDigestStateIf(0.5, 0.95)(toFloat64(ifNull(i.duration_ms, 0)), isNotNull(i.duration_ms) AND i.status != 'declined') AS duration
FROM items AS i
WHERE i.kind IN ('command', 'file_change', 'mcp_tool', 'dynamic_tool', 'web_search', 'subagent')
GROUP BY day, kind, name;
