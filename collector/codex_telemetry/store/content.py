"""Content in the store: what was cleared is kept once, as long as its grant stands.

Everything is looked at once more in the transaction that saves it: the grant may have been taken
back, its key replaced, and the turn may have run elsewhere than its teller thought.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from codex_telemetry.core.gate import Cleared
from codex_telemetry.store.queries import Row, Store

if TYPE_CHECKING:
    import aiosqlite  # what is read here, reports read: they take nothing heavy

# Of the same item, whoever told it, the fuller one stays; of a title the latest.
_SAVE = """
    INSERT INTO content
        (grant_id, session_id, turn_id, item_id, nth, kind, at, size, cut_bytes, redactions, sealed)
    SELECT grant_id, :session_id, :turn_id, :item_id, :nth, :kind, :at, :size, :cut_bytes,
        :redactions, :sealed
    FROM grants WHERE grant_id = :grant_id AND key_id = :key_id AND ended_at IS NULL
    ON CONFLICT (coalesce(turn_id, session_id), item_id, kind) DO UPDATE SET
        grant_id = excluded.grant_id, at = excluded.at, size = excluded.size,
        cut_bytes = excluded.cut_bytes, redactions = excluded.redactions, sealed = excluded.sealed
    WHERE excluded.size > content.size OR (content.kind = 'title' AND excluded.at > content.at)
"""

_FOLDER = "SELECT cwd FROM turns WHERE turn_id = ?"
_THREADS_FOLDER = "SELECT cwd FROM sessions WHERE session_id = ?"

_RENAME = "UPDATE OR IGNORE content SET turn_id = ? WHERE turn_id = ?"
_REMOVE_OF = "DELETE FROM content WHERE turn_id = ?"

# The n-th without an id is the n-th of those with one: a log up to 0.150 gives messages none.
_TWICE = """
    DELETE FROM content
    WHERE turn_id = :turn_id AND nth IS NOT NULL AND nth < (
        SELECT count(*) FROM content AS named
        WHERE named.turn_id = :turn_id AND named.kind = content.kind AND named.nth IS NULL
    )
"""


async def save(
    db: "aiosqlite.Connection", cleared: Iterable[Cleared], twins: Mapping[str, str]
) -> None:
    """Save what was cleared. `twins`: turns of a log that are now known by the stream's id."""
    for log_turn, live_turn in twins.items():
        await db.execute(_RENAME, (live_turn, log_turn))
        await db.execute(_REMOVE_OF, (log_turn,))
    touched = set(twins.values())
    for one in cleared:
        turn_id = one.turn_id and twins.get(one.turn_id, one.turn_id)
        if one.captured is not None and await _ran_there(db, one, turn_id):
            box, terms = one.captured.box, one.captured.terms
            values = {
                "grant_id": terms.grant_id,
                "key_id": terms.key_id,
                "session_id": one.session_id,
                "turn_id": turn_id,
                "item_id": one.item_id,
                "nth": one.nth,
                "kind": one.kind,
                "at": one.at,
                **box._asdict(),
            }
            await db.execute(_SAVE, values)
            if turn_id is not None:
                touched.add(turn_id)
    for turn_id in touched:
        await db.execute(_TWICE, {"turn_id": turn_id})


async def _ran_there(db: "aiosqlite.Connection", one: Cleared, turn_id: str | None) -> bool:
    """Whether all that was told of the turn comes down to the same folder."""
    query, key = (_THREADS_FOLDER, one.session_id) if turn_id is None else (_FOLDER, turn_id)
    for (cwd,) in await db.execute_fetchall(query, (key,)):
        return cwd is not None and one.cwd is not None and _are_the_same(cwd, one.cwd)
    return False


def _are_the_same(folder: str, other: str) -> bool:
    return folder == other or os.path.realpath(folder) == os.path.realpath(other)


def of_turn(db: Store, turn_id: str) -> Iterator[Row]:
    return _found(db, "turn_id = ?", turn_id)


def of_session(db: Store, session_id: str) -> Iterator[Row]:
    return _found(db, "session_id = ?", session_id)


def of_turn_by_grants_that_stand(db: Store, turn_id: str, now: int) -> Iterator[Row]:
    """Without what was taken back, or has run out, and is kept for the user alone."""
    stands = "ended_at IS NULL AND coalesce(expires_at > CAST(? AS INTEGER), 1)"
    return _found(db, f"turn_id = ? AND {stands}", turn_id, now)


def titles(db: Store) -> Iterator[Row]:
    return _found(db, "kind = ?", "title")


def _found(db: sqlite3.Connection, where: str, *values: object) -> Iterator[Row]:
    return db.execute(
        "SELECT content.*, key_id, grants.project, kept_in, public FROM content "
        "JOIN grants USING (grant_id) JOIN keys USING (key_id) "
        f"WHERE {where} ORDER BY at, content_id",
        values,
    )
