"""What each Codex version said that we don't know, what of it no older one had said, and how long its
turns took."""

import re
from collections import defaultdict
from typing import NamedTuple

from codex_telemetry.reports import stats
from codex_telemetry.reports.shapes_upkeep import DriftCount
from codex_telemetry.reports.shaping import shaped
from codex_telemetry.reports.stats import Group
from codex_telemetry.store import queries
from codex_telemetry.store.queries import Filters, Store
from codex_telemetry.store.sorting import Days


class Version(NamedTuple):
    name: str | None
    """None: nobody told."""
    group: Group | None
    """Its turns; None where it has none that match."""
    drift: list[DriftCount]
    """The most frequent first."""
    fresh: frozenset[str]
    """Names in it that no older version used; none of the oldest, which nothing is older than."""


def versions(db: Store, filters: Filters, days: Days) -> list[Version]:
    """The newest first, what isn't known last."""
    groups = {group.key: group for group in stats.groups(db, filters, "version", days)}
    drift: dict[str | None, list[DriftCount]] = defaultdict(list)
    for told in shaped(DriftCount, queries.drift(db)):
        drift[told.codex_version].append(told)
    found: list[Version] = []
    older: set[str] | None = None
    for name in sorted({*groups, *drift}, key=_release):
        names = {told.name for told in drift[name]}
        fresh = names - older if older is not None else set()
        found.append(Version(name, groups.get(name), drift[name], frozenset(fresh)))
        if name is not None:
            older = names | (older or set())
    return found[::-1]


def _release(version: str | None) -> tuple[bool, list[int], bool, str]:
    """Unknown first; `0.170.0-alpha.2` before `0.170.0`."""
    if version is None:
        return False, [], False, ""
    numbers, _, more = version.partition("-")
    parts = [int(part[:9]) for part in re.findall(r"[0-9]+", numbers)]
    return True, parts, not more, more
