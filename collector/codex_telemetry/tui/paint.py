"""Lines of our drawings as what a terminal is told: styles are those of `show`, characters that it can't
write have a stand-in, and what it would obey is inert.
"""

from functools import cache

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codex_telemetry.cli.show import ASCII, STYLES
from codex_telemetry.cli.words import Line, Span, cells, cut, plain

CHOSEN = Style(reverse=True, bold=True)
MARKED = 2
"""So many spans of a chosen line stand out: the pointer and the id."""


@cache
def style(name: str) -> Style:
    """Of the sixteen colours, as the terminal's theme has them."""
    sgr = [int(code) for code in STYLES.get(name, "").split(";") if code]
    colours = [code for code in sgr if code != 1]
    number = None if not colours else colours[0] - 30 if colours[0] < 90 else colours[0] - 90 + 8
    return Style(bold=1 in sgr or None, color=None if number is None else Color.from_ansi(number))


def painted(line: Line, width: int, *, chosen: bool = False, unicode: bool = True) -> Strip:
    """A line of exactly that width. Of a chosen one the beginning is reversed: more of it would take
    the colours from bars."""
    segments = []
    for n, span in enumerate(fitted(line, width)):
        text = span.text if unicode else _ascii(span.text)
        own = style(span.style)
        segments.append(Segment(text, own + CHOSEN if chosen and n < MARKED else own))
    return Strip(segments, width)


def fitted(line: Line, width: int) -> Line:
    """Cut or filled up to that width."""
    kept: Line = []
    room = width
    for span in line:
        text = plain(span.text)
        if cells(text) > room:
            text = cut(text, room)
        kept.append(Span(text, span.style))
        room -= cells(text)
        if room <= 0:
            break
    return [*kept, Span(" " * room)] if room > 0 else kept


def beside(left: list[Line], right: list[Line], width: int, gap: int) -> list[Line]:
    """Two columns, the left one so wide."""
    rows = max(len(left), len(right))
    left, right = (lines + [[]] * (rows - len(lines)) for lines in (left, right))
    return [[*fitted(a, width), Span(" " * gap), *b] for a, b in zip(left, right, strict=True)]


def _ascii(text: str) -> str:
    fit = text.translate(ASCII)
    if fit.isascii():
        return fit
    return "".join(c if c.isascii() else "?" * cells(c) for c in fit)
