-- Readings of limits were found by who told of them along an index that took a third as much as they do. They
-- are in order of time, and a log tells of some hours: from when to when is enough.

-- A stretch of time in which an origin's readings of limits are.
CREATE TABLE reading_spans (
    origin INTEGER PRIMARY KEY REFERENCES origins (origin) ON DELETE CASCADE,
    first_at INTEGER NOT NULL,  -- it read no limit before that
    last_at INTEGER NOT NULL  -- nor after
) STRICT;
INSERT INTO reading_spans SELECT origin, min(observed_at), max(observed_at) FROM rate_limits GROUP BY origin;
DROP INDEX rate_limits_by_origin;
