-- Content that the user asked to keep, by folder and kind. Nothing else holds any.

-- A project's public key: what is sealed with it, only the user's private key opens.
CREATE TABLE keys (
    key_id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given again
    project TEXT NOT NULL UNIQUE,  -- the real path of a folder
    public BLOB NOT NULL,  -- X25519; zeros once the private one is destroyed
    kept_in TEXT NOT NULL CHECK (kept_in IN ('keyring', 'file')),  -- where the private one is
    created_at INTEGER NOT NULL  -- when it was made
) STRICT;

-- What the user granted, each time it was said: of a folder the latest row holds.
CREATE TABLE grants (
    grant_id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given again
    project TEXT NOT NULL,  -- the real path of a folder: it covers what is under it too
    kinds TEXT NOT NULL,  -- JSON array: prompt, response, reasoning, tool_args, tool_output, title
    created_at INTEGER NOT NULL,  -- what was written before isn't meant
    expires_at INTEGER,  -- what is written from then on isn't meant
    ended_at INTEGER,  -- when it was taken back, or another took its place
    key_id INTEGER NOT NULL REFERENCES keys (key_id)  -- the key by which its content is sealed
) STRICT;
CREATE INDEX grants_by_project ON grants (project);

-- What was kept of an item, sealed: `capture show` opens it.
CREATE TABLE content (
    content_id INTEGER PRIMARY KEY,  -- ours
    grant_id INTEGER NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,  -- what allows it
    session_id TEXT NOT NULL,  -- Codex's thread id
    turn_id TEXT,  -- of a title NULL: it is a session's
    item_id TEXT NOT NULL,  -- as in items; made up where its source gives none
    nth INTEGER,  -- of content that its source gives no id: which of its kind in the turn
    kind TEXT NOT NULL,  -- as in grants
    at INTEGER NOT NULL,  -- when it was written
    size INTEGER NOT NULL,  -- bytes of its text, what was cut included
    cut_bytes INTEGER NOT NULL,  -- bytes that weren't kept
    redactions INTEGER NOT NULL,  -- secrets in it that were replaced
    sealed BLOB NOT NULL  -- a libsodium sealed box
) STRICT;
CREATE UNIQUE INDEX content_by_item ON content (coalesce(turn_id, session_id), item_id, kind);
CREATE INDEX content_by_grant ON content (grant_id);
CREATE INDEX content_by_session ON content (session_id);
