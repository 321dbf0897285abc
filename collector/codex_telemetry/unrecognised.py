"""What is heard of a program as long as it isn't known to be Codex: held, bounded, and mostly forgotten."""

import msgspec

from codex_telemetry.core.facts import Gap
from codex_telemetry.inputs.live import Line

MOST_WAITING = 1 << 20
"""Bytes of the client's that wait until Codex says what this is."""

MOST_GAPS = 100

LINE_ITSELF = 100
"""Bytes that a line takes beside its text."""


class Waiting:
    """What the client said, and what was lost. Of a program that turns out to be no Codex nothing may
    be kept; of one that does, its requests came first."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.gaps: list[Gap] = []
        self._size = 0

    def take(self, line: Line) -> None:
        if line.from_codex or self._size + len(line.text) > MOST_WAITING:
            return
        self.lines.append(line)
        self._size += len(line.text) + LINE_ITSELF

    def lost(self, gap: Gap) -> None:
        if len(self.gaps) < MOST_GAPS:
            self.gaps.append(gap)


class Start(msgspec.Struct):
    """What the pump says first."""

    launch: str = ""
    codex: bool = False
    new_thread: bool = False
    again_ms: int | None = None
    """Since when an earlier collector of this launch is dead (ms UTC)."""


def started(body: bytes) -> Start:
    try:
        return msgspec.json.decode(body, type=Start)
    except msgspec.MsgspecError:
        return Start()
