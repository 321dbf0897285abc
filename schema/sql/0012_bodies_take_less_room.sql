-- What was told is stored as it is by row: such rows don't fit into an index, and took twice their size.
-- From now on bodies, and the states of readers, are compressed as well; those that are there stay as
-- they are until they are told again.

CREATE TABLE told_turns_as_rows (
    turn_id TEXT NOT NULL,
    origin INTEGER NOT NULL REFERENCES origins (origin) ON DELETE CASCADE,
    body BLOB NOT NULL,  -- msgpack of `core.facts`, zlib
    PRIMARY KEY (turn_id, origin)
) STRICT;
INSERT INTO told_turns_as_rows SELECT turn_id, origin, body FROM told_turns;
DROP TABLE told_turns;
ALTER TABLE told_turns_as_rows RENAME TO told_turns;
CREATE INDEX told_turns_by_origin ON told_turns (origin);
