"""The turns of a session and of the threads that worked for it, as shapes on one axis of time."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from codex_telemetry.cli.waterfall import Axis
from codex_telemetry.cli.words import counted, duration, tick
from codex_telemetry.reports.moments import read
from codex_telemetry.reports.shapes_family import ChildTurn
from codex_telemetry.web.drawn import THINNEST, WIDTH, Rect, Tick

LANES = 16
"""So many threads are drawn, the session's own first."""


LAST_TICK = 930
"""Further right its words would leave the axis."""


class ThreadLane(NamedTuple):
    session_id: str
    relation: str | None
    turns: int
    rects: list[Rect]
    """Their part is how the turn ended."""


class Timeline(NamedTuple):
    length_ms: int
    ticks: list[Tick]
    lanes: list[ThreadLane]
    hidden: int
    """Threads that aren't drawn."""


class _Ran(NamedTuple):
    start: int
    end: int
    status: str


def timeline(told: Sequence[ChildTurn], own: str, now: int) -> Timeline | None:
    """None where nobody knows when any of them ran. `now`: ms UTC, when what runs hasn't ended."""
    ran: dict[str, list[_Ran]] = defaultdict(list)
    relations: dict[str, str | None] = {}
    for turn in told:
        start = read(turn.started_at)
        if start is None:
            continue
        took = turn.duration_ms
        if took is None:
            took = max(0, now - start) if turn.status == "in_progress" else 0
        ran[turn.session_id].append(_Ran(start, start + max(0, took), turn.status))
        relations[turn.session_id] = turn.relation
    if not ran:
        return None
    first = min(its[0].start for its in ran.values())
    length = max(1, max(one.end for its in ran.values() for one in its) - first)
    order = sorted(ran, key=lambda each: (each != own, ran[each][0].start))
    lanes = [
        ThreadLane(each, relations[each], len(ran[each]), _rects(ran[each], first, length))
        for each in order[:LANES]
    ]
    places = ((round(WIDTH * ms / length, 2), ms) for ms in Axis(length, 90).ticks().values())
    ticks = [Tick(x, tick(ms)) for x, ms in places if x < LAST_TICK]
    return Timeline(length, ticks, lanes, len(order) - len(lanes))


def _rects(ran: Sequence[_Ran], first: int, length: int) -> list[Rect]:
    """Turns too close to be told apart are one, if they ended alike."""
    found: list[Rect] = []
    together = 1
    for one in ran:
        x = round(WIDTH * (one.start - first) / length, 2)
        width = max(THINNEST, round(WIDTH * (one.end - one.start) / length, 2))
        x = min(x, WIDTH - THINNEST)
        says = f"{one.status.replace('_', ' ')}, {duration(one.end - one.start)}"
        last = found[-1] if found else None
        if last is not None and last.part == one.status and x < last.x + last.width + 1:
            together += 1
            wide = max(last.width, round(x + width - last.x, 2))
            says = f"{counted(together, 'turn')}, {one.status.replace('_', ' ')}"
            found[-1] = Rect(one.status, last.x, wide, says)
        else:
            together = 1
            found.append(Rect(one.status, x, width, says))
    return found
