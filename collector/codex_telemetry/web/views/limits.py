"""How full each limit is, how full its windows were, and when each percent was crossed."""

from collections.abc import Iterator
from typing import Any

from codex_telemetry.cli.gauges import EMPTY, LOW, pace, reset
from codex_telemetry.cli.period import SPANS, Zone
from codex_telemetry.reports import limits as report
from codex_telemetry.reports.limits import Past
from codex_telemetry.reports.shapes_limits import Limit
from codex_telemetry.store import limit_queries as queries
from codex_telemetry.store.queries import Filters, Store
from codex_telemetry.web.asking import EVER, Asked
from codex_telemetry.web.pieces import Made
from codex_telemetry.web.source import Source

PERIOD = "30d"
"""Where none is asked for."""

LISTED = 100
"""The newest so many windows of a limit, and milestones, are in the tables."""

DRAWN = 4_000
"""Points. Where there would be more, only the high-water marks of windows are drawn."""


def view(source: Source, asked: Asked, now: int) -> Made:
    with source.opened() as db:
        filters = _when(source, db, asked)
        yield
        told = report.milestones(db, filters._replace(last=LISTED))
        return {
            "limits": [gauge(limit, source, now) for limit in report.latest(db, now)],
            "milestones": list(told)[::-1],
            "crossed": queries.count_milestones(db, filters),
            "spans": (*SPANS, EVER),
            "period": PERIOD,
        }


def history(source: Source, asked: Asked, now: int) -> Made:
    with source.opened() as db:
        filters = _when(source, db, asked)
        yield
        told = [found for found in report.windows(db, filters) if found]
    return {"windows": [_drawn(found, source.zone, now) for found in told]}


def gauge(limit: Limit, source: Source, now: int) -> dict[str, Any]:
    used = limit.used_percent
    level = "ok" if used is None or used < LOW else "warn" if used < EMPTY else "fail"
    words = [*pace(limit, source.zone, now), *reset(limit, source.zone, now)]
    return {"limit": limit, "level": level, "words": words}


def _when(source: Source, db: Store, asked: Asked) -> Filters:
    """A limit is the account's, whoever uses it: only a stretch of time narrows it."""
    narrowed = asked.without("session", "project", "model", "status", "last")
    return source.filters(db, narrowed.within(PERIOD).narrow())


def _drawn(found: list[Past], zone: Zone, now: int) -> dict[str, Any]:
    points = [point for past in found for point in _steps(past, zone, now)]
    whole = len(points) <= DRAWN
    if not whole:
        points = [(_wall(zone, p.resets_at), p.high_water_percent) for p in found]
    return {
        "limit_id": found[0].limit_id,
        "window": found[0].window,
        "number": len(found),
        "used_up": sum(past.full_at is not None for past in found),
        "highest": max(past.high_water_percent for past in found),
        "listed": found[: -LISTED - 1 : -1],
        "chart": {"kind": "steps" if whole else "peaks", "points": points},
    }


def _steps(past: Past, zone: Zone, now: int) -> Iterator[tuple[int, float | None]]:
    """Each whole percent, from the first reading to the reset; what comes after is nobody's."""
    ahead = _wall(zone, past.started_at) - past.started_at
    yield past.rises[0][0] + ahead, 0
    before = None
    for at, percent in past.rises:
        if int(percent) != before:
            before = int(percent)
            yield at + ahead, percent
    end = min(past.resets_at, now) + ahead
    yield end, past.high_water_percent
    yield end, None


def _wall(zone: Zone, at: int) -> int:
    """What a clock there shows, as if it were UTC: a browser may be in another zone."""
    ahead = zone.local(at).utcoffset()
    return at + (round(ahead.total_seconds() * 1_000) if ahead is not None else 0)
