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

-- What only a rollout tells of a turn: how many of Codex's own kinds of item, and of the
-- instructions only that they were there, how long (characters) and a keyed hash.
ALTER TABLE turns ADD COLUMN context_percent_left INTEGER;
ALTER TABLE turns ADD COLUMN local_shell_call INTEGER;
ALTER TABLE turns ADD COLUMN function_call INTEGER;
ALTER TABLE turns ADD COLUMN custom_tool_call INTEGER;
ALTER TABLE turns ADD COLUMN web_search_call INTEGER;
ALTER TABLE turns ADD COLUMN compaction INTEGER;
ALTER TABLE turns ADD COLUMN images INTEGER;
ALTER TABLE turns ADD COLUMN local_images INTEGER;
ALTER TABLE turns ADD COLUMN image_extensions TEXT;  -- JSON: a local image's extension to how many
ALTER TABLE turns ADD COLUMN reasoning_chars INTEGER;
ALTER TABLE turns ADD COLUMN base_instructions_length INTEGER;
ALTER TABLE turns ADD COLUMN base_instructions_hash TEXT;
ALTER TABLE turns ADD COLUMN user_instructions_length INTEGER;
ALTER TABLE turns ADD COLUMN user_instructions_hash TEXT;
ALTER TABLE turns ADD COLUMN developer_instructions_length INTEGER;
ALTER TABLE turns ADD COLUMN developer_instructions_hash TEXT;
ALTER TABLE items ADD COLUMN command_hash TEXT;  -- keyed; only where the user asked for it
