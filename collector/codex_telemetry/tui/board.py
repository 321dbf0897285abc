"""The whole board: which parts there are in a terminal of that size, and where."""

from typing import NamedTuple

from codex_telemetry.cli.period import Zone
from codex_telemetry.cli.words import Line, Span, cells, cut, plain
from codex_telemetry.reports.now import Now
from codex_telemetry.tui import panels
from codex_telemetry.tui.paint import beside

WIDE = 110
"""Columns from which on there are two columns of parts."""

GAP = 4
TITLE = "codex-telemetry top"


class View(NamedTuple):
    """How somebody looks at it."""

    zone: Zone
    chosen: str | None = None
    """A turn's id."""
    top: int = 0
    """So many recent turns are above the first that is shown."""
    filters: str = ""
    period: str = ""


class Board(NamedTuple):
    lines: list[Line]
    turns: dict[int, str]
    """Line → id of the turn in it."""
    top: int


def board(now: Now, view: View, at: int, width: int, height: int) -> Board:
    """`at`: ms UTC. No more lines than `height`."""
    told = [panels.at(each, at) for each in now.running]
    head = header(f"{len(told)} in progress" if told else "", view.filters, width)
    if width >= WIDE:
        return _wide(now, told, view, at, width, height, head)
    return _narrow(now, told, view, at, width, height, head)


def header(state: str, filters: str, width: int) -> Line:
    """The first line."""
    left = [Span(TITLE, "heading"), Span(f"  {state}" if state else "", "in_progress")]
    room = width - sum(cells(span.text) for span in left) - 2
    said = cut(plain(filters), room) if filters and room > 4 else ""
    return [*left, Span(" " * (room + 2 - cells(said))), Span(said, "warn")]


def _narrow(
    now: Now, told: list[panels.Runs], view: View, at: int, width: int, height: int, head: Line
) -> Board:
    most = max(1, (height - 15) // 3)
    first = panels.running(told, most, width, view.chosen)
    middle = [*panels.tokens(now, at, view.period, width)]
    middle += [*panels.limits(now.limits, at, width), []]
    rest = height - 3 - len(first.lines) - len(middle)
    if rest < 4:  # a small window: what runs, and what ran
        middle, rest = [], height - 3 - len(first.lines)
    tools: list[Line] = []
    if rest >= 8:
        tools = [[], *panels.tools(now, view.period, width, min(rest // 2, 12) - 1)]
    return _joined([head, []], first, [[], *middle], now, view, width, rest - len(tools), tools)


def _wide(
    now: Now, told: list[panels.Runs], view: View, at: int, width: int, height: int, head: Line
) -> Board:
    left = max(70, (width - GAP) * 58 // 100)
    right = width - GAP - left
    most = max(1, (height - 8) // 3)
    first = panels.running(told, most, left, view.chosen)
    rest = height - 3 - len(first.lines)
    made = _joined([], first, [[]], now, view, left, rest, [])
    side = [*panels.tokens(now, at, view.period, right), []]
    side += [*panels.limits(now.limits, at, right), []]
    side += panels.tools(now, view.period, right, height - 2 - len(side))
    lines = [head, [], *beside(made.lines, side, left, GAP)]
    return Board(lines[:height], {n + 2: turn for n, turn in made.turns.items()}, made.top)


def _joined(
    head: list[Line],
    first: panels.Block,
    middle: list[Line],
    now: Now,
    view: View,
    width: int,
    height: int,
    tools: list[Line],
) -> Board:
    """With the recent turns in `height` lines."""
    top = _top(now, view, height - 1)
    last = panels.recent(now, width, max(2, height), top, view.zone, view.chosen)
    above = [*head, *first.lines, *middle]
    below = [*last.lines, *([[]] * max(0, height - len(last.lines)) if tools else []), *tools]
    turns = {len(head) + n: turn for n, turn in first.turns.items()}
    turns |= {len(above) + n: turn for n, turn in last.turns.items()}
    return Board([*above, *below], turns, top)


def _top(now: Now, view: View, rows: int) -> int:
    """Such that the chosen turn is in sight, and nothing moves without need."""
    rows = max(1, rows)
    place = next((n for n, t in enumerate(now.recent) if t.turn_id == view.chosen), None)
    top = min(view.top, max(0, len(now.recent) - rows))
    return top if place is None else min(max(top, place - rows + 1), place)
