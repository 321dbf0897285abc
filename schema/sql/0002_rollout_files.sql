-- How far each rollout file is read, so that it is read once.
CREATE TABLE rollout_files (
    origin INTEGER PRIMARY KEY REFERENCES origins (origin) ON DELETE CASCADE,
    home TEXT NOT NULL,  -- the home of Codex it lies in
    path TEXT NOT NULL,  -- relative to its home
    size INTEGER NOT NULL,  -- of the file as it was found
    mtime_ns INTEGER NOT NULL,
    read_to INTEGER NOT NULL,  -- bytes (uncompressed), at the end of a line
    head BLOB NOT NULL,  -- digests of what stood at both ends of what was read
    tail BLOB NOT NULL,
    state BLOB NOT NULL,  -- what the reader has to remember to go on (msgpack)
    lines INTEGER NOT NULL,
    skipped_lines INTEGER NOT NULL
) STRICT;
