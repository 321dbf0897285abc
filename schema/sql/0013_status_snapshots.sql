-- What Codex says of itself on a terminal.

-- What a status panel said, or the line that Codex left with. As it was said: the numbers of a panel are
-- rounded to three digits, and input and total leave out what was cached.
CREATE TABLE status_snapshots (
    origin INTEGER NOT NULL REFERENCES origins (origin) ON DELETE CASCADE,  -- the launch
    at INTEGER NOT NULL,  -- when it was shown
    kind TEXT NOT NULL CHECK (kind IN ('panel', 'exit')),  -- panel: of `/status`; exit: the last line
    session_id TEXT,
    model TEXT,  -- as it is called there: from 0.169 on a name for people
    cwd TEXT,  -- unknown where it was too long to be shown whole
    total_tokens INTEGER,  -- without what was cached
    input_tokens INTEGER,  -- without what was cached
    cached_input_tokens INTEGER,  -- beside the input; a panel doesn't tell
    output_tokens INTEGER,
    reasoning_output_tokens INTEGER,  -- a part of the output; a panel doesn't tell
    context_used INTEGER,  -- tokens
    context_total INTEGER,  -- tokens
    five_hour_left_percent INTEGER,  -- of the limit of five hours
    five_hour_resets_at INTEGER,  -- to the minute, by this machine's time zone
    weekly_left_percent INTEGER,  -- of the limit of a week
    weekly_resets_at INTEGER,  -- to the minute, by this machine's time zone
    secret_id TEXT,  -- with which secret the folder is hashed, if it is
    PRIMARY KEY (origin, at, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX status_snapshots_by_time ON status_snapshots (at);
