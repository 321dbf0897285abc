"""A session on a page to send: its turns in order of time, and the waterfall of each."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from codex_telemetry.cli.labelled import labelled
from codex_telemetry.cli.waterfall import Axis
from codex_telemetry.cli.words import tick
from codex_telemetry.reports import family
from codex_telemetry.reports.moments import read
from codex_telemetry.reports.shapes import Turn
from codex_telemetry.reports.waterfall import Stretch
from codex_telemetry.store import queries
from codex_telemetry.store.queries import Row, Store
from codex_telemetry.web.drawn import WIDTH, Rect, Tick, rects
from codex_telemetry.web.sent.turn import told

LISTED = 200
"""The newest so many turns are on the page."""

DRAWN = 12
"""So many have their waterfall: of more the longest, so that a page stays small enough to be sent."""


class When(NamedTuple):
    """A turn on the session's axis."""

    turn: Turn
    rects: list[Rect]
    drawn: bool


def names(db: Store, row: Row, now: int) -> dict[str, Any]:
    session = labelled(family.session(db, row, roll_up=True))
    listed = session.turn_list[-LISTED:]
    by_length = sorted(listed, key=lambda turn: -(turn.duration_ms or 0))
    chosen = {turn.turn_id for turn in by_length[:DRAWN]}
    rows = [each for each in queries.turns_of(db, session.session_id) if each["turn_id"] in chosen]
    zero, length = _axis(listed, now)
    return {
        "session": session,
        "turns": [
            When(turn, _rects(turn, zero, length, now), turn.turn_id in chosen) for turn in listed
        ],
        "ticks": [
            Tick(round(WIDTH * ms / length, 2), tick(ms))
            for ms in Axis(length, 60).ticks().values()
        ],
        "drawn": [told(db, each, now) for each in rows],
        "earlier": len(session.turn_list) - len(listed),
    }


def _axis(turns: Sequence[Turn], now: int) -> tuple[int, int]:
    """Where it begins (ms UTC), and how long it is."""
    begun = [at for turn in turns if (at := read(turn.started_at)) is not None]
    zero = min(begun, default=now)
    ends = [_end(turn, now) for turn in turns]
    return zero, max(1, max((end for end in ends if end is not None), default=zero) - zero)


def _rects(turn: Turn, zero: int, length: int, now: int) -> list[Rect]:
    begun, end = read(turn.started_at), _end(turn, now)
    if begun is None or end is None:
        return []
    return rects([Stretch(turn.status, begun - zero, end - zero)], length)


def _end(turn: Turn, now: int) -> int | None:
    """Of a turn that never ended: nothing but its beginning is known."""
    begun = read(turn.started_at)
    if begun is None:
        return None
    if turn.duration_ms is not None:
        return begun + turn.duration_ms
    return min(read(turn.ended_at) or begun, now)
