-- The live stream in depth: what held a turn up, what its client couldn't hear, whom it spoke to.

ALTER TABLE turns ADD COLUMN traceparent TEXT;  -- the trace context the client passed (W3C)
ALTER TABLE turns ADD COLUMN interrupt_ms INTEGER;  -- from the request to interrupt it to its end
ALTER TABLE turns ADD COLUMN parts_source TEXT;  -- who told where its time went: live, rollout
UPDATE turns SET parts_source = 'live' WHERE unexplained_ms IS NOT NULL;

ALTER TABLE items ADD COLUMN thread_ids TEXT;  -- JSON array: subagents' threads it speaks to
ALTER TABLE items ADD COLUMN context_before INTEGER;  -- of a compaction: tokens in the context
ALTER TABLE items ADD COLUMN context_after INTEGER;

ALTER TABLE events ADD COLUMN item_id TEXT;  -- the item of its turn that it is about
ALTER TABLE events ADD COLUMN context_before INTEGER;  -- of a compaction: tokens in the context
ALTER TABLE events ADD COLUMN context_after INTEGER;

ALTER TABLE sessions ADD COLUMN opted_out TEXT;  -- JSON array: notifications its client didn't hear
