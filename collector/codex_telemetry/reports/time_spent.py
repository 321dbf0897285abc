"""Where the time of many turns went: their parts added up, as a whole and by day."""

from collections import Counter, defaultdict
from typing import NamedTuple

from codex_telemetry.core.parts import Parts
from codex_telemetry.reports.waterfall import Share
from codex_telemetry.store.queries import Filters, Store
from codex_telemetry.store.rhythm import QUARTER_MS
from codex_telemetry.store.sorting import Days
from codex_telemetry.store.time_spent import parts_by_quarter


class TimeSpent(NamedTuple):
    turns: int
    """Whose parts are known; without those that worked for another turn: its tools are their time."""
    by_log: int
    """Of these: known by their log alone, which doesn't tell of every part."""
    shares: list[Share]
    """The longest first."""
    by_key: dict[str, Counter[str]]
    """Part → ms, by the day, or whatever `days` calls it."""


def time_spent(db: Store, filters: Filters, days: Days) -> TimeSpent:
    rows = list(parts_by_quarter(db, filters))
    names = days([row["quarter"] * QUARTER_MS for row in rows])
    whole: Counter[str] = Counter()
    by_key: dict[str, Counter[str]] = defaultdict(Counter)
    for row, name in zip(rows, names, strict=True):
        told = Counter({part: row[part] or 0 for part in Parts._fields})
        whole += told
        by_key[name or ""] += told
    return TimeSpent(
        sum(row["turns"] for row in rows),
        sum(row["by_log"] for row in rows),
        [Share(part, ms) for part, ms in whole.most_common() if ms > 0],
        dict(by_key),
    )
