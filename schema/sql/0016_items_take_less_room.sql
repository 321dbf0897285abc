-- Items are most rows there are: what is one of a few words is stored as a number, an end as how long
-- after the start it came, and of an id that is hexadecimal the bytes. Columns say what they said before.
-- Ids that are there stay as they are until their turn is told again.

CREATE TABLE items_stored (
    turn_key INTEGER NOT NULL REFERENCES turns (turn_key) ON DELETE CASCADE,
    item_id TEXT AS (
        CASE WHEN typeof(id_stored) = 'text' THEN id_stored
        WHEN substr(id_stored, 1, 1) < x'10' THEN
            CASE substr(id_stored, 1, 1)
                WHEN x'01' THEN 'call_' WHEN x'02' THEN 'rs_' WHEN x'03' THEN 'msg_'
                WHEN x'04' THEN 'fc_' WHEN x'05' THEN 'ws_'
            END || lower(hex(substr(id_stored, 2)))
        ELSE
            CASE substr(id_stored, 1, 1) WHEN x'11' THEN 'exec-' ELSE '' END
            || lower(hex(substr(id_stored, 2, 4))) || '-' || lower(hex(substr(id_stored, 6, 2)))
            || '-' || lower(hex(substr(id_stored, 8, 2))) || '-'
            || lower(hex(substr(id_stored, 10, 2))) || '-' || lower(hex(substr(id_stored, 12)))
        END),
    kind TEXT AS (
        CASE kind_stored
            WHEN 0 THEN 'reasoning' WHEN 1 THEN 'command' WHEN 2 THEN 'file_change'
            WHEN 3 THEN 'mcp_tool' WHEN 4 THEN 'dynamic_tool' WHEN 5 THEN 'web_search'
            WHEN 6 THEN 'subagent' WHEN 7 THEN 'compaction' WHEN 8 THEN 'review'
            WHEN 9 THEN 'message' WHEN 10 THEN 'user_message' WHEN 11 THEN 'plan'
            WHEN 12 THEN 'image' WHEN 13 THEN 'hook' WHEN 14 THEN 'other' ELSE kind_stored
        END),
    name TEXT,
    status TEXT AS (
        CASE status_stored
            WHEN 0 THEN 'failed' WHEN 1 THEN 'completed' WHEN 2 THEN 'declined'
            WHEN 3 THEN 'unfinished' WHEN 4 THEN 'in_progress' ELSE status_stored
        END),
    started_at INTEGER,
    ended_at INTEGER AS (ended_after + coalesce(started_at, 0)),
    duration_ms INTEGER,
    approval_ms INTEGER,
    exit_code INTEGER,
    output_bytes INTEGER,
    output_capped INTEGER,
    decision TEXT,
    server TEXT,
    action TEXT,
    lines_added INTEGER,
    lines_removed INTEGER,
    command_hash TEXT,
    thread_ids TEXT,
    context_before INTEGER,
    context_after INTEGER,
    id_stored ANY NOT NULL,
    kind_stored ANY NOT NULL,
    status_stored ANY NOT NULL,
    ended_after INTEGER,
    PRIMARY KEY (turn_key, id_stored)
) STRICT, WITHOUT ROWID;

INSERT INTO items_stored (
    turn_key, name, started_at, duration_ms, approval_ms, exit_code, output_bytes, output_capped,
    decision, server, action, lines_added, lines_removed, command_hash, thread_ids, context_before,
    context_after,
    id_stored, kind_stored, status_stored, ended_after
)
SELECT turn_key, name, started_at, duration_ms, approval_ms, exit_code, output_bytes, output_capped,
    decision, server, action, lines_added, lines_removed, command_hash, thread_ids, context_before,
    context_after, item_id,
    CASE kind
        WHEN 'reasoning' THEN 0 WHEN 'command' THEN 1 WHEN 'file_change' THEN 2
        WHEN 'mcp_tool' THEN 3 WHEN 'dynamic_tool' THEN 4 WHEN 'web_search' THEN 5
        WHEN 'subagent' THEN 6 WHEN 'compaction' THEN 7 WHEN 'review' THEN 8
        WHEN 'message' THEN 9 WHEN 'user_message' THEN 10 WHEN 'plan' THEN 11
        WHEN 'image' THEN 12 WHEN 'hook' THEN 13 WHEN 'other' THEN 14 ELSE kind
    END,
    CASE status
        WHEN 'failed' THEN 0 WHEN 'completed' THEN 1 WHEN 'declined' THEN 2
        WHEN 'unfinished' THEN 3 WHEN 'in_progress' THEN 4 ELSE status
    END,
    -- Where one is too far from the other for a number, it is no moment of a turn's.
    CASE WHEN typeof(ended_at - coalesce(started_at, 0)) = 'integer'
        THEN ended_at - coalesce(started_at, 0) END
FROM items ORDER BY turn_key, item_id;
DROP TABLE items;
ALTER TABLE items_stored RENAME TO items;

CREATE INDEX items_of_note ON items (turn_key) WHERE kind_stored IN (7, 8);
-- The kinds that are tool calls: `TOOLS` of core/parts.py.
CREATE INDEX tool_calls ON items (kind_stored, name, server, status_stored, duration_ms)
WHERE kind_stored IN (1, 2, 3, 4, 5, 6);
CREATE INDEX items_negative ON items (turn_key) WHERE duration_ms < 0;

CREATE TRIGGER item_added AFTER INSERT ON items BEGIN
    DELETE FROM sorted_blocks WHERE block = NEW.turn_key / 32768;
END;
CREATE TRIGGER item_removed AFTER DELETE ON items BEGIN
    DELETE FROM sorted_blocks WHERE block = OLD.turn_key / 32768;
END;
CREATE TRIGGER item_changed AFTER UPDATE OF
    turn_key, kind_stored, name, server, status_stored, duration_ms
ON items WHEN
    (OLD.turn_key, OLD.kind_stored, OLD.name, OLD.server, OLD.status_stored, OLD.duration_ms)
    IS NOT
    (NEW.turn_key, NEW.kind_stored, NEW.name, NEW.server, NEW.status_stored, NEW.duration_ms)
BEGIN
    DELETE FROM sorted_blocks WHERE block IN (OLD.turn_key / 32768, NEW.turn_key / 32768);
END;

-- By time alone: with what they used and cost in it, the index took as much as what it saved to look up.
DROP INDEX responses_by_time;
CREATE INDEX responses_by_time ON responses (at);
