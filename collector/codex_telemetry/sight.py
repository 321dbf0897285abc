"""The terminal that somebody sits at, as far as it is looked at: facts out of what was heard of it."""

import os
from collections.abc import Iterator

from codex_telemetry.core.facts import Fact
from codex_telemetry.formats.base import Stamp
from codex_telemetry.formats.screen import Screen
from codex_telemetry.inputs import live
from codex_telemetry.unrecognised import started


class Sight:
    def __init__(self) -> None:
        self._screen: Screen | None = None
        """None as long as nobody sits there."""
        self._missed = False
        """A collector before us heard the beginning."""

    @property
    def is_there(self) -> bool:
        return self._screen is not None

    def take(self, heard: live.Heard) -> Iterator[tuple[Fact, int]]:
        """What it shows, each with the time at which it did (ms UTC)."""
        if self._screen is None:
            if isinstance(heard, live.Sized):
                self._screen = Screen(live.ms_of_local, os.environ.get("HOME"))
                self._screen.resize(heard.rows, heard.columns)
                if self._missed:
                    self._screen.lost()
            elif isinstance(heard, live.Meta) and heard.started:
                self._missed = started(heard.body).again_ms is not None
            return
        facts: Iterator[Fact] = iter(())
        at = 0
        match heard:
            case live.Sized(rows=rows, columns=columns):
                self._screen.resize(rows, columns)
            case live.Shown(wall_ms=at, utc_offset_min=offset, data=data):
                facts = self._screen.shown(data, Stamp(at, offset))
            case live.Meta(started=False, wall_ms=at):
                facts = self._screen.ended(Stamp(at, live.utc_offset_min(at)))
            case live.Lost():
                self._screen.lost()
        for fact in facts:
            yield fact, at
