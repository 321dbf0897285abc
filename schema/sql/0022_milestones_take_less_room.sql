-- When a milestone was is stored as how long before the reset that was, and whether it was heard live as a
-- number. Columns say what they said before. Those of a time are found by their windows: an index by time
-- took half as much as the milestones.

CREATE TABLE milestones_stored (
    limit_id TEXT NOT NULL,
    window_minutes INTEGER NOT NULL,
    window_resets_at INTEGER NOT NULL,
    percent INTEGER NOT NULL,
    at INTEGER AS (window_resets_at - reset_after),
    source TEXT AS (iif(heard_live, 'live', 'rollout')),
    cumulative_tokens INTEGER NOT NULL,
    cumulative_cost_usd REAL,
    marginal_cost_usd REAL,
    five_hour_percent REAL,
    reset_after INTEGER NOT NULL,
    heard_live INTEGER NOT NULL CHECK (heard_live IN (0, 1)),
    PRIMARY KEY (limit_id, window_minutes, window_resets_at, percent)
) STRICT, WITHOUT ROWID;

INSERT INTO milestones_stored (
    limit_id, window_minutes, window_resets_at, percent, cumulative_tokens, cumulative_cost_usd,
    marginal_cost_usd, five_hour_percent, reset_after, heard_live
)
SELECT limit_id, window_minutes, window_resets_at, percent, cumulative_tokens, cumulative_cost_usd,
    marginal_cost_usd, five_hour_percent, window_resets_at - at, source = 'live'
FROM milestones ORDER BY 1, 2, 3, 4;
DROP TABLE milestones;
ALTER TABLE milestones_stored RENAME TO milestones;

-- Those of which their window doesn't tell when they were: `ODD` of store/milestone_statements.py.
CREATE INDEX milestones_odd ON milestones (at) WHERE reset_after NOT BETWEEN 0 AND window_minutes * 120000;
