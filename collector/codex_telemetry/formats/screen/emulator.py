"""What a terminal shows after what was sent to it: pyte, kept from what it would take for text.

In memory only, and no more of it than the screen and what has just left it at the top.
"""

import re
from collections import deque

import pyte
from pyte.screens import Margins

MOST_ABOVE = 60
"""Rows that have left the screen at its top: a panel may begin there."""
MOST_UNENDED = 4_096
"""Bytes of a sequence that doesn't end: then it wasn't one."""

_SEQUENCE = re.compile(
    rb"\x1b(?:"
    rb"\[(?P<parameters>[0-?]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    rb"|\][^\x07\x1b]*(?:\x07|\x1b\\)"  # a title, a colour, a link
    rb"|[PX^_][^\x1b]*\x1b\\"
    rb"|[ -/]*(?P<plain>[0-OQ-WYZ`-~\\]))"
)
_FINALS = frozenset(b"@ABCDEFGHJKLMPXa`defhlmr")
"""What draws, moves, erases and scrolls: all else is for keyboards, mice and questions."""
_PLAIN = frozenset(b"DEMc78")


class Emulator:
    def __init__(self, rows: int, columns: int) -> None:
        self._screen = _Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._unended = b""

    @property
    def columns(self) -> int:
        return int(self._screen.columns)

    def feed(self, data: bytes) -> None:
        data = self._unended + data
        kept, self._unended = _SEQUENCE.sub(_drawn, data), b""
        if (last := kept.rfind(b"\x1b")) >= 0 and _SEQUENCE.match(kept, last) is None:
            kept, unended = kept[:last], kept[last:]
            self._unended = unended if len(unended) < MOST_UNENDED else b""
        self._stream.feed(kept)

    def resize(self, rows: int, columns: int) -> None:
        self._screen.resize(rows, columns)

    def touched(self) -> list[str]:
        """The rows that were drawn on since the last call."""
        rows = [self._screen.row(y) for y in sorted(self._screen.dirty) if y < self._screen.lines]
        self._screen.dirty.clear()
        return rows

    def rows(self) -> list[str]:
        """All of them, with those above that were there last."""
        return [*self._screen.above, *map(self._screen.row, range(self._screen.lines))]


def _drawn(sequence: re.Match[bytes]) -> bytes:
    """The sequence, if it changes what is shown; pyte would draw some of the others, or stumble."""
    final, plain = sequence["final"], sequence["plain"]
    if plain is not None:
        return sequence[0] if plain[0] in _PLAIN else b""
    if final is None or final[0] not in _FINALS or sequence["between"]:
        return b""
    # With a mark before them parameters mean something else: modes that no release needs to be read.
    marked = sequence["parameters"][:1] in (b"<", b"=", b">", b"?")
    return b"" if marked or b":" in sequence["parameters"] else sequence[0]


class _Screen(pyte.Screen):
    def __init__(self, columns: int, lines: int) -> None:
        self.above: deque[str] = deque(maxlen=MOST_ABOVE)
        super().__init__(columns, lines)

    def row(self, y: int) -> str:
        line = self.buffer[y]
        return "".join(line[x].data for x in range(self.columns))

    def index(self) -> None:
        top, bottom = self.margins or Margins(0, self.lines - 1)
        if top == 0 and self.cursor.y == bottom:
            self.above.append(self.row(0))
        super().index()

    def set_title(self, param: str) -> None:
        """A title may hold a prompt."""
