"""Tokens and what they would cost at the API: by time, model, project or tier; a year; what has no price."""

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from codex_telemetry.cli.labelled import by_label
from codex_telemetry.cli.period import SPANS
from codex_telemetry.cli.tokens import BYS, NOT_A_BILL, without_a_gap
from codex_telemetry.reports import tokens as report
from codex_telemetry.reports import unpriced as unpriced_report
from codex_telemetry.reports.shapes_tokens import Tokens
from codex_telemetry.reports.tokens import BY_TIME, By
from codex_telemetry.store import queries, usage
from codex_telemetry.store.queries import Filters
from codex_telemetry.web.asking import EVER, Asked
from codex_telemetry.web.pieces import Made
from codex_telemetry.web.source import Source

PERIOD = "30d"
"""Where none is asked for."""

LONG_MS = 92 * 86_400_000
"""So long a stretch takes its time to be summed up by anything but time: the page comes before it."""

LISTED = 500
"""Rows of a table, and days of a chart: the newest."""

RANKED = 12
"""Bars, the longest first."""

WHY = {
    "model": "nobody said which model it was",
    "price": "no price of this model is known",
    "tier": "no price of this tier is known",
    "moment": "no price is known of when it was used",
}


def view(source: Source, asked: Asked, now: int) -> Made:
    by = _by(asked)
    with source.opened() as db:
        filters = source.filters(db, asked.within(PERIOD).narrow())
        yield
        models = queries.models(db)
    slow = by not in BY_TIME and filters.since is not None and now - filters.since > LONG_MS
    return {
        "by": by,
        "bys": BYS,
        "models": models,
        "spans": (*SPANS, EVER),
        "period": PERIOD,
        "figures": None if slow else _figures(source, filters, by),
        "not_a_bill": NOT_A_BILL,
    }


def figures(source: Source, asked: Asked, now: int) -> Made:  # noqa: ARG001 - as all views
    by = _by(asked)
    with source.opened() as db:
        filters = source.filters(db, asked.within(PERIOD).narrow())
    yield
    return {"by": by, "figures": _figures(source, filters, by)}


def year(source: Source, asked: Asked, now: int) -> Made:
    """All days of a year, whatever the page is narrowed to in time."""
    this = source.zone.local(now).year
    with source.opened() as db:
        first, last = (source.zone.local(at).year for at in usage.extent(db))
        shown = min(max(asked.number("year", min(this, last)), 1970), 9000)
        timeless = asked.without("span", "since", "until", "last")
        filters = source.filters(db, timeless.narrow())._replace(
            since=source.zone.begin(date(shown, 1, 1)),
            until=source.zone.begin(date(shown + 1, 1, 1)),
        )
        yield
        used = report.tokens(db, filters, "day", source.calendar, roll_up=False)
    return {
        "year": shown,
        "years": range(max(first, 1970), last + 1) if last - first < 100 else (shown,),
        "days": used.rows[::-1],
        "total": used.total,
        "chart": {
            "kind": "calendar",
            "range": str(shown),
            "from_sunday": source.week_start == "sunday",
            "cells": [[row.key, row.total_tokens or 0] for row in used.rows if row.key is not None],
        },
    }


def unpriced(source: Source, asked: Asked, now: int) -> Made:  # noqa: ARG001 - as all views
    with source.opened() as db:
        filters = source.filters(db, asked.within(PERIOD).narrow())
        yield
        return {"unpriced": unpriced_report.unpriced(db, filters), "why": WHY}


def _by(asked: Asked) -> By:
    return cast("By", asked.get("by", BYS) or "day")


def _figures(source: Source, filters: Filters, by: By) -> dict[str, Any]:
    with source.opened() as db:
        used = report.tokens(db, filters, by, source.calendar, roll_up=False)
    named = by_label(used.rows, lambda _: "folder") if by == "project" else used.rows
    # What is shown as a label isn't told by a link either.
    rows = [(row, row.key == raw.key) for row, raw in zip(named, used.rows, strict=True)]
    return {
        "total": used.total,
        "rows": (rows[::-1] if by in BY_TIME else rows)[:LISTED],
        "number": len(rows),
        "tokens": _chart(named, by),
        "cost": _cost(named, by),
    }


def _chart(rows: Sequence[Tokens], by: By) -> dict[str, Any]:
    x, told = _along(rows, by)
    hits = [None if t is None else t.cache_hit_rate for t in told]
    return {
        "kind": "tokens" if by in BY_TIME else "ranked",
        "x": x,
        "series": [
            {"name": "cached input", "values": [t and t.cached_input_tokens for t in told]},
            {"name": "other input", "values": [t and _fresh(t) for t in told]},
            {"name": "output", "values": [t and t.output_tokens for t in told]},
        ],
        "line": {
            "name": "cache hits",
            "values": [None if hit is None else round(100 * hit, 1) for hit in hits],
        },
    }


def _cost(rows: Sequence[Tokens], by: By) -> dict[str, Any]:
    x, told = _along(rows, by)
    return {
        "kind": "bars" if by in BY_TIME else "ranked",
        "unit": "usd",
        "x": x,
        "series": [{"name": "API-equivalent", "values": [t and t.cost_usd for t in told]}],
    }


def _along(rows: Sequence[Tokens], by: By) -> tuple[list[str], list[Tokens | None]]:
    """All days from the first to the last, those without tokens too; of all else the most used."""
    if by not in BY_TIME:
        return [row.key or "-" for row in rows[:RANKED]], list(rows[:RANKED])
    known = {row.key: row for row in rows if row.key is not None}
    if not known:
        return [], []
    keys = without_a_gap(min(known), max(known), by)[-LISTED:]
    return keys, [known.get(key) for key in keys]


def _fresh(row: Tokens) -> int | None:
    return None if row.input_tokens is None else row.input_tokens - (row.cached_input_tokens or 0)
