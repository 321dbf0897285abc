"""Which tools were called, how they ended and how long they ran."""

from collections.abc import Iterable
from typing import Any, Literal, get_args

from codex_telemetry.reports.elsewhere import Called, Elsewhere
from codex_telemetry.reports.percentiles import Spread
from codex_telemetry.reports.shapes_stats import ToolStats
from codex_telemetry.store.queries import Filters, Store
from codex_telemetry.store.sorted_times import Sorted, told_by, unsorted
from codex_telemetry.store.tool_calls import Calls, tool_calls

By = Literal["name", "kind", "command", "server"]
BYS: tuple[By, ...] = get_args(By)

_ONLY = {"command": "command", "server": "mcp_tool"}
"""The kind that alone has such a key."""

_SORTED_BY = {"name": "tool", "command": "tool"}


class _Tally:
    def __init__(self) -> None:
        self.calls = self.failures = self.declines = 0
        self.durations: list[int | None] = []
        self.runs: list[Any] = []

    def add(self, told: Calls) -> None:
        n = len(told.durations)
        self.calls += n
        if told.status == "declined":
            self.declines += n
            return
        if told.status == "failed":
            self.failures += n
        self.durations += told.durations

    def add_sorted(self, told: Sorted) -> None:
        self.calls += told.number
        self.failures += told.failures
        self.declines += told.declines
        self.runs += told.times


def tools(db: Store | Elsewhere, filters: Filters, by: By) -> list[ToolStats]:
    """The most calls first."""
    return [row(its) for its in groups(db, filters, by)]


def groups(db: Store | Elsewhere, filters: Filters, by: By) -> list[Called]:
    """The same, with how long they ran."""
    told = db.calls(filters, by) if isinstance(db, Elsewhere) else _calls(db, filters, by)
    return sorted(told, key=lambda its: (-its.calls, its.kind, its.key is None, its.key or ""))


def _calls(db: Store, filters: Filters, by: By) -> Iterable[Called]:
    tallies: dict[tuple[str | None, str], _Tally] = {}
    rest = unsorted(db, filters)
    if rest is not None:
        for its in told_by(db, _SORTED_BY.get(by, by), filters, ["duration"]):
            kind, *key = its.key
            if kind == _ONLY.get(by, kind):
                tallies.setdefault((key[0] if key else kind, kind), _Tally()).add_sorted(its)
    for told in tool_calls(db, filters, rest):
        if told.kind == _ONLY.get(by, told.kind):
            tallies.setdefault((_key(told, by), told.kind), _Tally()).add(told)
    for (key_, kind_), tally in tallies.items():
        ran = Spread(tally.durations, tally.runs)
        yield Called(key_, kind_, tally.calls, tally.failures, tally.declines, ran)


def _key(told: Calls, by: By) -> str | None:
    return {"kind": told.kind, "server": told.server}.get(by, told.name)


def row(its: Called) -> ToolStats:
    ran = its.ran
    return ToolStats(
        key=its.key,
        kind=its.kind,
        calls=its.calls,
        failures=its.failures,
        declines=its.declines,
        p50_ms=ran.at(50),
        p95_ms=ran.at(95),
        max_ms=ran.at(100),
        total_ms=ran.total if len(ran) else None,
    )
