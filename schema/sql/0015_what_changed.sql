-- Which save changed what, so that a sink can read on from where it was.

-- One row: how many transactions changed something, and whose count that is.
CREATE TABLE saves (
    number INTEGER NOT NULL,  -- of the last one; what an older version wrote counts as changed by the first
    database TEXT NOT NULL,  -- an id of this database, at random
    history TEXT NOT NULL  -- another one after each `restore`: numbers from before say nothing then
) STRICT;
INSERT INTO saves VALUES (1, lower(hex(randomblob(8))), lower(hex(randomblob(8))));

ALTER TABLE turns ADD COLUMN changed INTEGER NOT NULL DEFAULT 1;  -- the number of the last save that wrote it, its items, responses or events
ALTER TABLE sessions ADD COLUMN changed INTEGER NOT NULL DEFAULT 1;  -- the number of the last save that wrote it or its events
CREATE INDEX turns_by_change ON turns (changed, turn_key);
-- A day of sessions is read by when they were made.
CREATE INDEX sessions_by_creation ON sessions (created_at);
CREATE INDEX sessions_by_change ON sessions (changed, session_key);

-- What isn't there any more, or is of another day than it was.
CREATE TABLE removed (
    kind TEXT NOT NULL CHECK (kind IN ('turn', 'session')),  -- turn, session
    id TEXT,  -- of the turn or session; null of turns that were pruned
    day INTEGER,  -- of which it was: days since 1970, UTC; null where no time was known
    number INTEGER NOT NULL  -- the save that removed it
) STRICT;
CREATE UNIQUE INDEX removed_once ON removed (kind, coalesce(id, ''), coalesce(day, -1));
CREATE INDEX removed_by_number ON removed (number);

-- Removed are few, so a trigger may see to them; what is saved says its number by itself.
CREATE TRIGGER turn_left AFTER DELETE ON turns BEGIN
    INSERT INTO removed SELECT 'turn', OLD.turn_id, OLD.started_at / 86400000, number FROM saves WHERE true
    ON CONFLICT DO UPDATE SET number = excluded.number;
END;
CREATE TRIGGER turn_moved AFTER UPDATE OF started_at ON turns
WHEN OLD.started_at / 86400000 IS NOT NEW.started_at / 86400000 BEGIN
    INSERT INTO removed SELECT 'turn', OLD.turn_id, OLD.started_at / 86400000, number FROM saves WHERE true
    ON CONFLICT DO UPDATE SET number = excluded.number;
END;
CREATE TRIGGER session_left AFTER DELETE ON sessions BEGIN
    INSERT INTO removed SELECT 'session', OLD.session_id, OLD.created_at / 86400000, number FROM saves WHERE true
    ON CONFLICT DO UPDATE SET number = excluded.number;
END;
CREATE TRIGGER session_moved AFTER UPDATE OF created_at ON sessions
WHEN OLD.created_at / 86400000 IS NOT NEW.created_at / 86400000 BEGIN
    INSERT INTO removed SELECT 'session', OLD.session_id, OLD.created_at / 86400000, number FROM saves WHERE true
    ON CONFLICT DO UPDATE SET number = excluded.number;
END;
