"""Lines on the screen: of what changed nothing else is written."""

from collections.abc import Sequence

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from codex_telemetry.cli.words import Line
from codex_telemetry.tui.paint import painted


class Lines(Widget):
    """What is shown of some lines, from one on."""

    DEFAULT_CSS = "Lines { width: 1fr; height: 1fr; }"

    def __init__(self, *, unicode: bool) -> None:
        super().__init__()
        self._unicode = unicode
        self._lines: Sequence[Line] = ()
        self._chosen: int | None = None

    def draw(self, lines: Sequence[Line], chosen: int | None = None) -> None:
        """These from now on, one of them chosen."""
        before, was_chosen = self._lines, self._chosen
        self._lines, self._chosen = lines, chosen
        changed = [
            y
            for y in range(max(len(lines), len(before)))
            if _at(lines, y) != _at(before, y)
            or (y in (chosen, was_chosen) and chosen != was_chosen)
        ]
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    @property
    def drawn(self) -> list[str]:
        """As text."""
        return [self.render_line(y).text.rstrip() for y in range(self.size.height)]

    def render_line(self, y: int) -> Strip:
        line = _at(self._lines, y)
        return painted(line, self.size.width, chosen=y == self._chosen, unicode=self._unicode)


def _at(lines: Sequence[Line], y: int) -> Line:
    return lines[y] if y < len(lines) else []
