"""What goes on at a moment: the turns that run, the last ones, tokens a minute, limits and tools.

Each of it is what another report says, narrowed to what can be looked at.
"""

from typing import Final, NamedTuple

from codex_telemetry.reports import limits, tokens, tools, turns
from codex_telemetry.reports.seen import Seen, seen
from codex_telemetry.reports.shapes import Turn
from codex_telemetry.reports.shapes_limits import Limit
from codex_telemetry.reports.shapes_stats import ToolStats
from codex_telemetry.reports.shapes_tokens import Tokens
from codex_telemetry.store import queries
from codex_telemetry.store.queries import Filters, Store

DAY_MS: Final = 86_400_000
MINUTE_MS: Final = 60_000

LATELY_MS: Final = DAY_MS
"""What is summed up where no stretch of time is asked for; a turn that runs has begun within it."""

RUNNING: Final = 20
RECENT: Final = 200
"""So many turns of each at most."""

MINUTES: Final = 30

_UTC: Final = tokens.Calendar(lambda _first, _last: ((None, 0),))


class Now(NamedTuple):
    at: int
    """ms UTC."""
    running: list[Seen]
    """The latest to begin first, without those of which nothing was heard for long."""
    recent: list[Turn]
    """Those that don't run, newest first."""
    minutes: dict[int, int]
    """Tokens by minute since 1970; what isn't in it is none."""
    used: Tokens
    tools: list[ToolStats]
    limits: list[Limit]


def now(db: Store, filters: Filters, at: int, before: Now | None = None) -> Now:
    """As of that moment (ms UTC), of what matches; limits are the whole account's.

    `before`: what was read lately by the same filters; minutes that were over by then are taken from
    there.
    """
    running = _running(db, filters, at)
    lately = filters
    if filters.since is None and filters.until is None:
        lately = filters._replace(since=at - LATELY_MS)
    return Now(
        at=at,
        running=running,
        recent=_recent(db, filters, {each.turn.turn_id for each in running}),
        minutes=_minutes(db, filters._replace(last=None), at, before),
        used=tokens.tokens(db, lately._replace(last=None), "model", _UTC, roll_up=False).total,
        tools=tools.tools(db, lately, "name"),
        limits=limits.latest(db, at),
    )


def _running(db: Store, filters: Filters, at: int) -> list[Seen]:
    if filters.status not in (None, "in_progress"):
        return []
    since = max(filters.since or 0, at - LATELY_MS)
    narrowed = filters._replace(status="in_progress", since=since, last=RUNNING)
    found = [seen(db, row) for row in queries.turns(db, narrowed)]
    return [each for each in reversed(found) if not each.waterfall(at).silent]


def _recent(db: Store, filters: Filters, running: set[str]) -> list[Turn]:
    wanted = min(filters.last or RECENT, RECENT)
    rows = list(turns.turns(db, filters._replace(last=wanted + len(running))))
    return [row for row in reversed(rows) if row.turn_id not in running][:wanted]


def _minutes(db: Store, filters: Filters, at: int, before: Now | None) -> dict[int, int]:
    last = at // MINUTE_MS
    first = last - MINUTES + 1
    found: dict[int, int] = {}
    if before is not None:
        # A response is saved within seconds after it came.
        over = before.at // MINUTE_MS - 1
        found = {minute: n for minute, n in before.minutes.items() if first <= minute < over}
        first = max(first, over)
    for minute in range(first, last + 1):
        begin, end = minute * MINUTE_MS, (minute + 1) * MINUTE_MS
        since = begin if filters.since is None else max(begin, filters.since)
        until = end if filters.until is None else min(end, filters.until)
        if since < until:
            narrowed = filters._replace(since=since, until=until)
            used = tokens.tokens(db, narrowed, "model", _UTC, roll_up=False).total
            if used.total_tokens:
                found[minute] = used.total_tokens
    return found
