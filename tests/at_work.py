"""A database in which something runs, for whoever watches."""

from pathlib import Path

import scenes
from codex_telemetry.core.facts import Fact
from codex_telemetry.core.identity import ItemId

NOW = scenes.LIMITED_AT
"""When somebody looks: two hours after the first turn."""

RUNNING = scenes.uuid7(NOW - 45_000, 1)
"""The turn that runs `make`."""


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


def running(now: int = NOW) -> list[Fact]:
    """A session with a turn that runs `make` and waits, and one whose model thinks."""
    session = scenes.session(now - 60_000, n=3, cwd=scenes.told("/home/me/other"))
    at = now - 45_000
    items = {
        ItemId("i0"): scenes.item("user_message", at + 90, at + 90),
        ItemId("i1"): scenes.item("reasoning", at + 800, at + 5_000),
        ItemId("i2"): scenes.item("command", at + 5_000, at + 20_000, "cargo"),
        ItemId("i3"): scenes.item("message", at + 24_000, at + 25_000),
        ItemId("i4"): scenes.item("command", at + 26_000, None, "make"),
    }
    thinking = scenes.turn(session, now - 12_000, None, n=2)
    return [session, scenes.turn(session, at, None, n=1, items=items), thinking]
