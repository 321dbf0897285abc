"""Threads that worked for another: its subagents and reviewers, and the turns they ran."""

from collections.abc import Iterable, Iterator

import msgspec

from codex_telemetry.store.queries import Row, Store

_REVIEWS = """
    SELECT e.session_id, s.cwd, e.at - 100 AS since, coalesce(
        (
            SELECT min(x.at) FROM events x
            WHERE x.session_id = e.session_id AND x.turn_id IS NULL AND x.at >= e.at
              AND x.kind = 'exited_review_mode'
        ),
        e.at + 60000
    ) AS until
    FROM events e JOIN sessions s USING (session_id)
    WHERE e.turn_id IS NULL AND e.kind = 'entered_review_mode'
"""
"""Where and while a thread had a review open. In 0.63 the line that opens it follows the reviewer's
thread by some ms; of a review that no line closes the reviewer was made soon, or never."""

LONGEST_REVIEW_MS = 86_400_000


def workers_of(db: Store, session_id: str) -> set[str]:
    """The threads of subagents and reviewers that came out of a thread."""
    rows = db.execute(
        """
        SELECT session_id FROM sessions
        WHERE parent_session_id = ? AND relation IN ('subagent', 'review')
        """,
        [session_id],
    )
    return {row["session_id"] for row in rows} | _unclaimed_reviewers(db, session_id)


def spoken_to(db: Store, turn_key: int) -> set[str]:
    """Threads of subagents that a turn's items speak to, of which nothing says whose they are."""
    rows = db.execute(
        """
        SELECT s.session_id FROM items i, json_each(i.thread_ids) told
        JOIN sessions s ON s.session_id = told.value
        WHERE i.turn_key = ? AND s.parent_session_id IS NULL AND s.relation = 'subagent'
        """,
        [turn_key],
    )
    return {row["session_id"] for row in rows}


def tree_of(db: Store, session_id: str) -> set[str]:
    """A thread, and all that worked for it, for those, and so on."""
    rows = db.execute(
        """
        SELECT session_id FROM sessions
        WHERE root_session_id = ? AND relation IN ('subagent', 'review')
        """,
        [session_id],
    )
    tree: set[str] = set()
    waiting = {session_id, *(row["session_id"] for row in rows)}
    while waiting:
        tree |= waiting
        waiting = {worker for one in waiting for worker in workers_of(db, one)} - tree
    return tree


def turns_in(db: Store, sessions: Iterable[str], since: int | None = None) -> Iterator[Row]:
    """The turns of some threads, each with its thread's relation, in order of time: of a subagent's
    turn 0.98 tells only the end."""
    return db.execute(
        """
        SELECT turns.*, s.relation, coalesce(started_at, ended_at) AS begun
        FROM turns JOIN sessions s USING (session_key)
        WHERE s.session_id IN (SELECT value FROM json_each(?)) AND (? IS NULL OR begun >= ?)
        ORDER BY begun, turn_key
        """,
        [msgspec.json.encode(sorted(sessions)).decode(), since, since],
    )


def _unclaimed_reviewers(db: Store, session_id: str) -> set[str]:
    """Up to 0.130 nothing says for whom a reviewer works: its thread is made in the folder and while
    the review is open. Where two threads have one open there and then, nobody knows."""
    candidates = db.execute(
        f"""
        WITH reviews AS ({_REVIEWS} AND e.session_id = ?)
        SELECT DISTINCT r.session_id, r.cwd, r.created_at FROM reviews
        JOIN sessions r ON r.cwd = reviews.cwd AND r.created_at BETWEEN since AND until
        WHERE r.relation = 'review' AND r.parent_session_id IS NULL
        """,
        [session_id],
    ).fetchall()
    return {row["session_id"] for row in candidates if _reviewing(db, row) == 1}


def _reviewing(db: Store, reviewer: Row) -> int:
    """How many threads had a review open when and where a reviewer's thread was made."""
    found: int = db.execute(
        f"""
        WITH reviews AS ({_REVIEWS} AND e.at BETWEEN :made - :longest AND :made + 100)
        SELECT count(DISTINCT session_id) FROM reviews
        WHERE cwd = :cwd AND :made BETWEEN since AND until
        """,
        {
            "made": reviewer["created_at"],
            "cwd": reviewer["cwd"],
            "longest": LONGEST_REVIEW_MS,
        },
    ).fetchone()[0]
    return found
