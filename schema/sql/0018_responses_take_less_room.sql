-- Of a response's id that is hexadecimal the bytes are stored, and of its total what input and output don't
-- add up to: nothing, as a rule. Columns say what they said before. Ids that are there stay as they are
-- until their turn is told again.

CREATE TABLE responses_stored (
    turn_key INTEGER NOT NULL REFERENCES turns (turn_key) ON DELETE CASCADE,
    running_total_tokens INTEGER NOT NULL,
    response_id TEXT AS (
        CASE WHEN typeof(response_stored) = 'blob' THEN 'resp_' || lower(hex(response_stored))
        ELSE response_stored END),
    model TEXT,
    at INTEGER,
    input_tokens INTEGER,
    cached_input_tokens INTEGER,
    cache_write_input_tokens INTEGER,
    output_tokens INTEGER,
    reasoning_output_tokens INTEGER,
    total_tokens INTEGER AS (coalesce(input_tokens, 0) + coalesce(output_tokens, 0) + total_besides),
    cost_usd REAL,
    response_stored ANY,
    total_besides INTEGER,
    PRIMARY KEY (turn_key, running_total_tokens)
) STRICT, WITHOUT ROWID;

INSERT INTO responses_stored (
    turn_key, running_total_tokens, model, at, input_tokens, cached_input_tokens,
    cache_write_input_tokens, output_tokens, reasoning_output_tokens, cost_usd, response_stored,
    total_besides
)
SELECT turn_key, running_total_tokens, model, at, input_tokens, cached_input_tokens,
    cache_write_input_tokens, output_tokens, reasoning_output_tokens, cost_usd, response_id,
    -- Where they are too far apart for a number, it is no sum of tokens.
    CASE WHEN typeof(total_tokens - coalesce(input_tokens, 0) - coalesce(output_tokens, 0)) = 'integer'
        THEN total_tokens - coalesce(input_tokens, 0) - coalesce(output_tokens, 0) END
FROM responses ORDER BY turn_key, running_total_tokens;
DROP TABLE responses;
ALTER TABLE responses_stored RENAME TO responses;

CREATE INDEX responses_by_time ON responses (at);
