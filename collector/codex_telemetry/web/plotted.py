"""Lines and columns over time as shapes for SVG, for pages that run no script: a thousand wide, a hundred high."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, NamedTuple

from codex_telemetry.cli.waterfall import Axis
from codex_telemetry.cli.words import duration, number, tick

WIDTH, HEIGHT = 1_000.0, 100.0
NAMED = 6
"""So many places of the axis are named: that many fit on a phone."""

LINES_ACROSS = 4

Values = Sequence[int | None]


class Named(NamedTuple):
    """A place on an axis: across in percent, or up from the top."""

    at: float
    says: str


class Shape(NamedTuple):
    name: str
    style: str
    path: str


class Plotted(NamedTuple):
    shapes: list[Shape]
    across: list[Named]
    up: list[Named]
    says: str
    """In words, for who doesn't see it."""


def lines(model: dict[str, Any]) -> Plotted:
    """A line for each series. What isn't known is a gap."""
    series: list[tuple[str, Values]] = [(s["name"], s["values"]) for s in model["series"]]
    top = max((v for _, values in series for v in values if v is not None), default=0) or 1
    shapes = [
        Shape(name, f"line-{name}", _line(values, top)) for name, values in series if any(values)
    ]
    return _plotted(model, shapes, top)


def columns(model: dict[str, Any]) -> Plotted:
    """For each place one column, its series on top of each other."""
    series: list[tuple[str, Values]] = [(s["name"], s["values"]) for s in model["series"]]
    heights = [0] * len(model["x"])
    stacks: list[tuple[str, list[tuple[int, int]]]] = []
    for name, values in series:
        stacks.append((name, [(below, v or 0) for below, v in zip(heights, values, strict=True)]))
        heights = [below + (v or 0) for below, v in zip(heights, values, strict=True)]
    top = max(heights, default=0) or 1
    shapes = [
        Shape(name.replace("_", " "), f"part-{name}", _columns(told, top))
        for name, told in stacks
        if any(v for _, v in told)
    ]
    return _plotted(model, shapes, top)


def _plotted(model: dict[str, Any], shapes: list[Shape], top: int) -> Plotted:
    words = duration if model["unit"] == "ms" else number
    steps = _durations(top) if model["unit"] == "ms" else _numbers(top)
    label: Callable[[int], str] = tick if model["unit"] == "ms" else _short
    keys: list[str] = model["x"]
    return Plotted(
        shapes,
        _names(keys),
        [Named(_y(step, top), label(step)) for step in steps if step],
        f"from {keys[0]} to {keys[-1]}, at most {words(top)}" if keys else "nothing",
    )


def _line(values: Values, top: int) -> str:
    path, drawing = "", False
    for n, value in enumerate(values):
        if value is None:
            drawing = False
            continue
        # A value between two gaps is a dot: a round cap needs some length.
        path += f"{'L' if drawing else 'M'}{_x(n + 0.5, len(values))} {_y(value, top)}"
        path += "" if drawing else "h.1"
        drawing = True
    return path


def _columns(told: Sequence[tuple[int, int]], top: int) -> str:
    width = _x(0.8, len(told))
    return "".join(
        f"M{_x(n + 0.1, len(told))} {_y(below + value, top)}h{width}V{_y(below, top)}h-{width}z"
        for n, (below, value) in enumerate(told)
        if value
    )


def _names(keys: Sequence[str]) -> list[Named]:
    step = max(1, -(-len(keys) // NAMED))
    # Of days the year is said elsewhere.
    return [
        Named(round(100 * (n + 0.5) / len(keys), 2), keys[n][5:] if len(keys[n]) == 10 else keys[n])
        for n in range(0, len(keys), step)
    ]


def _durations(top: int) -> list[int]:
    return list(Axis(top, 9 * LINES_ACROSS).ticks().values())


def _numbers(top: int) -> range:
    step = next(
        size * 10**power
        for power in count()
        for size in (1, 2, 5)
        if size * 10**power * LINES_ACROSS >= top
    )
    return range(0, top + 1, step)


def _short(n: int) -> str:
    """Of a number that is round: `20 M`, `500 k`."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if n >= size:
            return f"{n / size:g} {unit}"
    return number(n)


def _x(place: float, places: int) -> float:
    return round(WIDTH * place / max(1, places), 2)


def _y(value: int, top: int) -> float:
    # A line at the very top would be half outside.
    return round(HEIGHT - (HEIGHT - 1) * value / top, 2)
