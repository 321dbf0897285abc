"""What reports ask where the data isn't in SQLite: the same questions, answered in another engine."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from codex_telemetry.reports.percentiles import Spread
from codex_telemetry.store.measured import By, Measure
from codex_telemetry.store.queries import Filters
from codex_telemetry.store.usage import Offsets, Sessions

ZoneOffsets = Callable[[int, int], Offsets]
"""How far a zone's clock is ahead of UTC, between two moments (ms UTC)."""

SumKey = Literal["day", "model", "service_tier", "project", "session_key"]
CallKey = Literal["name", "kind", "command", "server"]


class AnyRow(Protocol):
    """A row by names and by places, as `sqlite3.Row` is."""

    def keys(self) -> Sequence[str]: ...
    def __getitem__(self, at: int | str, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...


class Times(NamedTuple):
    """What turns of one key took."""

    key: str | None
    turns: int
    spreads: Mapping[Measure, Spread]


class Called(NamedTuple):
    """Calls of one key."""

    key: str | None
    kind: str
    calls: int
    failures: int
    declines: int
    ran: Spread
    """Without what was declined."""


class Elsewhere(ABC):
    """Answers as SQLite does, for the same data: of all whose data it is."""

    @abstractmethod
    def find_session(self, wanted: str) -> str:
        """The id that is that, or the only one that begins so. Raises `UserError`."""

    @abstractmethod
    def turns(self, filters: Filters) -> Iterator[AnyRow]: ...
    @abstractmethod
    def count_turns(self, filters: Filters) -> int: ...
    @abstractmethod
    def sessions(self, filters: Filters) -> Iterator[AnyRow]: ...
    @abstractmethod
    def count_sessions(self, filters: Filters) -> int: ...

    @abstractmethod
    def times(self, filters: Filters, by: By | None, offsets: ZoneOffsets) -> Iterable[Times]: ...
    @abstractmethod
    def calls(self, filters: Filters, by: CallKey) -> Iterable[Called]: ...

    @abstractmethod
    def sums(
        self, key: SumKey, filters: Filters, sessions: Sequence[Sessions], offsets: Offsets
    ) -> Iterator[Sequence[Any]]:
        """As `store.usage.sums`, but by names."""

    @abstractmethod
    def extent(self) -> tuple[int, int]: ...
    @abstractmethod
    def tree(self) -> Iterator[AnyRow]: ...
    @abstractmethod
    def names(self) -> dict[int, str]: ...
    @abstractmethod
    def keys_of(self, session_id: str) -> set[int]: ...
