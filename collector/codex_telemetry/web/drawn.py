"""A turn's bars as shapes on an axis of a thousand, for SVG: attributes only, since no style is let in."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from codex_telemetry.cli.turn_words import LABELS, MARK, bar_label, side, took
from codex_telemetry.cli.waterfall import Axis
from codex_telemetry.cli.words import duration, plain, tick
from codex_telemetry.core.parts import Parts
from codex_telemetry.reports.shapes import Turn
from codex_telemetry.reports.waterfall import Stretch, Waterfall

WIDTH = 1_000
THINNEST = 2.0


class Rect(NamedTuple):
    part: str
    x: float
    width: float
    says: str


class Lane(NamedTuple):
    """A row of the waterfall."""

    label: str
    rects: list[Rect]
    took: str
    beside: str
    style: str
    """Of what stands beside it."""


class Tick(NamedTuple):
    x: float
    says: str


class Drawn(NamedTuple):
    ticks: list[Tick]
    lanes: list[Lane]
    marks: list[tuple[str, str, list[float]]]
    """What they are called, their sign, and where they stand."""


def drawn(model: Waterfall) -> Drawn:
    axis = Axis(model.length_ms, 90)
    whole = model.strip or _together(model)
    lanes = [Lane("turn", rects(whole, model.length_ms), duration(model.length_ms), "", "")]
    for bar in model.bars:
        beside = side(bar, model.silent)
        own = rects(bar.stretches, model.length_ms)
        lanes.append(Lane(bar_label(bar), own, took(bar), plain(beside.text), beside.style))
    marks = [("tokens", tuple(m.at for m in model.responses if m.at is not None))]
    marks += [(LABELS.get(sort, sort), at) for sort, at in model.marks]
    return Drawn(
        [Tick(_x(ms, model.length_ms), tick(ms)) for ms in axis.ticks().values()],
        lanes,
        [(s, MARK[s][0], [_x(ms, model.length_ms) for ms in at]) for s, at in marks if at],
    )


def rects(stretches: Iterable[Stretch], length: int) -> list[Rect]:
    return [
        Rect(
            s.part,
            min(_x(s.start, length), WIDTH - THINNEST),
            max(THINNEST, _x(s.end - s.start, length)),
            f"{s.part.replace('_', ' ')} {duration(s.end - s.start)}",
        )
        for s in stretches
    ]


def shares(turn: Turn, length: int | None = None) -> list[Rect]:
    """The parts of a turn that is over, one after the other: how much, not when. They are all of the
    axis, or as much as they are of a `length`; of what isn't cut into parts the duration is."""
    told = [(part, getattr(turn, f"{part}_ms") or 0) for part in Parts._fields]
    whole = sum(ms for _, ms in told)
    if not whole and length is not None and turn.duration_ms:
        told, whole = [("folded", turn.duration_ms)], turn.duration_ms
    found, at = [], 0
    for part, ms in told:
        if ms > 0:
            found.append(Stretch(part, at, at + ms))
            at += ms
    return rects(found, max(1, length or whole))


class Bar(NamedTuple):
    x: float
    height: float


class Heap(NamedTuple):
    """A histogram as large as a word: a hundred wide, ten high."""

    width: float
    """Of each bar."""
    bars: list[Bar]


def heap(numbers: Sequence[int]) -> Heap:
    """However few there are of one, it is seen."""
    most = max([*numbers, 1])
    room = 100 / max(1, len(numbers))
    heights = [max(1.0, round(10 * each / most, 2)) if each else 0.0 for each in numbers]
    bars = [Bar(round(n * room, 2), height) for n, height in enumerate(heights) if height]
    return Heap(round(room * 0.85, 2), bars)


def _together(model: Waterfall) -> Sequence[Stretch]:
    """Of a turn that runs: what its items did so far; what is drawn later lies above."""
    above = {"model": 0, "tools": 1, "approval": 2}
    found = [s for bar in model.bars for s in bar.stretches if s.part != "prompt"]
    return sorted(found, key=lambda s: above.get(s.part, 1))


def _x(ms: int, length: int) -> float:
    return round(WIDTH * ms / length, 2)
