"""A turn with all that belongs to it, as it is stored at one moment."""

from typing import NamedTuple

from codex_telemetry.store import queries
from codex_telemetry.store.queries import Row, Store
from codex_telemetry.store.turn_words import OF_SESSION


class WholeTurn(NamedTuple):
    turn: Row
    session: Row
    items: list[Row]
    responses: list[Row]
    events: list[Row]
    parent_turn_id: str | None
    """For which turn it worked: of a subagent or a reviewer."""


def whole_turn(db: Store, turn_id: str) -> WholeTurn | None:
    """None where it isn't there any more."""
    turn = db.execute("SELECT * FROM turns WHERE turn_id = ?", (turn_id,)).fetchone()
    if turn is None:
        return None
    session = db.execute(
        "SELECT * FROM sessions WHERE session_id = ?", (turn["session_id"],)
    ).fetchone()
    return WholeTurn(
        turn,
        session,
        list(queries.items_of(db, turn["turn_key"])),
        list(queries.responses_of(db, turn["turn_key"])),
        list(queries.events_of(db, turn_id)),
        _worked_for(db, turn, session),
    )


def _worked_for(db: Store, turn: Row, session: Row) -> str | None:
    """Codex says which turn a tree of turns began with (0.166 on); else the one that ran when it began."""
    if turn["root_turn_id"] is not None:
        root: str = turn["root_turn_id"]
        return root if root != turn["turn_id"] else None
    if session["parent_session_id"] is None or session["relation"] not in ("subagent", "review"):
        return None
    found = db.execute(
        f"""
        SELECT turn_id FROM turns WHERE {OF_SESSION} AND started_at <= ?
        ORDER BY started_at DESC LIMIT 1
        """,
        (session["parent_session_id"], turn["started_at"]),
    ).fetchone()
    return None if found is None else found[0]
