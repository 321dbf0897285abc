"""How long turns take: percentiles of what matters, by what tells turns apart, and against before."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from codex_telemetry.reports.percentiles import Spread
from codex_telemetry.reports.shapes_stats import Stats, StatsChange
from codex_telemetry.store.measured import MEASURES, By, Measure, measured
from codex_telemetry.store.queries import Filters, Store

PERCENTS = (50, 90, 95, 99, 100)
"""100: the longest."""

Days = Callable[[Sequence[int | None]], Sequence[str | None]]
"""The day that each moment (ms UTC) is of, where the user is."""


class Group(NamedTuple):
    """The turns of one key."""

    key: str | None
    turns: int
    spreads: Mapping[Measure, Spread]


def groups(db: Store, filters: Filters, by: By | None, days: Days) -> list[Group]:
    """Days in order, else the most turns first. Without `by` one group, however few turns it has."""
    keys, times = measured(db, filters, by)
    if keys is None:
        spreads = {measure: Spread(values) for measure, values in times.items()}
        return [Group(None, len(times["duration"]), spreads)]
    if by == "day":
        keys = days(keys)
    found = [
        Group(key, len(own), {m: Spread(map(times[m].__getitem__, own)) for m in MEASURES})
        for key, own in _places(keys).items()
    ]
    return sorted(found, key=_by_key if by == "day" else _by_number)


def _places(keys: Sequence[Any]) -> dict[Any, list[int]]:
    """Where each key stands: to look for it once is faster than to tell each measure's values apart."""
    places: dict[Any, list[int]] = {key: [] for key in set(keys)}
    for place, key in enumerate(keys):
        places[key].append(place)
    return places


def _by_key(group: Group) -> tuple[bool, str]:
    return group.key is None, group.key or ""


def _by_number(group: Group) -> tuple[int, bool, str]:
    return -group.turns, *_by_key(group)


def rows(found: Iterable[Group]) -> Iterator[Stats]:
    for group in found:
        ranks = [group.spreads[m].at(percent) for m in MEASURES for percent in PERCENTS]
        yield Stats(group.key, group.turns, *ranks)


def changes(found: Sequence[Group], before: Sequence[Group]) -> Iterator[StatsChange]:
    """A row for each key of either and each measure."""
    then = {group.key: group for group in before}
    now = {group.key: group for group in found}
    nothing = Group(None, 0, {measure: Spread(()) for measure in MEASURES})
    for key in dict.fromkeys([*now, *then]):
        new, old = now.get(key, nothing), then.get(key, nothing)
        for measure in MEASURES:
            ranks = [
                value
                for percent in PERCENTS
                for value in _change(
                    new.spreads[measure].at(percent), old.spreads[measure].at(percent)
                )
            ]
            yield StatsChange(key, measure, new.turns, old.turns, *ranks)


def _change(new: int | None, old: int | None) -> tuple[int | None, int | None, int | None, Any]:
    """Now, before, the change in ms, and in percent of before."""
    if new is None or old is None:
        return new, old, None, None
    return new, old, new - old, round(100 * (new - old) / old, 1) if old else None
