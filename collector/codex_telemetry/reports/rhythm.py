"""When turns run: by hour of the day and day of the week, as a clock on the wall shows them."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable

from codex_telemetry.store import rhythm
from codex_telemetry.store.queries import Filters, Store
from codex_telemetry.store.usage import Offsets

_HOUR_MS = 3_600_000
_FIRST_WEEKDAY = 3
"""1970 began on a Thursday, counted from Monday."""


def by_hour(
    db: Store, filters: Filters, offsets: Callable[[int, int], Offsets]
) -> Counter[tuple[int, int]]:
    """(weekday from Monday 0, hour) → turns that began then. `offsets`: of a zone, between two moments."""
    told = [(quarter * rhythm.QUARTER_MS, n) for quarter, n in rhythm.quarters(db, filters)]
    found: Counter[tuple[int, int]] = Counter()
    if not told:
        return found
    ahead = offsets(min(told)[0], max(told)[0])
    ends = [until for until, _ in ahead if until is not None]
    for ms, n in told:
        hours = (ms + ahead[bisect_right(ends, ms)][1]) // _HOUR_MS
        found[(hours // 24 + _FIRST_WEEKDAY) % 7, hours % 24] += n
    return found
