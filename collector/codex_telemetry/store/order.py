"""The place of each turn within its session: by start, whoever told of it first."""

from collections.abc import Iterable
from typing import NamedTuple

from codex_telemetry.core.rows import TurnRow


class Placed(NamedTuple):
    """A turn as it is stored."""

    turn_id: str
    session_id: str
    turn_index: int
    started_at: int | None


class Order(NamedTuple):
    places: dict[str, int]
    """Turn id → its place, for every turn of the sessions concerned."""
    moved: list[Placed]
    """Stored turns whose place, or session, is another now."""


def place(stored: list[Placed], settled: Iterable[TurnRow]) -> Order:
    """Order the turns of some sessions. `stored`: all their turns, and those that `settled` knows."""
    rows = {p.turn_id: (p.session_id, p.started_at) for p in stored}
    rows |= {row.turn_id: (row.session_id, row.started_at) for row in settled}
    by_session: dict[str, list[tuple[bool, int, str]]] = {}
    for turn_id, (session, started) in rows.items():
        by_session.setdefault(session, []).append((started is None, started or 0, turn_id))
    places = {
        turn_id: n
        for turns in by_session.values()
        for n, (_, _, turn_id) in enumerate(sorted(turns))
    }
    moved = [
        p for p in stored if (p.session_id, p.turn_index) != (rows[p.turn_id][0], places[p.turn_id])
    ]
    return Order(places, moved)
