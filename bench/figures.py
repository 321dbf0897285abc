"""What one line of the table of `make bench` holds, and how the table is written.

Every measuring file in this folder has `figures(runs, folder)`, which yields these, and can be run
by itself with `--runs N`. A figure and what it stands against are medians of the same run, taken in
turn, so that a busy machine slows both alike.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple


class Unit(StrEnum):
    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "µs"
    MEGABYTES = "MB"
    MEGABYTES_A_SECOND = "MB/s"
    PERCENT = "%"


class Figure(NamedTuple):
    """One measurement, with what it stands against and what bounds it.

    `aim` is what is wanted as people read it ("≤ 1.5 times"); `met` says whether it was, None
    where nothing is aimed at. `bound` names what the time or the memory goes into, found by a
    profile.
    """

    group: str
    what: str
    ours: float
    unit: Unit
    peer: str
    theirs: float | None
    aim: str
    met: bool | None
    bound: str


HEADINGS = ("what", "ours", "against", "ratio", "aim", "met", "bound by")


def as_markdown(figures: Iterable[Figure]) -> str:
    """One table for each group, as `docs/PERFORMANCE.md` shows them."""
    groups: dict[str, list[Figure]] = {}
    for figure in figures:
        groups.setdefault(figure.group, []).append(figure)
    return "\n\n".join(f"### {group}\n\n{_table(rows)}" for group, rows in groups.items()) + "\n"


def _table(figures: Sequence[Figure]) -> str:
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *map(_cells, figures)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cells(figure: Figure) -> tuple[str, ...]:
    known = figure.theirs is not None
    return (
        figure.what,
        _amount(figure.ours, figure.unit),
        f"{figure.peer}: {_amount(figure.theirs, figure.unit)}" if known else figure.peer,
        f"{figure.ours / figure.theirs:.2f} times" if figure.theirs else "",
        figure.aim,
        "" if figure.met is None else "yes" if figure.met else "**no**",
        figure.bound,
    )


def _amount(amount: float | None, unit: Unit) -> str:
    if amount is None:
        return ""
    return f"{amount:,.0f} {unit}" if abs(amount) >= 100 else f"{amount:.3g} {unit}"
