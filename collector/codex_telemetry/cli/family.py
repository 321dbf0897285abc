"""How what worked for a turn looks: a line a turn of a subagent or a reviewer, and the sum."""

from codex_telemetry.cli.turn_head import responses, tokens
from codex_telemetry.cli.words import (
    Line,
    Span,
    cells,
    counted,
    cut,
    duration,
    number,
    padded,
    plain,
    short_turn,
    wrapped,
)
from codex_telemetry.reports.moments import read
from codex_telemetry.reports.shapes_family import ChildTurn, RolledUp, TurnInFull

SHOWN = 12
"""So many are written out."""

LABELS = {"subagent": "agent", "review": "reviewer"}


def workers(turn: TurnInFull, width: int) -> list[Line]:
    """Under a turn's waterfall: the turns that worked for it, and with --roll-up the sum."""
    lines: list[Line] = []
    if turn.children:
        lines += [[], *_turns(turn, turn.children[:SHOWN], width)]
    hidden = len(turn.children) - SHOWN
    if hidden > 0:
        more = f"    … {counted(hidden, 'turn')} more; --json has them all"
        lines.append([Span(more, "dim")])
    if turn.rolled_up is not None:
        pieces = together(turn.rolled_up)
        lines += [[], *([Span("  "), *line] for line in wrapped(pieces, width - 2))]
    return lines


def together(told: RolledUp) -> list[Span]:
    """A turn or a session with all that worked for it."""
    pieces = (
        f"together {counted(told.turns, 'turn')} of {counted(told.sessions, 'session')}",
        duration(told.duration_ms) if told.duration_ms is not None else None,
        tokens(told),
        responses(told),
        counted(told.tool_calls, "tool call") if told.tool_calls else None,
    )
    return [Span(piece) for piece in pieces if piece]


def _turns(turn: TurnInFull, children: list[ChildTurn], width: int) -> list[Line]:
    labels = ["  " * child.depth + LABELS[child.relation] for child in children]
    ids = [short_turn(c.turn_id, c.session_id, c.turn_index) for c in children]
    after = [_after(turn, child) for child in children]
    took = ["" if c.duration_ms is None else duration(c.duration_ms) for c in children]
    used = ["" if c.total_tokens is None else f"{number(c.total_tokens)} tokens" for c in children]
    columns = [labels, ids, after, took, used]
    widths = [max(map(cells, column)) for column in columns]
    lines: list[Line] = []
    for child, *texts in zip(children, *columns, strict=True):
        first, second, *numbers = [
            padded(text, room, right=n > 1)
            for n, (text, room) in enumerate(zip(texts, widths, strict=True))
        ]
        told = f"  {first} {second}  {'  '.join(numbers)}"
        room = max(0, width - cells(told) - 2)
        line = [Span(cut(told, width))]
        if child.status != "completed" and room > len(child.status):
            line.append(Span(f"  {child.status.replace('_', ' ')}", child.status))
        elif child.model is not None and child.model != turn.model and room > cells(child.model):
            line.append(Span(f"  {plain(child.model)}", "dim"))
        lines.append(line)
    return lines


def _after(turn: TurnInFull, child: ChildTurn) -> str:
    begun, at = read(turn.started_at), read(child.started_at)
    return "" if begun is None or at is None else f"+{duration(max(0, at - begun))}"
