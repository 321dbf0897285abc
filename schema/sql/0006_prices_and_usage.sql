-- What tokens would cost at the API, never a bill: prices, and tokens summed up so that reports are quick.

-- Whose prices there are, in the order in which they are tried: the user's own come first.
CREATE TABLE price_models (
    price_model INTEGER PRIMARY KEY,
    source TEXT NOT NULL CHECK (source IN ('config', 'package')),
    model TEXT NOT NULL,
    pattern TEXT NOT NULL  -- a regular expression: names (in lower case) that are of this model
) STRICT;

-- US dollars per million tokens. A column that is NULL has no price of its own.
CREATE TABLE prices (
    price_model INTEGER NOT NULL REFERENCES price_models (price_model) ON DELETE CASCADE,
    tier TEXT NOT NULL,  -- default, flex, priority, …
    valid_from INTEGER,  -- ms UTC; NULL: since ever
    valid_until INTEGER,  -- ms UTC, from then on it isn't valid; NULL: until further notice
    above_input_tokens INTEGER NOT NULL,  -- for responses to more input than that
    input_usd REAL NOT NULL,
    cached_input_usd REAL,  -- NULL: as input
    cache_write_usd REAL,  -- NULL: as input
    output_usd REAL NOT NULL
) STRICT;
CREATE INDEX prices_by_model ON prices (price_model);

-- Which prices those are; one row, once there are any.
CREATE TABLE price_list (
    edition INTEGER PRIMARY KEY,  -- goes up with every change
    fingerprint TEXT NOT NULL,  -- of the package's version and the user's own prices
    package_version TEXT,
    made_at INTEGER NOT NULL
) STRICT;

-- Sessions whose costs and usage are still to be brought up to date.
CREATE TABLE to_price (
    session_id TEXT PRIMARY KEY REFERENCES sessions (session_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO to_price SELECT session_id FROM sessions;

-- What responses may have in common.
CREATE TABLE usage_groups (
    usage_group INTEGER PRIMARY KEY,
    model TEXT,
    service_tier TEXT,
    status TEXT NOT NULL,  -- of their turns
    cwd TEXT,  -- of their turns, else of the session
    git_repo TEXT  -- of the session
) STRICT;
CREATE UNIQUE INDEX usage_groups_once ON usage_groups (
    coalesce(cwd, ''), coalesce(model, ''), status, coalesce(service_tier, ''),
    coalesce(git_repo, ''));

-- The responses of each session, summed up by quarter of an hour: every zone's days begin at one.
CREATE TABLE usage (
    session_key INTEGER NOT NULL REFERENCES sessions (session_key) ON DELETE CASCADE,
    quarter INTEGER,  -- since 1970, by the response's time, else its turn's start
    usage_group INTEGER NOT NULL REFERENCES usage_groups (usage_group),
    responses INTEGER NOT NULL,
    input_tokens INTEGER,
    cached_input_tokens INTEGER,
    cache_write_input_tokens INTEGER,
    output_tokens INTEGER,
    reasoning_output_tokens INTEGER,
    total_tokens INTEGER,
    cost_usd REAL,  -- of what has a known price
    unpriced_tokens INTEGER NOT NULL
) STRICT;
CREATE INDEX usage_by_session ON usage (session_key);
CREATE INDEX usage_by_quarter ON usage (quarter);
-- Holds all that is summed up, in order: nothing is sorted to be told apart by group.
CREATE INDEX usage_by_group ON usage (
    usage_group, quarter, responses, input_tokens, cached_input_tokens, cache_write_input_tokens,
    output_tokens, reasoning_output_tokens, total_tokens, cost_usd, unpriced_tokens, session_key);
