"""How MCP servers start: how long each takes, how often it fails, and on which days."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from codex_telemetry.reports.percentiles import Spread
from codex_telemetry.store import startups as store
from codex_telemetry.store.queries import Filters, Store
from codex_telemetry.store.sorting import Days


class Group(NamedTuple):
    """The starts of one server, or of one day."""

    key: str | None
    starts: int
    failures: int
    cancels: int
    took: Spread
    """However it ended: a server that fails late holds a thread up too."""
    last_at: int | None
    """ms UTC"""


class Startups(NamedTuple):
    servers: list[Group]
    """The most starts first."""
    days: list[Group]
    """In order; without those of which nobody knows when they were."""


def startups(db: Store, filters: Filters, days: Days) -> Startups:
    found = store.startups(db, filters)
    servers = _groups(found, found.servers)
    by_day = _groups(found, days(found.at))
    return Startups(
        sorted(servers, key=lambda group: (-group.starts, group.key or "")),
        sorted((group for group in by_day if group.key), key=lambda group: group.key or ""),
    )


def _groups(found: store.Startups, keys: Sequence[str | None]) -> list[Group]:
    places: Mapping[str | None, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        places[key].append(place)
    return [_group(found, key, own) for key, own in places.items()]


def _group(found: store.Startups, key: str | None, places: Sequence[int]) -> Group:
    ends = [found.statuses[place] for place in places]
    return Group(
        key,
        len(places),
        ends.count("failed"),
        ends.count("cancelled"),
        Spread(found.took[place] for place in places),
        max((at for place in places if (at := found.at[place]) is not None), default=None),
    )
