"""What the tests of the live view share: a database in which something runs, and the view on it."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from textual.pilot import Pilot

import scenes
from cli.conftest import home  # noqa: F401 - a fixture
from codex_telemetry.cli.options import Narrow, Where
from codex_telemetry.cli.period import Zone
from codex_telemetry.cli.reach import store
from codex_telemetry.core.identity import ItemId
from codex_telemetry.tui.app import Top
from codex_telemetry.tui.screens import Page

NOW = scenes.LIMITED_AT
"""When somebody looks: two hours after the first turn."""

RUNNING = scenes.uuid7(NOW - 45_000, 1)
"""The turn that runs `make`."""


@pytest.fixture
def database(home: Path) -> Path:  # noqa: F811
    return home / "telemetry.db"


def fill(database: Path) -> Path:
    """Turns that ended, two that run, limits."""
    session = scenes.session()
    done = [
        scenes.turn(session, NOW - n * 240_000, 3_000 * n, n=n + 10, **_used(NOW - n * 240_000, n))
        for n in range(1, 30)
    ]
    scenes.write(database, session, scenes.busy_turn(session), *done, *running(), *scenes.limits())
    return database


def _used(at: int, n: int) -> dict[str, object]:
    return {"responses": {1_000 * n: scenes.response(at + 1_000, 1_000 * n)}}


def running() -> list[object]:
    """A session with a turn that runs `make` and waits, and one whose model thinks."""
    session = scenes.session(NOW - 60_000, n=3, cwd=scenes.told("/home/me/other"))
    at = NOW - 45_000
    items = {
        ItemId("i0"): scenes.item("user_message", at + 90, at + 90),
        ItemId("i1"): scenes.item("reasoning", at + 800, at + 5_000),
        ItemId("i2"): scenes.item("command", at + 5_000, at + 20_000, "cargo"),
        ItemId("i3"): scenes.item("message", at + 24_000, at + 25_000),
        ItemId("i4"): scenes.item("command", at + 26_000, None, "make"),
    }
    thinking = scenes.turn(session, NOW - 12_000, None, n=2)
    return [session, scenes.turn(session, at, None, n=1, items=items), thinking]


@pytest.fixture
def full(database: Path) -> Path:
    return fill(database)


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
        return "\n".join(self.page.lines.drawn)

    async def shows(self, what: str | Callable[[str], object]) -> str:
        """Wait until it is on the screen; the screen."""
        for _ in range(400):
            await self.pilot.pause(0.02)
            if what in self.text if isinstance(what, str) else what(self.text):
                return self.text
        raise AssertionError(f"not shown: {what}; the screen:\n{self.text}")

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
