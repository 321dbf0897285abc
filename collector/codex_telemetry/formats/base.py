"""What every reader of a stream or a file is: lines and times in, facts out."""

from collections.abc import Iterator
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from codex_telemetry.core.facts import Captured, Fact
from codex_telemetry.core.gate import Heard
from codex_telemetry.core.identity import LaunchId, SessionId

Direction = Literal["client", "server"]
"""Who sent the line: the client of Codex, or Codex (the server)."""


class Stamp(NamedTuple):
    """When a line was heard."""

    wall_ms: int
    """Unix time, UTC."""
    utc_offset_min: int = 0
    set_by_ms: int = 0
    """By how much the wall clock was set since the turns that run began: `wall_ms` is told as if it
    hadn't been, so that no duration is stretched."""

    def steady(self, codex_ms: int) -> int:
        """A time of Codex's own as if its clock, which is ours, hadn't been set: it was read before
        or after that, whichever is nearer to now."""
        moments = (codex_ms, codex_ms - self.set_by_ms)
        return min(moments, key=lambda ms: abs(self.wall_ms - ms))

    @property
    def captured(self) -> Captured:
        return Captured(self.wall_ms, self.utc_offset_min)


class StreamReader(Protocol):
    """Reads a stream line by line. It holds what it needs to remember; it never raises."""

    tells_all: bool
    """Whether nearly all of a session passes by here. Where not, its log is followed meanwhile; where
    it does, that is read when the session ends."""

    @property
    def codex_version(self) -> str | None:
        """The Codex at the other end, once it has said so."""

    def read(self, sent_by: Direction, line: bytes, at: Stamp) -> Iterator[Fact]: ...

    def lost(self, sent_by: Direction) -> None:
        """Bytes of that direction were lost before the next line."""

    @property
    def in_a_turn(self) -> bool:
        """Whether any turn it knows of is running."""

    def take_content(self) -> list[Heard]:
        """What the lines read since the last call hold of content, sealed: nothing unless the reader
        was made to look at it."""


@runtime_checkable
class NamelessReader(StreamReader, Protocol):
    """One of a stream that doesn't say of which thread it tells: what it tells waits."""

    def belongs_to(self, thread: SessionId) -> Iterator[Fact]: ...


class StreamFormat(Protocol):
    """A stream we know: how to tell it from others, and who reads it."""

    def recognises(self, line: bytes, sent_by: Direction) -> bool: ...

    def reader(
        self, launch: LaunchId, *, content: bool = False, new_thread: bool = False
    ) -> StreamReader: ...
