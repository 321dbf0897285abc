-- Of what origins told of turns, some turns share a body: each alone takes half as much again. What is
-- there already stays in bodies of one turn, until that is told again.

CREATE TABLE told_bodies (
    told_body INTEGER PRIMARY KEY,
    turns INTEGER NOT NULL,  -- of how many it tells
    body BLOB NOT NULL  -- msgpack of `core.facts`, zstd: store/bodies.py
) STRICT;
INSERT INTO told_bodies SELECT rowid, 1, body FROM told_turns;

-- In which bodies there is something that an origin told.
CREATE TABLE told_by_origin (
    origin INTEGER NOT NULL REFERENCES origins (origin) ON DELETE CASCADE,
    told_body INTEGER NOT NULL,  -- in told_bodies
    PRIMARY KEY (origin, told_body)
) STRICT, WITHOUT ROWID;
INSERT INTO told_by_origin SELECT origin, rowid FROM told_turns ORDER BY 1, 2;

CREATE TABLE told_turns_by_body (
    turn_id TEXT NOT NULL,
    origin INTEGER NOT NULL REFERENCES origins (origin) ON DELETE CASCADE,
    told_body INTEGER NOT NULL,
    PRIMARY KEY (turn_id, origin)
) STRICT, WITHOUT ROWID;
INSERT INTO told_turns_by_body SELECT turn_id, origin, rowid FROM told_turns ORDER BY 1, 2;
DROP TABLE told_turns;
ALTER TABLE told_turns_by_body RENAME TO told_turns;
