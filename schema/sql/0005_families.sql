-- Who worked for whom: the threads of a thread's subagents and reviewers.

CREATE INDEX sessions_by_parent ON sessions (parent_session_id) WHERE parent_session_id IS NOT NULL;
