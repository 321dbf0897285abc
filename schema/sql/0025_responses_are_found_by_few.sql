-- Of a response's model the number is stored, where it is one of those that Codex has named so far, and what
-- it cost as so many billionths of a dollar, where it is so many exactly. Columns say what they said before.
-- By time only the first of those of a turn are found that came one after the other in the same four
-- minutes: it says which the last of them is.

CREATE TABLE responses_led (
    turn_key INTEGER NOT NULL REFERENCES turns (turn_key) ON DELETE CASCADE,
    running_total_tokens INTEGER NOT NULL,
    response_id TEXT AS (
        CASE WHEN typeof(response_stored) = 'blob' THEN 'resp_' || lower(hex(response_stored))
        ELSE response_stored END),
    model TEXT AS (
        CASE model_stored
            WHEN 0 THEN 'gpt-5.5' WHEN 1 THEN 'gpt-5.2-codex' WHEN 2 THEN 'gpt-5.1-codex'
            WHEN 3 THEN 'gpt-5-codex' WHEN 4 THEN 'gpt-5' WHEN 5 THEN 'gpt-6-astra'
            WHEN 6 THEN 'gpt-6.1-sol' WHEN 7 THEN 'gpt-5.5-mini' WHEN 8 THEN 'gpt-6.1-terra'
            WHEN 9 THEN 'gpt-6-sol' WHEN 10 THEN 'gpt-6-luna' WHEN 11 THEN 'gpt-5.6-sol'
            WHEN 12 THEN 'gpt-5.6-terra' WHEN 13 THEN 'gpt-5.6-luna' WHEN 14 THEN 'gpt-5.4'
            WHEN 15 THEN 'gpt-5.4-mini' WHEN 16 THEN 'gpt-5.3-codex'
            WHEN 17 THEN 'gpt-5.3-codex-spark' WHEN 18 THEN 'gpt-5.2' WHEN 19 THEN 'gpt-5.1'
            WHEN 20 THEN 'gpt-5.1-codex-max' WHEN 21 THEN 'gpt-5.1-codex-mini'
            WHEN 22 THEN 'gpt-5-codex-mini' WHEN 23 THEN 'gpt-5-mini'
            WHEN 24 THEN 'codex-mini-latest' WHEN 25 THEN 'o3' WHEN 26 THEN 'o4-mini'
            WHEN 27 THEN 'codex-auto-review' WHEN 28 THEN 'gpt-oss-20b'
            WHEN 29 THEN 'gpt-oss-120b'
            ELSE model_stored
        END),
    at INTEGER,
    input_tokens INTEGER,
    cached_input_tokens INTEGER,
    cache_write_input_tokens INTEGER,
    output_tokens INTEGER,
    reasoning_output_tokens INTEGER,
    total_tokens INTEGER AS (coalesce(input_tokens, 0) + coalesce(output_tokens, 0) + total_besides),
    response_stored ANY,
    model_stored ANY,
    total_besides INTEGER,
    cost_stored ANY,
    leads_to INTEGER,
    -- Behind all that are stored: an upsert of SQLite 3.40 makes a float of what is stored in the place
    -- that a REAL column has among all.
    cost_usd REAL AS (
        CASE WHEN typeof(cost_stored) = 'integer' THEN cost_stored / 1000000000.0
        ELSE cost_stored END),
    PRIMARY KEY (turn_key, running_total_tokens)
) STRICT, WITHOUT ROWID;

INSERT INTO responses_led (
    turn_key, running_total_tokens, at, input_tokens, cached_input_tokens, cache_write_input_tokens,
    output_tokens, reasoning_output_tokens, response_stored, model_stored, total_besides, cost_stored,
    leads_to
)
SELECT turn_key, running_total_tokens, at, input_tokens, cached_input_tokens, cache_write_input_tokens,
    output_tokens, reasoning_output_tokens, response_stored,
    CASE model
        WHEN 'gpt-5.5' THEN 0 WHEN 'gpt-5.2-codex' THEN 1 WHEN 'gpt-5.1-codex' THEN 2
        WHEN 'gpt-5-codex' THEN 3 WHEN 'gpt-5' THEN 4 WHEN 'gpt-6-astra' THEN 5
        WHEN 'gpt-6.1-sol' THEN 6 WHEN 'gpt-5.5-mini' THEN 7 WHEN 'gpt-6.1-terra' THEN 8
        WHEN 'gpt-6-sol' THEN 9 WHEN 'gpt-6-luna' THEN 10 WHEN 'gpt-5.6-sol' THEN 11
        WHEN 'gpt-5.6-terra' THEN 12 WHEN 'gpt-5.6-luna' THEN 13 WHEN 'gpt-5.4' THEN 14
        WHEN 'gpt-5.4-mini' THEN 15 WHEN 'gpt-5.3-codex' THEN 16
        WHEN 'gpt-5.3-codex-spark' THEN 17 WHEN 'gpt-5.2' THEN 18 WHEN 'gpt-5.1' THEN 19
        WHEN 'gpt-5.1-codex-max' THEN 20 WHEN 'gpt-5.1-codex-mini' THEN 21
        WHEN 'gpt-5-codex-mini' THEN 22 WHEN 'gpt-5-mini' THEN 23
        WHEN 'codex-mini-latest' THEN 24 WHEN 'o3' THEN 25 WHEN 'o4-mini' THEN 26
        WHEN 'codex-auto-review' THEN 27 WHEN 'gpt-oss-20b' THEN 28 WHEN 'gpt-oss-120b' THEN 29
        ELSE model
    END,
    total_besides,
    CASE WHEN billionths / 1000000000.0 = cost_usd THEN billionths ELSE cost_usd END,
    CASE WHEN (at >> 18) IS NOT (
        SELECT b.at >> 18 FROM responses AS b
        WHERE b.turn_key = r.turn_key AND b.running_total_tokens < r.running_total_tokens
        ORDER BY b.running_total_tokens DESC LIMIT 1)
    THEN (
        SELECT max(l.running_total_tokens) FROM responses AS l
        WHERE l.turn_key = r.turn_key AND l.running_total_tokens BETWEEN r.running_total_tokens
            AND coalesce((
                SELECT n.running_total_tokens - 1 FROM responses AS n
                WHERE n.turn_key = r.turn_key AND n.running_total_tokens > r.running_total_tokens
                    AND (n.at >> 18) IS NOT (r.at >> 18)
                ORDER BY n.running_total_tokens LIMIT 1), 9223372036854775807)
            AND l.at IS NOT NULL)
    END
FROM (SELECT *, CAST(round(cost_usd * 1000000000.0) AS INTEGER) AS billionths FROM responses) AS r
ORDER BY turn_key, running_total_tokens;
DROP TABLE responses;
ALTER TABLE responses_led RENAME TO responses;

CREATE INDEX responses_by_time ON responses (at, leads_to) WHERE leads_to IS NOT NULL;
