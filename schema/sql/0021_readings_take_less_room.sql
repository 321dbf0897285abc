-- Of the thread's id that a reading of a limit came under the bytes are stored, not the text. Columns say what
-- they said before. Ids that are there stay as they are.

CREATE TABLE rate_limits_stored (
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
    session_id TEXT AS (
        CASE WHEN typeof(session_stored) = 'blob' THEN
            lower(hex(substr(session_stored, 1, 4))) || '-' || lower(hex(substr(session_stored, 5, 2)))
            || '-' || lower(hex(substr(session_stored, 7, 2))) || '-'
            || lower(hex(substr(session_stored, 9, 2))) || '-' || lower(hex(substr(session_stored, 11)))
        ELSE session_stored END),
    session_stored ANY,
    PRIMARY KEY (limit_id, window_minutes, observed_at, origin)
) STRICT, WITHOUT ROWID;
INSERT INTO rate_limits_stored SELECT * FROM rate_limits ORDER BY 3, 4, 2, 1;
DROP TABLE rate_limits;
ALTER TABLE rate_limits_stored RENAME TO rate_limits;
CREATE INDEX rate_limits_by_origin ON rate_limits (origin);
CREATE INDEX rate_limits_by_reset
    ON rate_limits (limit_id, window_minutes, resets_at, used_percent, observed_at);
