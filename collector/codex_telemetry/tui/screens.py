"""What somebody sees: the board, one turn, the help."""

from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from codex_telemetry.cli.turns import picture
from codex_telemetry.cli.words import Line, Span, cut, plain
from codex_telemetry.errors import UsageError
from codex_telemetry.tui.board import Board, View, board, header
from codex_telemetry.tui.filters import HINT
from codex_telemetry.tui.lines import Lines

if TYPE_CHECKING:
    from codex_telemetry.tui.app import Top

KEYS = (
    ("↑ ↓  k j", "choose a turn"),
    ("PgUp PgDn  Home End", "the same, further"),
    ("Enter", "where its time went, as codex-telemetry turn shows it"),
    ("/", "filter, as model:gpt-5.5 project:. today"),
    ("Esc", "back; on the board: without filters"),
    ("?", "this"),
    ("q  Ctrl-C", "quit"),
)

SAID = (
    f"Filters are those of the commands: {HINT}",
    (
        "A bar shows what its turn has done so far, in the characters of codex-telemetry turn."
        " Tokens are by minute over half an hour; the last full minute is told in numbers. Sums and"
        " tools are of the last 24 hours, or of the time that is filtered. Limits are the whole"
        " account's, whatever is filtered."
    ),
)


class Page(Screen[None]):
    """Lines, and a last one that says what can be done or what is wrong."""

    AUTO_FOCUS = ""
    KEYS: ClassVar[str] = ""

    @property
    def top(self) -> "Top":
        return cast("Top", self.app)

    def compose(self) -> ComposeResult:
        yield Lines(unicode=self.top.unicode)

    @property
    def lines(self) -> Lines:
        return self.query_one(Lines)

    def on_mount(self) -> None:
        self.redraw()

    def on_resize(self) -> None:
        self.redraw()

    def on_screen_resume(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        """As things are now."""
        if not self.query(Lines) or not self.size.height:
            return
        width, height = self.size
        last = self.last(width)[:height]
        room = height - len(last)
        drawn, chosen = self.page(width, room)
        self.lines.draw([*[*drawn, *([[]] * room)][:room], *last], chosen)

    def page(self, width: int, height: int) -> tuple[list[Line], int | None]:
        """At most so many lines, and which of them is chosen."""
        raise NotImplementedError

    def last(self, width: int) -> list[Line]:
        """What stands under it."""
        if self.top.trouble is not None:
            message, hint = self.top.trouble.message, self.top.trouble.hint
            said = plain(f"{message}; {hint}" if hint else message)
            return [[Span(line, "warn")] for line in wrap(said, width, break_on_hyphens=False)]
        words = [word.partition(" ") for word in self.KEYS.split("  ")]
        pairs = [(Span(key, "bold"), Span(f" {does}  ", "dim")) for key, _, does in words]
        return [[span for pair in pairs for span in pair]]


class BoardPage(Page):
    KEYS = "↑↓ choose  Enter open  / filter  ? help  q quit"

    BINDINGS: ClassVar[list[BindingType]] = [
        ("up,k", "move(-1)"),
        ("down,j", "move(1)"),
        ("pageup", "move(-10)"),
        ("pagedown", "move(10)"),
        ("home,g", "move(-1000)"),
        ("end,G", "move(1000)"),
        ("enter", "open"),
        ("escape", "clear"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._chosen: str | None = None
        self._from = 0
        self._typed: str | None = None
        """Of a filter that isn't finished."""

    def page(self, width: int, height: int) -> tuple[list[Line], int | None]:
        top = self.top
        if top.now is None:
            return self._nothing_yet(width), None
        made = self._board(width, height)
        if made.turns and self._chosen not in top.turns:
            self._chosen = top.turns[0]
            made = self._board(width, height)
        self._from = made.top
        return made.lines, next((n for n, t in made.turns.items() if t == self._chosen), None)

    def _board(self, width: int, height: int) -> Board:
        top = self.top
        assert top.now is not None
        view = View(top.zone, self._chosen, self._from, top.filters, top.period)
        return board(top.now, view, top.clock(), width, height)

    def _nothing_yet(self, width: int) -> list[Line]:
        lines = [header("", self.top.filters, width), []]
        return lines if self.top.trouble is not None else [*lines, [Span("reading …", "dim")]]

    def action_move(self, by: int) -> None:
        turns = self.top.turns
        if turns:
            place = turns.index(self._chosen) if self._chosen in turns else 0
            self._chosen = turns[max(0, min(len(turns) - 1, place + by))]
            self.redraw()

    def action_open(self) -> None:
        if self._chosen is not None:
            self.top.look_at(self._chosen)
            self.top.push_screen(TurnPage())

    def on_key(self, event: events.Key) -> None:
        # Here and not by bindings, which come later than what is typed on.
        if self._typed is None and event.key == "slash":
            self._typed = f"{self.top.filters} ".lstrip()
        elif self._typed is not None:
            self._edit(self._typed, event)
        else:
            return
        event.stop()
        self.redraw()

    def on_paste(self, event: events.Paste) -> None:
        if self._typed is not None:
            event.stop()
            self._typed += plain(" ".join(event.text.split()))
            self.redraw()

    def _edit(self, typed: str, event: events.Key) -> None:
        match event.key:
            case "enter":
                self._narrow_to(typed)
            case "escape":
                self._typed = self.top.trouble = None
            case "backspace":
                self._typed = typed[:-1]
            case "ctrl+w":
                self._typed = " ".join(typed.split(" ")[:-1])
            case "ctrl+u":
                self._typed = ""
            case _ if event.is_printable and event.character is not None:
                self._typed = typed + event.character

    def _narrow_to(self, typed: str) -> None:
        try:
            self.top.narrow_to(typed)
        except UsageError as error:
            self.top.trouble = error
        else:
            self._typed = None

    def last(self, width: int) -> list[Line]:
        if self._typed is None:
            return super().last(width)
        above = super().last(width) if self.top.trouble is not None else []
        return [
            *above,
            [Span("/ ", "bold"), Span(cut(f"{self._typed}_", width - 2, keep_end=True))],
        ]

    def action_clear(self) -> None:
        if self.top.filters:
            self.top.narrow_to("")
            self.redraw()


class Scrolled(Page):
    """More lines than a terminal may have."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("up,k", "scroll_by(-1)"),
        ("down,j", "scroll_by(1)"),
        ("pageup", "scroll_by(-10)"),
        ("pagedown,space", "scroll_by(10)"),
        ("home,g", "scroll_by(-100000)"),
        ("end,G", "scroll_by(100000)"),
        ("escape,backspace", "back"),
    ]
    KEYS = "↑↓ scroll  Esc back  ? help  q quit"

    def __init__(self) -> None:
        super().__init__()
        self._from = 0

    def page(self, width: int, height: int) -> tuple[list[Line], int | None]:
        drawn = self.whole(width)
        self._from = max(0, min(self._from, len(drawn) - height))
        return drawn[self._from : self._from + height], None

    def whole(self, width: int) -> list[Line]:
        raise NotImplementedError

    def action_scroll_by(self, lines: int) -> None:
        self._from = max(0, self._from + lines)
        self.redraw()

    def action_back(self) -> None:
        self.top.look_at(None)
        self.top.pop_screen()


class TurnPage(Scrolled):
    """The same as `codex-telemetry turn`, as it grows."""

    def whole(self, width: int) -> list[Line]:
        turn = self.top.turn
        if turn is None:
            return [[Span("reading …", "dim")]]
        return picture(turn, width, self.top.zone, self.top.clock())


class HelpPage(Scrolled):
    KEYS = "Esc back  q quit"

    def whole(self, width: int) -> list[Line]:
        left = max(len(key) for key, _ in KEYS)
        keys = [[Span(f"  {key:{left}}  ", "bold"), Span(does)] for key, does in KEYS]
        lines = [line for text in SAID for line in (*wrap(text, max(20, width - 4)), "")]
        return [
            header("help", "", width),
            [],
            *keys,
            [],
            *([Span(f"  {line}", "dim")] for line in lines),
        ]

    def action_back(self) -> None:
        self.top.pop_screen()
