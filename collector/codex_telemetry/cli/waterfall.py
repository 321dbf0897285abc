"""How a turn looks: a head, its parts, a bar an item on one axis of time, and the tokens.

Every part has a character of its own, so that nothing is lost without colour.
"""

from collections.abc import Iterable

from codex_telemetry.cli.period import Zone
from codex_telemetry.cli.turn_head import head
from codex_telemetry.cli.turn_words import (
    FILL,
    LABELS,
    MARK,
    bar_label,
    part_words,
    side,
    took,
    unseen,
    used,
)
from codex_telemetry.cli.words import (
    Line,
    Span,
    cells,
    counted,
    cut,
    duration,
    padded,
    percent,
    plain,
    tick,
    wrapped,
)
from codex_telemetry.reports.shapes import TurnDetail
from codex_telemetry.reports.waterfall import Bar, Mark, Share, Stretch, Waterfall

RESPONSES = 8
"""So many are written out."""

STEPS_MS = (
    *(n * 10**e for e in range(5) for n in (1, 2, 5) if n * 10**e <= 30_000),
    *(n * 60_000 for n in (1, 2, 5, 10, 15, 30)),
    *(n * 3_600_000 for n in (1, 2, 4, 6, 12, 24, 48, 168, 720, 8_760)),
)


class Axis:
    """Where a moment stands: `width` columns for `length` ms."""

    def __init__(self, length: int, width: int) -> None:
        self.width = width
        self.length = length
        room = max(1, width // 9)
        self.step = next((s for s in STEPS_MS if length / s <= room), length)

    def column(self, ms: int) -> int:
        return min(self.width - 1, int(ms * self.width / self.length))

    def edges(self, stretch: Stretch) -> tuple[int, int]:
        """Its first column and the one after its last: never none, however short."""
        first = min(self.width - 1, int(stretch.start * self.width / self.length + 0.5))
        return first, max(first + 1, int(stretch.end * self.width / self.length + 0.5))

    def ticks(self) -> dict[int, int]:
        """Column → ms."""
        return {self.column(ms): ms for ms in range(0, self.length, self.step)}

    def empty(self) -> list[Span]:
        ticks = self.ticks()
        return [Span("┊", "dim") if n in ticks else Span(" ") for n in range(self.width)]

    def ruler(self) -> Line:
        text = ""
        for column, ms in self.ticks().items():
            said = tick(ms)
            if column >= len(text) and column + len(said) <= self.width:
                text = text.ljust(column) + said + " "
        return [Span(text.rstrip(), "dim")]


def drawing(
    turn: TurnDetail, model: Waterfall, width: int, zone: Zone, home: str | None
) -> list[Line]:
    """All of it, in lines no wider than `width`."""
    lines = [*head(turn, model, width, zone, home), []]
    if model.shares:
        lines += _parts(model.shares, turn.duration_ms or model.length_ms, width)
        if turn.parts_source == "rollout":
            lines.append(
                [Span(cut(f"  by its log alone: {unseen(turn)} can't be seen", width), "dim")]
            )
        lines.append([])
    elif turn.sources == ["rollout"]:
        # Its stamps say when lines were written, not when things happened.
        lines += [[Span("  where its time went isn't known: only its log told of it", "dim")], []]
    if model.bars or model.strip or model.responses or model.marks:
        lines += _chart(model, width)
    hidden = sum(bar.items for bar in model.bars if bar.kind == "folded")
    if hidden:
        lines.append(
            [Span(f"  {counted(hidden, 'shorter item')} folded; --json has them all", "dim")]
        )
    if model.responses:
        lines += [[], *_responses(model.responses, turn.model, width)]
    return lines


def _parts(shares: list[Share], whole: int, width: int) -> list[Line]:
    """The legend of the turn's bar: each part's share of the turn, the longest first."""
    pieces = [
        Span(f"{FILL[part]} {part_words(part)} {percent(ms, whole)} {duration(ms)}", part)
        for part, ms in shares
    ]
    return [[Span("  "), *line] for line in wrapped(pieces, width - 2)]


def _chart(model: Waterfall, width: int) -> list[Line]:
    labels = [bar_label(bar) for bar in model.bars]
    marks = {"tokens": tuple(m.at for m in model.responses if m.at is not None)}
    marks |= {LABELS.get(sort, sort): at for sort, at in model.marks}
    left = min(max([6, *(cells(label) for label in (*labels, *marks))]), max(12, width // 4))
    sides = [side(bar, model.silent) for bar in model.bars]
    right = max([0, *(cells(beside.text) for beside in sides)])
    ends = [took(bar) for bar in model.bars]
    middle = max([cells(t) for t in [*ends, duration(model.length_ms)]])
    axis = Axis(model.length_ms, max(8, width - left - middle - right - 5 - (right > 0)))

    def row(title: str, style: str, columns: list[Span], end: str, side: Span) -> Line:
        name = padded(cut(title, left), left)
        return [Span(f"  {name} ", style), *joined(columns), Span(f" {end:>{middle}} "), side]

    lines: list[Line] = [[Span(" " * (left + 3)), *axis.ruler()]]
    if model.strip:
        strip = strip_columns(model.strip, axis)
        lines.append(row("turn", "bold", strip, duration(model.length_ms), Span("")))
    for bar, label, end, beside in zip(model.bars, labels, ends, sides, strict=True):
        style = "dim" if bar.kind == "folded" else ""
        lines.append(row(label, style, _bar(bar, axis), end, beside))
    for sort, at in marks.items():
        if at:
            columns = axis.empty()
            for ms in at:
                columns[axis.column(ms)] = Span(*MARK[sort])
            lines.append(row(sort, "", columns, "", Span("")))
    return lines


def strip_columns(strip: list[Stretch], axis: Axis) -> list[Span]:
    """Each column shows the part that has most of it."""
    held: list[dict[str, float]] = [{} for _ in range(axis.width)]
    per = axis.length / axis.width
    for part, start, end in strip:
        for n in range(int(start / per), min(axis.width, int(end / per) + 1)):
            own = min(end, (n + 1) * per) - max(start, n * per)
            held[n][part] = held[n].get(part, 0.0) + own
    columns = axis.empty()
    for n, parts in enumerate(held):
        if parts:
            most = max(parts, key=lambda part: parts[part])
            columns[n] = Span(FILL[most], most)
    return columns


def _bar(bar: Bar, axis: Axis) -> list[Span]:
    columns = axis.empty()
    for stretch in bar.stretches:
        first, end = axis.edges(stretch)
        for n in range(first, min(end, axis.width)):
            columns[n] = Span(FILL[stretch.part], stretch.part)
    return columns


def joined(columns: Iterable[Span]) -> Line:
    """Neighbours of one style as one stretch of text."""
    line: Line = []
    for text, style in columns:
        if line and line[-1].style == style:
            line[-1] = Span(line[-1].text + text, style)
        else:
            line.append(Span(text, style))
    return line


def _responses(marks: list[Mark], model: str | None, width: int) -> list[Line]:
    half = RESPONSES // 2
    cut_out = len(marks) - RESPONSES if len(marks) > RESPONSES else 0
    listed = [*marks[:half], *marks[-half:]] if cut_out else marks
    offsets = ["" if m.at is None else f"+{duration(m.at)}" for m in listed]
    left = max(cells(offset) for offset in offsets)
    lines: list[Line] = []
    for n, (mark, offset) in enumerate(zip(listed, offsets, strict=True)):
        if cut_out and n == half:
            lines.append([Span(f"    … {counted(cut_out, 'response')} more", "dim")])
        text = used(mark)
        if mark.response.model is not None and mark.response.model != model:
            text += f", {mark.response.model}"
        start = Span(f"  {MARK['tokens'][0]} ", "tokens")
        room = max(1, width - left - 6)
        lines.append([start, Span(f"{offset:>{left}}  {cut(plain(text), room)}")])
    return lines
