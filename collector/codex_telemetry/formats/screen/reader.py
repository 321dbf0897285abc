"""Which part of what reaches a terminal is looked at, and what of it is told.

An emulator takes part once a Codex has said its name, and reads whole frames. Where something was
missed, or was too much, it is asleep until what is shown can be known again: on a screen that changes in
place, until it is drawn anew; where lines follow one another, until the next panel. A lost copy is a gap
and never a wrong panel.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from codex_telemetry.core.facts import (
    Clock,
    Drift,
    EventFacts,
    Fact,
    Said,
    SessionFacts,
    Snapshot,
    Source,
    Weight,
)
from codex_telemetry.core.identity import SessionId
from codex_telemetry.formats.base import Stamp
from codex_telemetry.formats.screen.panel import SIGNS, read_last_words, read_panel
from codex_telemetry.formats.screen.words import LocalTime

if TYPE_CHECKING:
    from codex_telemetry.formats.screen.emulator import Emulator

NAME = b"OpenAI Codex"
FRAME_END = b"\x1b[?2026l"
"""Every release tried (0.42 to 0.169) draws between two of these marks."""

TAIL = 64 * 1024
"""Bytes of what was shown last, in memory: to begin with, and for the last words."""
MOST_BYTES_A_SECOND = 64 * 1024
MOST_AT_ONCE = 256 * 1024
"""An emulator takes a second for a few hundred kilobytes: of a flood no more than this is drawn."""
LARGEST = (500, 1_000)
MOST_TOLD = 1_000

_OTHER_SCREEN = re.compile(rb"\x1b\[\?1049([hl])")
_DRAWN_ANEW = re.compile(rb"\x1b\[\?1049h|\x1b\[2J|\x1b\[(?:1;1)?H\x1b\[0?J")


class Screen:
    """Reads what is shown on one terminal. It holds what it needs to remember; it never raises."""

    def __init__(self, local: LocalTime, home: str | None) -> None:
        self._local, self._home = local, home
        self._size: tuple[int, int] | None = None
        self._tail = bytearray()
        self._emulator: Emulator | None = None
        self._heard_all = True
        self._in_place: bool | None = False
        """Whether the program draws on a screen of its own; None where nobody can say."""
        self._budget, self._counted_at = MOST_AT_ONCE, 0
        self._mark = b""
        self._told: set[Snapshot] = set()

    def resize(self, rows: int, columns: int) -> None:
        fits = 0 < rows <= LARGEST[0] and 0 < columns <= LARGEST[1]
        self._size = (rows, columns) if fits else None
        if self._size is None:
            self.lost()
        elif self._emulator is not None:
            self._emulator.resize(rows, columns)

    def lost(self) -> None:
        """Something that was shown here wasn't heard."""
        self._sleep()
        self._in_place = None
        self._tail.clear()

    def _sleep(self) -> None:
        self._emulator = None
        self._heard_all = False
        self._mark = b""

    def shown(self, data: bytes, at: Stamp) -> Iterator[Fact]:
        try:
            yield from self._shown(data, at)
        except Exception as error:  # noqa: BLE001 - what a terminal is sent is any bytes at all
            self.lost()
            yield Drift(None, "(screen)", type(error).__name__)

    def ended(self, at: Stamp) -> Iterator[Fact]:
        """Nothing more will be shown."""
        if (last := read_last_words(bytes(self._tail), at)) is not None:
            yield from self._tell(last, at)

    def _shown(self, data: bytes, at: Stamp) -> Iterator[Fact]:
        self._tail += data
        for screen in _OTHER_SCREEN.finditer(self._tail, max(0, len(self._tail) - len(data) - 7)):
            self._in_place = screen[1] == b"h"
        if len(self._tail) > TAIL and self._emulator is None:
            self._heard_all = False
        new = data if self._emulator is not None else self._beginning(len(data))
        del self._tail[:-TAIL]
        if new and self._affords(len(new), at):
            *frames, rest = (self._mark + new).split(FRAME_END)
            for frame in frames:
                yield from self._look(frame, at)
            # The beginning of a mark waits for the rest of it.
            n = next((n for n in range(len(FRAME_END), 0, -1) if rest.endswith(FRAME_END[:n])), 0)
            self._mark = rest[len(rest) - n :]
            self._draw(rest[: len(rest) - n])

    def _beginning(self, n: int) -> bytes:
        """What to begin with, if the last `n` bytes are a reason to; else nothing."""
        if self._heard_all or self._in_place is False:
            begins = self._tail.find(NAME, max(0, len(self._tail) - n - len(NAME))) >= 0
            left = [*_OTHER_SCREEN.finditer(self._tail)] if begins and not self._heard_all else []
            return bytes(self._tail[left[-1].end() if left else 0 :]) if begins else b""
        anew = [*_DRAWN_ANEW.finditer(self._tail, max(0, len(self._tail) - n - 16))]
        return bytes(self._tail[anew[-1].start() :]) if anew and NAME in self._tail else b""

    def _affords(self, n: int, at: Stamp) -> bool:
        seconds = max(0, at.wall_ms - self._counted_at) / 1000
        self._budget = min(MOST_AT_ONCE, self._budget + int(seconds * MOST_BYTES_A_SECOND)) - n
        self._counted_at = at.wall_ms
        if self._budget < 0:
            self._budget = 0
            self._sleep()
            return False
        return True

    def _draw(self, data: bytes) -> "Emulator | None":
        if self._emulator is None and self._size is not None:
            from codex_telemetry.formats.screen.emulator import Emulator  # noqa: PLC0415 - heavy

            self._emulator = Emulator(*self._size)
        if self._emulator is not None:
            self._emulator.feed(data)
        return self._emulator

    def _look(self, frame: bytes, at: Stamp) -> Iterator[Fact]:
        emulator = self._draw(frame)
        if emulator is None:
            return
        if not any(sign in row for row in emulator.touched() for sign in SIGNS):
            return
        panel = read_panel(emulator.rows(), emulator.columns, at, self._local, self._home)
        if panel is None:
            return
        # It is drawn many times, and scrolls; another that says the same tells nothing new.
        said = replace(panel, at=0, five_hour_resets_at=None, weekly_resets_at=None)
        if said not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(said)
            yield from self._tell(panel, at)

    def _tell(self, snapshot: Snapshot, at: Stamp) -> Iterator[Fact]:
        yield snapshot
        if snapshot.session_id is None:
            return
        event = EventFacts(
            "status_snapshot",
            name=Said(snapshot.kind, Weight.LIVE),
            starts={Clock.WIRE: at.wall_ms},
            sources=Source.LIVE,
        )
        yield SessionFacts(
            SessionId(snapshot.session_id),
            sources=Source.LIVE,
            captured=at.captured,
            last_at=at.wall_ms,
            events={f"snapshot:{snapshot.kind}:{at.wall_ms}": event},
        )
