"""What is going on: turns in progress, today's totals, the limits, the last turns."""

from codex_telemetry.cli.labelled import all_labelled
from codex_telemetry.cli.period import span_start
from codex_telemetry.cli.turns import pictured
from codex_telemetry.reports import limits, stats, tokens, turns
from codex_telemetry.store import queries
from codex_telemetry.store.queries import Filters
from codex_telemetry.web.asking import Asked
from codex_telemetry.web.drawn import drawn
from codex_telemetry.web.pieces import Made
from codex_telemetry.web.source import Source
from codex_telemetry.web.views.limits import gauge

RUNNING = 6
"""So many turns in progress are drawn."""

LATELY_MS = 2 * 86_400_000
"""What began before is hardly in progress, whatever is said of it."""

LAST = 12


def view(source: Source, asked: Asked, now: int) -> Made:  # noqa: ARG001 - as all views
    with source.opened() as db:
        yield
        today = Filters(since=span_start("today", source.zone, now))
        running = Filters(since=now - LATELY_MS, status="in_progress")
        rows = queries.page_of_turns(db, running, "started_at", down=True, size=RUNNING, skipped=0)
        pictures = [pictured(db, row, now) for row in rows]
        (group,) = stats.groups(db, today, None, source.zone.days)
        last = list(all_labelled(turns.turns(db, Filters(last=LAST))))
        return {
            "running": [(t, drawn(m), m) for t, m in pictures if not m.silent],
            "silent": sum(m.silent for _, m in pictures),
            "today": group,
            "used": tokens.tokens(db, today, "day", source.calendar, roll_up=False).total,
            "limits": [gauge(limit, source, now) for limit in limits.latest(db, now)],
            "last": last[::-1],
        }
