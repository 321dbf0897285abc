"""How long turns take: percentiles of what matters, by what tells turns apart, and against before."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from codex_telemetry.reports.elsewhere import Elsewhere, Times, ZoneOffsets
from codex_telemetry.reports.percentiles import Spread
from codex_telemetry.reports.shapes_stats import Stats, StatsChange
from codex_telemetry.store.measured import MEASURES, By, Measure, measured, sorted_turns
from codex_telemetry.store.queries import Filters, Store, measured_turns
from codex_telemetry.store.sorted_times import Sorted, unsorted
from codex_telemetry.store.sorting import Days

PERCENTS = (50, 90, 95, 99, 100)
"""100: the longest."""


Group = Times
"""The turns of one key."""


class _Parts:
    """What is known of the turns of one key."""

    def __init__(self) -> None:
        self.runs: list[Sorted] = []
        self.places: Sequence[int] = ()

    def group(self, key: Any, times: Mapping[Measure, Sequence[int | None]]) -> Group:
        turns = sum(run.number for run in self.runs) + len(self.places)
        spreads = {
            measure: Spread(
                map(times[measure].__getitem__, self.places), [run.times[n] for run in self.runs]
            )
            for n, measure in enumerate(MEASURES)
        }
        return Group(key, turns, spreads)


def groups(
    db: Store | Elsewhere,
    filters: Filters,
    by: By | None,
    days: Days,
    offsets: ZoneOffsets = lambda _first, _last: ((None, 0),),
) -> list[Group]:
    """Days in order, else the most turns first. Without `by` one group, however few turns it has.

    `days`, `offsets`: how days are cut, in SQLite and elsewhere.
    """
    if isinstance(db, Elsewhere):
        found = db.times(filters, by, offsets)
    else:
        found = _groups(db, filters, by, days)
    return sorted(found, key=_by_key if by == "day" else _by_number)


def _groups(db: Store, filters: Filters, by: By | None, days: Days) -> Iterable[Group]:
    rest = unsorted(db, filters)
    told = None if rest is None else _sorted(db, filters, by, days)
    if rest is None or told is None:
        rest, told = measured_turns(filters), []
    keys, times = measured(db, rest, by)
    parts: dict[Any, _Parts] = defaultdict(_Parts)
    for key, run in told:
        parts[None if by is None else key].runs.append(run)
    if keys is None:
        parts[None].places = range(len(times["duration"]))
    else:
        for key, places in _places(days(keys) if by == "day" else keys).items():
            parts[key].places = places
    return [its.group(key, times) for key, its in parts.items()]


def _sorted(
    db: Store, filters: Filters, by: By | None, days: Days
) -> list[tuple[Any, Sorted]] | None:
    """What is sorted, by key; None where it isn't sorted by what is asked for."""
    told = sorted_turns(db, filters, by)
    if told is None or by != "day":
        return told
    first, last = (days([key[n] for key, _ in told]) for n in (0, 1))
    # It may have been sorted by the days of another zone.
    return [*zip(first, (its for _, its in told), strict=True)] if first == last else None


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
