"""The live view: news from the watching thread and keys in, screens out; the clock ticks only while a
turn runs.
"""

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer

from codex_telemetry.cli.options import Narrow
from codex_telemetry.cli.period import Zone
from codex_telemetry.errors import UserError
from codex_telemetry.reports.now import MINUTE_MS, Now
from codex_telemetry.reports.seen import Seen
from codex_telemetry.store.queries import Filters, Store
from codex_telemetry.tui import filters
from codex_telemetry.tui.screens import BoardPage, HelpPage, Page, TurnPage
from codex_telemetry.tui.terminal import Terminal
from codex_telemetry.tui.watch import Asked, News, Watch

TICK_S = 1.0
"""Between two drawings of bars that grow."""

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Told(Message):
    def __init__(self, news: News) -> None:
        super().__init__()
        self.news = news


class Top(App[int]):
    ENABLE_COMMAND_PALETTE = False
    CSS = "Screen { background: ansi_default; color: ansi_default; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit"),
        Binding("ctrl+c", "quit", priority=True),
        Binding("ctrl+z", "suspend_process", priority=True),
        Binding("question_mark", "help"),
    ]

    def __init__(
        self,
        database: Path,
        open_store: Callable[[], AbstractContextManager[Store]],
        narrow: Narrow,
        zone: Zone,
        *,
        unicode: bool,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        super().__init__(driver_class=Terminal, ansi_color=True)
        self.zone, self.unicode, self.clock = zone, unicode, clock
        self.now: Now | None = None
        self.turn: Seen | None = None
        self.trouble: UserError | None = None
        self.crash: Exception | None = None
        self._database = database
        self._ticks: Timer | None = None
        self._narrow = narrow
        self._asked = Asked(self._narrowed(narrow))
        self._watch = Watch(database, open_store, self._hear, clock, self._asked)

    @property
    def filters(self) -> str:
        return filters.written(self._narrow)

    @property
    def period(self) -> str:
        return filters.period(self._narrow)

    @property
    def turns(self) -> list[str]:
        """The ids of those that can be chosen, from above."""
        if self.now is None:
            return []
        return [each.turn.turn_id for each in self.now.running] + [
            turn.turn_id for turn in self.now.recent
        ]

    def get_default_screen(self) -> BoardPage:
        return BoardPage()

    def on_mount(self) -> None:
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for number in SIGNALS:
                loop.add_signal_handler(number, self.exit, 128 + number)
        self._watch.start()

    def on_unmount(self) -> None:
        self._watch.stop()

    def narrow_to(self, typed: str) -> None:
        """Raises `UsageError`."""
        narrow = filters.read(typed, self._database)
        narrow.check(self.zone)
        self.trouble = None
        self._narrow = narrow
        self._ask(Asked(self._narrowed(narrow)))

    def look_at(self, turn_id: str | None) -> None:
        self.turn = None
        self._ask(self._asked._replace(turn_id=turn_id))

    def action_help(self) -> None:
        if not isinstance(self.screen, HelpPage):
            self.push_screen(HelpPage())

    def on_told(self, message: Told) -> None:
        news = message.news
        if news.crash is not None:
            self._handle_exception(news.crash)
            return
        self.trouble = news.trouble
        if news.now is not None:
            self.now, self.turn = news.now, news.turn
        self._redraw()

    def _handle_exception(self, error: Exception) -> None:
        # Textual would print what all variables hold, which may be names out of sessions.
        self.crash = self.crash or error
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self.exit(1)

    def _ask(self, asked: Asked) -> None:
        self._asked = asked
        self._watch.ask(asked)

    def _narrowed(self, narrow: Narrow) -> Callable[[Store], Filters]:
        # Anew each time: 24h ago is another moment then.
        return lambda db: narrow.found(db, narrow.check(self.zone))

    def _hear(self, news: News) -> None:
        self.post_message(Told(news))

    def _redraw(self) -> None:
        if not self.screen_stack:
            return  # It is closing: its screens are gone, and what was told may come after that.
        if isinstance(self.screen, Page):
            self.screen.redraw()
        if self._ticks is not None:
            self._ticks.stop()
        self._ticks = self.set_timer(self._until_next(), self._tick)

    def _until_next(self) -> float:
        """Seconds until something looks different by the clock alone."""
        turn = self.turn if isinstance(self.screen, TurnPage) else None
        runs = bool(self.now and self.now.running) or (
            turn is not None and turn.turn.status == "in_progress"
        )
        return TICK_S if runs else (MINUTE_MS - self.clock() % MINUTE_MS) / 1000

    def _tick(self) -> None:
        if self.now is not None and any(t.waterfall(self.clock()).silent for t in self.now.running):
            self._ask(self._asked)
        self._redraw()


def run(app: Top) -> int:
    """Until it is quit; the exit code. What went wrong within is raised."""
    code: Any = app.run(mouse=False)
    if app.crash is not None:
        raise app.crash
    return code or 0
