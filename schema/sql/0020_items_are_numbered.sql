-- Most items have nothing to say in half of their columns: what few say is stored in one, as a list. Items are
-- numbered within their turn: by its id each of them took another thirteen bytes in every index.

CREATE TABLE items_numbered (
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
    exit_code INTEGER,
    output_bytes INTEGER,
    output_capped INTEGER,
    server TEXT,
    lines_added INTEGER AS (more ->> 0),
    lines_removed INTEGER AS (more ->> 1),
    approval_ms INTEGER AS (more ->> 2),
    decision TEXT AS (more ->> 3),
    action TEXT AS (more ->> 4),
    thread_ids TEXT AS (more ->> 5),
    context_before INTEGER AS (more ->> 6),
    context_after INTEGER AS (more ->> 7),
    command_hash TEXT AS (more ->> 8),
    nth INTEGER NOT NULL,
    id_stored ANY NOT NULL,
    kind_stored ANY NOT NULL,
    status_stored ANY NOT NULL,
    ended_after INTEGER,
    more TEXT,
    PRIMARY KEY (turn_key, nth)
) STRICT, WITHOUT ROWID;

INSERT INTO items_numbered (
    turn_key, nth, id_stored, kind_stored, name, status_stored, started_at, ended_after, duration_ms,
    exit_code, output_bytes, output_capped, server, more
)
SELECT turn_key, row_number() OVER (PARTITION BY turn_key ORDER BY id_stored) - 1,
    id_stored, kind_stored, name, status_stored, started_at, ended_after, duration_ms, exit_code,
    output_bytes, output_capped, server,
    CASE WHEN coalesce(
        lines_added, lines_removed, approval_ms, decision, action,
        thread_ids, context_before, context_after, command_hash
    ) IS NOT NULL THEN json_array(
        lines_added, lines_removed, approval_ms, decision, action,
        thread_ids, context_before, context_after, command_hash
    ) END
FROM items ORDER BY turn_key, id_stored;
DROP TABLE items;
ALTER TABLE items_numbered RENAME TO items;

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
