"""How a list becomes a table: which columns fit, how wide they are, what is left out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Generic, NamedTuple, TypeVar

from codex_telemetry.cli.labelled import all_labelled, labelled
from codex_telemetry.cli.words import NOTHING, Line, Span, cells, cut, padded, plain

T = TypeVar("T")
GAP = "  "
MEASURED = 500
"""So many rows set the widths where a table isn't cut to a terminal: the rest is never held."""


class Column(NamedTuple, Generic[T]):
    title: str
    cell: Callable[[T], str | None]
    rank: int = 0
    """What doesn't fit is left out, the highest first; 0 stays."""
    right: bool = False
    style: Callable[[T], str] | None = None
    narrowest: int | None = None
    """It may be cut down to this, losing its beginning, before any column is left out."""
    hoist: bool = False
    """An offset that all moments end in is said once, in the title."""


class _Drawn(NamedTuple):
    title: str
    texts: list[str]


def table(columns: Sequence[Column[T]], rows: Sequence[T], width: int) -> list[Line]:
    """All of it within a width."""
    rows = [labelled(row) for row in rows]
    drawn = {c.title: _hoisted(c, [_text(c, row) for row in rows]) for c in columns}
    widths = {c.title: _widest(drawn[c.title]) for c in columns}
    kept = list(columns)
    while (over := _total(kept, widths) - width) > 0:
        spare = next((c for c in kept if c.narrowest and widths[c.title] > c.narrowest), None)
        if spare is not None and widths[spare.title] - over >= (spare.narrowest or 0):
            widths[spare.title] -= over
            break
        last = max(kept, key=lambda c: c.rank)
        if last.rank == 0:
            break
        kept.remove(last)
    head = _line(kept, widths, [drawn[c.title].title for c in kept], ["heading"] * len(kept))
    body = [
        _line(
            kept,
            widths,
            [drawn[c.title].texts[n] for c in kept],
            [c.style(row) if c.style else "" for c in kept],
        )
        for n, row in enumerate(rows)
    ]
    return [head, *body]


def stream(columns: Sequence[Column[T]], rows: Iterable[T]) -> Iterator[Line]:
    """All columns, row by row, for a file or a pipe: widths are those of the first rows."""
    rows = all_labelled(rows)
    first = list(islice(rows, MEASURED))
    widths = {
        c.title: max(cells(c.title), *(cells(_text(c, row)) for row in first), 0) for c in columns
    }
    yield _line(columns, widths, [c.title for c in columns], ["heading"] * len(columns))
    for row in chain(first, rows):
        yield _line(columns, widths, [_text(c, row) for c in columns], [""] * len(columns))


def _text(column: Column[T], row: T) -> str:
    text = column.cell(row)
    return NOTHING if text is None else plain(text)


def _hoisted(column: Column[T], texts: list[str]) -> _Drawn:
    endings = {text.rpartition(" ")[2] for text in texts if text != NOTHING} - {"ago"}
    if not column.hoist or len(endings) != 1:
        return _Drawn(column.title, texts)
    ending = f" {endings.pop()}"
    return _Drawn(column.title + ending, [text.removesuffix(ending) for text in texts])


def _widest(drawn: _Drawn) -> int:
    return max(cells(drawn.title), *(cells(text) for text in drawn.texts), 0)


def _total(columns: Sequence[Column[T]], widths: dict[str, int]) -> int:
    return sum(widths[c.title] for c in columns) + len(GAP) * (len(columns) - 1)


def _line(
    columns: Sequence[Column[T]], widths: dict[str, int], texts: list[str], styles: list[str]
) -> Line:
    line: Line = []
    for n, (column, text, style) in enumerate(zip(columns, texts, styles, strict=True)):
        if n:
            line.append(Span(GAP))
        width = widths[column.title]
        if column.narrowest:
            text = cut(text, width, keep_end=True)  # noqa: PLW2901
        last = n == len(columns) - 1
        line.append(
            Span(
                text if last and not column.right else padded(text, width, right=column.right),
                style,
            )
        )
    return line
