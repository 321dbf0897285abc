-- How far other systems are that are sent what is stored. A row moves on once they have taken what comes before.
CREATE TABLE sink_cursors (
    sink TEXT PRIMARY KEY,  -- what is sent and how: otlp, clickhouse
    target TEXT NOT NULL,  -- to where, without anything secret in it
    number INTEGER NOT NULL,  -- of the save of which everything before was sent
    rank INTEGER NOT NULL,  -- in the middle of that save: which kind of change
    key INTEGER NOT NULL,  -- and the last one sent of that kind
    begun_at INTEGER NOT NULL,  -- ms UTC: since when it counts
    sent_at INTEGER,  -- ms UTC: when something was last taken there
    sent INTEGER NOT NULL DEFAULT 0,  -- turns that were taken, those sent again counted again
    rejected INTEGER NOT NULL DEFAULT 0,  -- turns that were refused for good, wholly or in part
    error TEXT,  -- why it doesn't get on now, in our words; null: it does
    error_at INTEGER,  -- ms UTC: since when
    state BLOB  -- what else the sink has to remember
) STRICT;
