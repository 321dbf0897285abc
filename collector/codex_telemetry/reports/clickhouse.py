"""Reports over everybody's data: a ClickHouse to which machines send what they have."""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from codex_telemetry.errors import UserError
from codex_telemetry.reports.elsewhere import (
    AnyRow,
    Called,
    CallKey,
    Elsewhere,
    SumKey,
    Times,
    ZoneOffsets,
)
from codex_telemetry.reports.percentiles import EDGES_MS, Counted
from codex_telemetry.store.clickhouse import questions, schema
from codex_telemetry.store.clickhouse.address import Address
from codex_telemetry.store.clickhouse.connection import Connection, FailedError, connect
from codex_telemetry.store.clickhouse.questions import PERCENTS
from codex_telemetry.store.measured import MEASURES, By
from codex_telemetry.store.queries import Filters
from codex_telemetry.store.usage import Offsets, Sessions

_1970 = date(1970, 1, 1)


@contextlib.contextmanager
def warehouse(address: Address) -> Iterator[Elsewhere]:
    """To be read from. Whatever it says against it becomes one line."""
    try:
        there = connect(address)
        try:
            schema.check(there)
            yield Warehouse(there)
        finally:
            there.close()
    except FailedError as error:
        raise UserError(
            f"cannot read from {address.shown}: {error.why}",
            hint="check --store, its user and its password; it is asked over HTTP",
        ) from None


class Warehouse(Elsewhere):
    """What `store.clickhouse` answers, as reports take it."""

    def __init__(self, there: Connection) -> None:
        self._there = there

    def find_session(self, wanted: str) -> str:
        return questions.find_session(self._there, wanted)

    def turns(self, filters: Filters) -> Iterator[AnyRow]:
        return questions.listed(self._there, "turns", filters)

    def count_turns(self, filters: Filters) -> int:
        return questions.count(self._there, "turns", filters)

    def sessions(self, filters: Filters) -> Iterator[AnyRow]:
        return questions.listed(self._there, "sessions", filters)

    def count_sessions(self, filters: Filters) -> int:
        return questions.count(self._there, "sessions", filters)

    def times(self, filters: Filters, by: By | None, offsets: ZoneOffsets) -> Iterator[Times]:
        cut: Offsets = ((None, 0),)
        if by == "day":
            cut = offsets(*questions.extent_of_turns(self._there))
        for key, turns, *told in questions.times(self._there, filters, by, cut, EDGES_MS):
            below = dict(zip(EDGES_MS, told[3 * len(MEASURES) :], strict=True))
            spreads = {
                measure: _counted(told[3 * n], told[3 * n + 1], told[3 * n + 2], below)
                for n, measure in enumerate(MEASURES)
            }
            yield Times(_day(key) if by == "day" else key, turns, spreads)

    def calls(self, filters: Filters, by: CallKey) -> Iterator[Called]:
        told = questions.calls(self._there, filters, by)
        for key, kind, calls, failures, declines, number, total, ranks in told:
            ran = _counted(number, total, ranks, {})
            yield Called(key, kind, calls, failures, declines, ran)

    def sums(
        self, key: SumKey, filters: Filters, sessions: Sequence[Sessions], offsets: Offsets
    ) -> Iterator[Sequence[Any]]:
        return map(tuple, questions.sums(self._there, key, filters, sessions, offsets))

    def extent(self) -> tuple[int, int]:
        return questions.extent(self._there)

    def tree(self) -> Iterator[AnyRow]:
        return questions.tree(self._there)

    def names(self) -> dict[int, str]:
        return questions.names(self._there)

    def keys_of(self, session_id: str) -> set[int]:
        return {*questions.names(self._there, session_id)}


def _counted(
    number: int, total: int | None, ranks: Sequence[int], below: dict[int, int]
) -> Counted:
    return Counted(number, total or 0, dict(zip(PERCENTS, ranks, strict=True)), below)


def _day(number: int | None) -> str | None:
    return None if number is None else (_1970 + timedelta(days=number)).isoformat()
