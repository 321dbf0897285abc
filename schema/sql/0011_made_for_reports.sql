-- What reports would otherwise sort and add up each time, made ready once.

-- Blocks of turns (by turn_key) whose times are sorted; whatever changes in one takes it out again.
CREATE TABLE sorted_blocks (
    block INTEGER PRIMARY KEY  -- turn_key / 32768: SIZE of store/sorting.py
) STRICT;

-- The times of a block of turns, by each thing that reports tell them apart by.
CREATE TABLE sorted_times (
    told_by TEXT NOT NULL,  -- of turns: model, project, …; of tool calls: tool, kind, server
    key TEXT NOT NULL,  -- JSON array: which model, project, …
    status TEXT NOT NULL,  -- of the turns
    block INTEGER NOT NULL,  -- in sorted_blocks
    number INTEGER NOT NULL,  -- how many turns or tool calls
    failures INTEGER,  -- of tool calls
    declines INTEGER,  -- of tool calls
    duration BLOB NOT NULL,  -- known times (ms) in order, packed; of tool calls without declined ones
    ttft BLOB,  -- of turns, the same
    tools BLOB,  -- of turns, the same
    approval BLOB,  -- of turns, the same
    PRIMARY KEY (told_by, key, status, block)
) STRICT, WITHOUT ROWID;
CREATE INDEX sorted_times_by_block ON sorted_times (block);

-- Which folders a repository has, and how many turns each source told of.
CREATE INDEX sessions_by_repository ON sessions (git_repo, cwd);
CREATE INDEX turns_by_sources ON turns (sources);

CREATE TRIGGER block_unsorted AFTER DELETE ON sorted_blocks BEGIN
    DELETE FROM sorted_times WHERE block = OLD.block;
END;

CREATE TRIGGER turn_added AFTER INSERT ON turns BEGIN
    DELETE FROM sorted_blocks WHERE block = NEW.turn_key / 32768;
END;
CREATE TRIGGER turn_removed AFTER DELETE ON turns BEGIN
    DELETE FROM sorted_blocks WHERE block = OLD.turn_key / 32768;
END;
CREATE TRIGGER turn_changed AFTER UPDATE OF
    turn_key, session_id, status, started_at, duration_ms, ttft_ms, tools_ms, approval_ms,
    model, effort, cli_version, cwd
ON turns WHEN
    (OLD.turn_key, OLD.session_id, OLD.status, OLD.started_at, OLD.duration_ms, OLD.ttft_ms,
     OLD.tools_ms, OLD.approval_ms, OLD.model, OLD.effort, OLD.cli_version, OLD.cwd)
    IS NOT
    (NEW.turn_key, NEW.session_id, NEW.status, NEW.started_at, NEW.duration_ms, NEW.ttft_ms,
     NEW.tools_ms, NEW.approval_ms, NEW.model, NEW.effort, NEW.cli_version, NEW.cwd)
BEGIN
    DELETE FROM sorted_blocks WHERE block IN (OLD.turn_key / 32768, NEW.turn_key / 32768);
END;

CREATE TRIGGER session_changed AFTER UPDATE OF
    session_id, client_name, originator, git_repo, cwd
ON sessions WHEN
    (OLD.session_id, OLD.client_name, OLD.originator, OLD.git_repo, OLD.cwd)
    IS NOT
    (NEW.session_id, NEW.client_name, NEW.originator, NEW.git_repo, NEW.cwd)
BEGIN
    DELETE FROM sorted_blocks WHERE block IN (
        SELECT turn_key / 32768 FROM turns WHERE session_id = NEW.session_id);
END;

CREATE TRIGGER item_added AFTER INSERT ON items BEGIN
    DELETE FROM sorted_blocks WHERE block = NEW.turn_key / 32768;
END;
CREATE TRIGGER item_removed AFTER DELETE ON items BEGIN
    DELETE FROM sorted_blocks WHERE block = OLD.turn_key / 32768;
END;
CREATE TRIGGER item_changed AFTER UPDATE OF
    turn_key, kind, name, server, status, duration_ms
ON items WHEN
    (OLD.turn_key, OLD.kind, OLD.name, OLD.server, OLD.status, OLD.duration_ms)
    IS NOT
    (NEW.turn_key, NEW.kind, NEW.name, NEW.server, NEW.status, NEW.duration_ms)
BEGIN
    DELETE FROM sorted_blocks WHERE block IN (OLD.turn_key / 32768, NEW.turn_key / 32768);
END;

-- Blocks of time whose usage is summed up further; whatever changes in one takes it out again.
CREATE TABLE summed_blocks (
    block INTEGER PRIMARY KEY  -- quarter / 2688: SIZE of store/summing.py
) STRICT;

-- The usage of each quarter of an hour in summed_blocks, whoever's and whatever for.
CREATE TABLE usage_of_quarters (
    quarter INTEGER PRIMARY KEY,  -- as in usage
    responses INTEGER NOT NULL,  -- how many
    input_tokens INTEGER,
    cached_input_tokens INTEGER,
    cache_write_input_tokens INTEGER,
    output_tokens INTEGER,
    reasoning_output_tokens INTEGER,
    total_tokens INTEGER,
    cost_usd REAL,  -- of what has a known price
    unpriced_tokens INTEGER NOT NULL  -- of what has none
) STRICT;

-- The usage of each block in summed_blocks, by what responses have in common.
CREATE TABLE usage_of_groups (
    block INTEGER NOT NULL,  -- in summed_blocks
    usage_group INTEGER NOT NULL,  -- as in usage
    quarter INTEGER NOT NULL,  -- the latest in it
    responses INTEGER NOT NULL,  -- how many
    input_tokens INTEGER,
    cached_input_tokens INTEGER,
    cache_write_input_tokens INTEGER,
    output_tokens INTEGER,
    reasoning_output_tokens INTEGER,
    total_tokens INTEGER,
    cost_usd REAL,  -- of what has a known price
    unpriced_tokens INTEGER NOT NULL,  -- of what has none
    PRIMARY KEY (block, usage_group)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER block_no_sum AFTER DELETE ON summed_blocks BEGIN
    DELETE FROM usage_of_quarters
    WHERE quarter BETWEEN OLD.block * 2688 AND OLD.block * 2688 + 2687;
    DELETE FROM usage_of_groups WHERE block = OLD.block;
END;
CREATE TRIGGER usage_added AFTER INSERT ON usage BEGIN
    DELETE FROM summed_blocks WHERE block = NEW.quarter / 2688;
END;
CREATE TRIGGER usage_removed AFTER DELETE ON usage BEGIN
    DELETE FROM summed_blocks WHERE block = OLD.quarter / 2688;
END;
CREATE TRIGGER usage_changed AFTER UPDATE ON usage BEGIN
    DELETE FROM summed_blocks WHERE block IN (OLD.quarter / 2688, NEW.quarter / 2688);
END;
