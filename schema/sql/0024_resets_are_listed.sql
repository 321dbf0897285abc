-- When a window was said to reset was found along an index of all readings, which took half as much as they do.
-- Most readings of a window say the same: it is listed once, with from when to when it was said.

-- What was said of when windows reset.
CREATE TABLE window_resets (
    limit_id TEXT NOT NULL,  -- as in rate_limits
    window_minutes INTEGER NOT NULL,  -- the same
    resets_at INTEGER NOT NULL,  -- when, as it was told
    first_at INTEGER NOT NULL,  -- no reading says so before that
    last_at INTEGER NOT NULL,  -- nor after
    PRIMARY KEY (limit_id, window_minutes, resets_at)
) STRICT, WITHOUT ROWID;
INSERT INTO window_resets
SELECT limit_id, window_minutes, resets_at, min(observed_at), max(observed_at) FROM rate_limits
WHERE resets_at IS NOT NULL GROUP BY 1, 2, 3;
DROP INDEX rate_limits_by_reset;

CREATE TRIGGER reading_added AFTER INSERT ON rate_limits WHEN NEW.resets_at IS NOT NULL BEGIN
    INSERT INTO window_resets VALUES (
        NEW.limit_id, NEW.window_minutes, NEW.resets_at, NEW.observed_at, NEW.observed_at
    ) ON CONFLICT (limit_id, window_minutes, resets_at) DO UPDATE SET
        first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at);
END;
