-- Rate limits as people ask of them: which window, how full, when each percent was crossed.

CREATE INDEX rate_limits_by_reset
    ON rate_limits (limit_id, window_minutes, resets_at, used_percent, observed_at);
CREATE INDEX responses_by_time ON responses (at, total_tokens, cost_usd);

-- When each whole percent of a rate-limit window was crossed, and what it took:
-- written once, never repriced.
CREATE TABLE milestones (
    limit_id TEXT NOT NULL,  -- as in rate_limits
    window_minutes INTEGER NOT NULL,  -- the window's length
    window_resets_at INTEGER NOT NULL,  -- jitter merged: the last moment told for this window
    percent INTEGER NOT NULL,  -- 1 to 100
    at INTEGER NOT NULL,  -- the earliest reading of that percent or more
    source TEXT NOT NULL CHECK (source IN ('live', 'rollout')),  -- who told of it then
    cumulative_tokens INTEGER NOT NULL,  -- of all responses from the window's beginning until then
    cumulative_cost_usd REAL,  -- of the same; unknown if any of them is unpriced
    marginal_cost_usd REAL,  -- since the percent before
    five_hour_percent REAL,  -- of the five-hour window of the same limit, then
    PRIMARY KEY (limit_id, window_minutes, window_resets_at, percent)
) STRICT, WITHOUT ROWID;
CREATE INDEX milestones_by_time ON milestones (at);

-- Windows of which logs told since their milestones were last written: that is done at a backfill's end.
CREATE TABLE windows_due (
    limit_id TEXT NOT NULL,  -- as in rate_limits
    window_minutes INTEGER NOT NULL,  -- the window's length
    resets_at INTEGER NOT NULL,  -- as it was told
    PRIMARY KEY (limit_id, window_minutes, resets_at)
) STRICT, WITHOUT ROWID;
INSERT INTO windows_due
SELECT DISTINCT limit_id, window_minutes, resets_at FROM rate_limits
WHERE resets_at IS NOT NULL AND window_minutes > 0;
