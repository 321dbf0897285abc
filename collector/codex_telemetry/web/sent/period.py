"""A stretch of time on a page to send: how its turns went, where their time and tokens went, and the
slowest of them."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from codex_telemetry.cli.labelled import by_label, labels
from codex_telemetry.cli.period import Zone, shown
from codex_telemetry.cli.spread import steps
from codex_telemetry.cli.tokens import without_a_gap
from codex_telemetry.cli.tools import called, named
from codex_telemetry.core.parts import Parts
from codex_telemetry.reports import limits, stats, time_spent, tokens, tools
from codex_telemetry.reports.shapes_stats import ToolStats
from codex_telemetry.reports.stats import Group
from codex_telemetry.reports.time_spent import TimeSpent
from codex_telemetry.reports.tokens import BY_TIME, By
from codex_telemetry.reports.waterfall import Stretch
from codex_telemetry.store import queries
from codex_telemetry.store.measured import Measure
from codex_telemetry.store.queries import Filters, Store
from codex_telemetry.web.drawn import Rect, rects
from codex_telemetry.web.plotted import columns, lines
from codex_telemetry.web.sent.turn import told
from codex_telemetry.web.source import Source
from codex_telemetry.web.views.limits import gauge

SLOWEST = 5
LISTED = 12
"""Rows of a table."""

MOST = 62
"""Of more days, weeks; of more weeks, months."""

_MOST_OF_IT = ("model", "tools")
PARTS: Final = (*_MOST_OF_IT, *(part for part in Parts._fields if part not in _MOST_OF_IT))
"""From the bottom up."""

_1970 = date(1970, 1, 1).toordinal()


class Cut(NamedTuple):
    """How the stretch is cut into days, weeks or months."""

    by: By
    keys: list[str]
    source: Source

    def names(self, moments: Sequence[int | None]) -> list[str | None]:
        """The day, week or month of each moment."""
        return [
            None if day is None else self.source.calendar.name(self.by, _ordinal(day))
            for day in self.source.zone.days(moments)
        ]


def names(db: Store, filters: Filters, source: Source, now: int) -> dict[str, Any]:
    (whole,) = stats.groups(db, filters, None, source.zone.days)
    cut = _cut(db, filters, source)
    by_time = {g.key: g for g in stats.groups(db, filters, "day", cut.names)}
    spent = time_spent.time_spent(db, filters, cut.names)
    used = tokens.tokens(db, filters, cut.by, source.calendar, roll_up=False)
    slowest = queries.page_of_turns(db, filters, "duration_ms", down=True, size=SLOWEST, skipped=0)
    calls = by_label(tools.tools(db, filters, "name"), lambda row: named(row, "name"))
    reaches_to_now = filters.until is None or filters.until >= now
    return {
        "narrowed": _narrowed(filters, source.zone, now),
        "whole": whole,
        "statuses": {g.key: g.turns for g in stats.groups(db, filters, "status", source.zone.days)},
        "used": used.total,
        "unknown": whole.turns - len(whole.spreads["duration"]),
        "spent": spent,
        "strip": _strip(spent),
        "by": cut.by,
        "charts": {
            "duration": _lines(cut, by_time, "duration"),
            "ttft": _lines(cut, by_time, "ttft"),
            "parts": _parts(cut, spent),
            "tokens": _tokens(cut, used.rows),
        },
        "steps": steps(whole.spreads["duration"]),
        "slowest": [told(db, row, now) for row in slowest if row["duration_ms"] is not None],
        "calls": sum(row.calls for row in calls),
        "longest": _listed(calls, "total_ms"),
        "failing": _listed(calls, "failures"),
        "servers": by_label(tools.tools(db, filters, "server"), lambda _: "server")[:LISTED],
        "called": called,
        "models": tokens.tokens(db, filters, "model", source.calendar, roll_up=False).rows[:LISTED],
        "projects": by_label(
            tokens.tokens(db, filters, "project", source.calendar, roll_up=False).rows[:LISTED],
            lambda _: "folder",
        ),
        "limits": [gauge(limit, source, now) for limit in limits.latest(db, now)]
        if reaches_to_now
        else None,
        "pruned": _pruned(db, filters, source.zone),
    }


def _narrowed(filters: Filters, zone: Zone, now: int) -> list[str]:
    """What it is of, in words; a folder that was asked for is a name that may not be shown."""
    begin, end = shown(filters.since, zone), shown(min(filters.until or now, now), zone)
    words = [f"{begin} to {end}" if begin else f"up to {end}"]
    words += [f"folder {labels().of('folder', filters.projects[0])}"] if filters.projects else []
    words += [f"model {filters.model}"] if filters.model else []
    return words + ([f"status {filters.status.replace('_', ' ')}"] if filters.status else [])


def _strip(spent: TimeSpent) -> list[Rect]:
    found, at = [], 0
    for part, ms in spent.shares:
        found.append(Stretch(part, at, at + ms))
        at += ms
    return rects(found, max(1, at))


def _pruned(db: Store, filters: Filters, zone: Zone) -> str | None:
    """Up to when turns of this stretch may be gone."""
    before = queries.pruned_before(db)
    if before is None or (filters.since is not None and filters.since >= before):
        return None
    return shown(before, zone)


def _cut(db: Store, filters: Filters, source: Source) -> Cut:
    days = [g.key for g in stats.groups(db, filters, "day", source.zone.days) if g.key]
    if not days:
        return Cut("day", [], source)
    for by in BY_TIME:
        first, last = (source.calendar.name(by, _ordinal(day)) or "" for day in (days[0], days[-1]))
        keys = without_a_gap(first, last, by)
        if len(keys) <= MOST:
            break
    return Cut(by, keys, source)


def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal() - _1970


def _listed(calls: Sequence[ToolStats], figure: str) -> list[ToolStats]:
    """Those that have most of it."""
    having = [row for row in calls if getattr(row, figure)]
    return sorted(having, key=lambda row: -getattr(row, figure))[:LISTED]


def _lines(cut: Cut, by_time: dict[str | None, Group], measure: Measure) -> dict[str, Any]:
    def values(percent: int) -> list[int | None]:
        groups = [by_time.get(key) for key in cut.keys]
        return [None if g is None else g.spreads[measure].at(percent) for g in groups]

    model = _model(cut, "ms", {f"p{percent}": values(percent) for percent in (50, 95)})
    return {**model, "plotted": lines(model)}


def _parts(cut: Cut, spent: TimeSpent) -> dict[str, Any]:
    model = _model(
        cut,
        "ms",
        {
            part: [spent.by_key[key][part] if key in spent.by_key else 0 for key in cut.keys]
            for part in PARTS
        },
    )
    return {**model, "plotted": columns(model)}


def _tokens(cut: Cut, rows: Sequence[Any]) -> dict[str, Any]:
    found = {row.key: row for row in rows}
    told = [found.get(key) for key in cut.keys]
    model = _model(
        cut,
        "tokens",
        {
            "cached": [r and r.cached_input_tokens for r in told],
            "input": [
                r and r.input_tokens and r.input_tokens - (r.cached_input_tokens or 0) for r in told
            ],
            "output": [r and r.output_tokens for r in told],
        },
    )
    return {**model, "plotted": columns(model)}


def _model(cut: Cut, unit: str, series: dict[str, list[int | None]]) -> dict[str, Any]:
    told = [{"name": name, "values": values} for name, values in series.items() if any(values)]
    return {"x": cut.keys, "unit": unit, "series": told}
