"""What the tests of the live view share: a database in which something runs, and the view on it."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

import scenes
from at_work import NOW, fill
from cli.conftest import home  # noqa: F401 - a fixture
from codex_telemetry.cli.options import Narrow, Where
from codex_telemetry.cli.period import Zone
from codex_telemetry.cli.reach import store
from codex_telemetry.tui.app import Top
from codex_telemetry.tui.lines import Lines
from codex_telemetry.tui.screens import Page


@pytest.fixture
def database(home: Path) -> Path:  # noqa: F811
    return home / "telemetry.db"


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("filled") / "telemetry.db")


@pytest.fixture
def full(filled: Path, database: Path) -> Path:
    return Path(shutil.copy(filled, database))


async def write(*told: Any, **more: Any) -> Path:
    """`scenes.write` has a loop of its own."""
    return await asyncio.to_thread(scenes.write, *told, **more)


class Watcher:
    """Somebody at the view."""

    def __init__(self, app: Top, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def page(self) -> Page:
        found = self.app.screen
        assert isinstance(found, Page)
        return found

    @property
    def text(self) -> str:
        return "\n".join(self.page.lines.drawn) if self.page.query(Lines) else ""

    async def shows(self, what: str | Callable[[str], object]) -> str:
        """Wait until it is on the screen; the screen."""
        for _ in range(400):
            await self.pilot.pause(0.02)
            if what in self.text if isinstance(what, str) else what(self.text):
                return self.text
        raise AssertionError(f"not shown: {what}; the screen:\n{self.text}")

    async def filter(self, typed: str) -> None:
        """Pasted, for the pilot types slowly."""
        await self.press("slash")
        self.page.post_message(events.Paste(typed))
        await self.press("enter")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()


Watching = Callable[..., AbstractAsyncContextManager[Watcher]]


@pytest.fixture
def watching(database: Path) -> Watching:
    """The view on a terminal of some size, at a moment that stands still unless it is moved."""

    @contextlib.asynccontextmanager
    async def watch(
        size: tuple[int, int] = (80, 24),
        narrow: Narrow = Narrow(),  # noqa: B008
        clock: Callable[[], int] = lambda: NOW,
        *,
        unicode: bool = True,
    ) -> AsyncIterator[Watcher]:
        app = Top(
            database,
            lambda: store(Where()),
            narrow,
            Zone("Europe/Berlin"),
            unicode=unicode,
            clock=clock,
        )
        async with app.run_test(size=size) as pilot:
            yield Watcher(app, pilot)

    return watch
