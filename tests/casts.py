"""Recorded screens of real Codex releases: `fixtures/screens`, made by `fixtures/make_screens.py`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from codex_telemetry.core.facts import Fact
from codex_telemetry.formats.base import Stamp
from codex_telemetry.formats.screen import Screen
from codex_telemetry.frames import END, SCREEN, SIZE, START, WINDOW, frame
from codex_telemetry.inputs.live import ms_of_local

FOLDER = Path(__file__).parents[1] / "fixtures" / "screens"


class Cast(NamedTuple):
    name: str
    rows: int
    columns: int
    chunks: list[tuple[int, bytes]]
    """When it was shown (ms UTC), and what."""

    def screen(self) -> Screen:
        screen = Screen(ms_of_local, "/home/canary")
        screen.resize(self.rows, self.columns)
        return screen

    def facts(self, pieces: Iterator[tuple[int, bytes]] | None = None) -> list[Fact]:
        """All that it tells; cut into these pieces instead of its own."""
        screen, at, told = self.screen(), 0, list[Fact]()
        for at, data in pieces or self.chunks:
            told += screen.shown(data, Stamp(at))
        return [*told, *screen.ended(Stamp(at))]

    def frames(self, launch: str = "launch") -> bytes:
        """As the pump would send it."""
        began, ends = self.chunks[0][0], self.chunks[-1][0]
        start = json.dumps({"launch": launch, "program": "codex", "codex": True}).encode()
        return b"".join([
            frame(START, began * 10**6, 0, start),
            frame(SIZE, began * 10**6, 0, WINDOW.pack(self.rows, self.columns)),
            *(frame(SCREEN, at * 10**6, (at - began) * 10**6, data) for at, data in self.chunks),
            frame(END, ends * 10**6, (ends - began + 1) * 10**6, b'{"exit_code":0}'),
        ])  # fmt: skip


def casts() -> list[Cast]:
    return [cast(path.stem) for path in sorted(FOLDER.glob("*.cast"))]


def cast(name: str) -> Cast:
    head, *shown = map(json.loads, (FOLDER / f"{name}.cast").read_text("utf-8").splitlines())
    began = head["timestamp"]
    chunks = [(round((began + at) * 1000), text.encode()) for at, _, text in shown]
    return Cast(name, head["height"], head["width"], chunks)
