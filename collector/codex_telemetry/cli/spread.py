"""How a spread of durations looks: a bar for each class of them, or one character."""

from itertools import pairwise

from codex_telemetry.cli.words import Line, Span, cells, number, percent, tick
from codex_telemetry.reports.percentiles import EDGES_MS, Spread

BAR = "█"
HEIGHTS = "▁▂▃▄▅▆▇█"


def classes(spread: Spread) -> list[int]:
    """How many values lie below each edge and not below the one before; the last: above all."""
    below = [0, *(spread.below(edge) for edge in EDGES_MS), len(spread)]
    return [upto - before for before, upto in pairwise(below)]


def steps(*spreads: Spread) -> list[tuple[str, int]]:
    """Each class from the first to the last that has any, and how many values they have together."""
    numbers = [sum(its) for its in zip(*map(classes, spreads), strict=True)]
    held = [n for n, number_ in enumerate(numbers) if number_]
    if not held:
        return []
    return [
        (f"< {tick(EDGES_MS[n])}" if n < len(EDGES_MS) else "longer", numbers[n])
        for n in range(held[0], held[-1] + 1)
    ]


def histogram(spread: Spread, width: int) -> list[Line]:
    """A line for each of these."""
    shown = steps(spread)
    if not shown:
        return []
    left = max(cells(label) for label, _ in shown)
    right = max(cells(number(n)) for _, n in shown)
    room = max(4, width - left - right - 12)
    most = max(n for _, n in shown)
    return [
        [
            Span(f"  {label:>{left}} "),
            # However few, they are seen.
            Span(f"{BAR * (-(-room * n // most)):{room}}", "model"),
            Span(f" {number(n):>{right}} {percent(n, len(spread)):>6}"),
        ]
        for label, n in shown
    ]


def sparkline(spread: Spread, first: int, last: int) -> str:
    """The classes from `first` to `last` as heights; nothing is a space."""
    numbers = classes(spread)[first : last + 1]
    most = max([*numbers, 1])
    return "".join(
        HEIGHTS[-(-len(HEIGHTS) * number_ // most) - 1] if number_ else " " for number_ in numbers
    )


def extent(spread: Spread) -> tuple[int, int]:
    """The first and the last class that has any."""
    held = [n for n, number_ in enumerate(classes(spread)) if number_]
    return (held[0], held[-1]) if held else (0, 0)


def legend(first: int, last: int) -> str:
    """Which durations a sparkline runs over."""
    begin = tick(EDGES_MS[first - 1]) if first else "0"
    return f"{begin} to {tick(EDGES_MS[last])}" if last < len(EDGES_MS) else f"{begin} and longer"
