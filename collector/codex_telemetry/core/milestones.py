"""When each whole percent of a window was crossed, and what it took to get there.

*When*: the earliest reading of that percent or more, among all that anyone ever told of the window. So
who told first can't matter, and a reading that turns up later can only move it to an earlier moment or
add a percent. Nothing is said of percents below the lowest reading: when they were crossed isn't known.

*What it took* is written once. As long as the moment and the tokens up to it are what they were, its
cost stays what it was, whatever a price is by now; only where more or fewer tokens are known, is it
counted anew, on from the milestone before it.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from codex_telemetry.core.limits import MINUTE_MS

SAME_MS = MINUTE_MS
"""The stream and a log tell of one reading some ms apart: within this it was heard live."""

NEVER: Final = 1 << 63
"""After every moment."""


class First(NamedTuple):
    """When a source first read a whole percent."""

    whole: int
    source: str
    at: int


class Crossing(NamedTuple):
    percent: int
    at: int
    source: str


class Took(NamedTuple):
    """All that was used since the crossing before; before the first, since the window began."""

    tokens: int
    cost_usd: float | None
    """None if any of it is unpriced."""


NOTHING: Final = Took(0, 0.0)


class Milestone(NamedTuple):
    percent: int
    at: int
    source: str
    cumulative_tokens: int
    """Since the window began."""
    cumulative_cost_usd: float | None
    marginal_cost_usd: float | None
    """Since the percent before."""


_whole = attrgetter("whole")


def crossings(firsts: Iterable[First]) -> list[Crossing]:
    """Each percent from the lowest reading on, in order."""
    told = [first for first in firsts if first.whole >= 0]
    if not told:
        return []
    lowest = max(1, min(first.whole for first in told))
    highest = min(100, max(first.whole for first in told))
    waiting = sorted(told, key=_whole)
    at = live_at = NEVER
    found = []
    for percent in range(highest, lowest - 1, -1):
        while waiting and waiting[-1].whole >= percent:
            first = waiting.pop()
            at = min(at, first.at)
            if first.source == "live":
                live_at = min(live_at, first.at)
        found.append(Crossing(percent, at, "live" if live_at <= at + SAME_MS else "rollout"))
    return found[::-1]


def costed(
    crossed: Sequence[Crossing], took: Sequence[Took], written: Mapping[int, Milestone]
) -> list[Milestone]:
    """What each crossing took, out of what each stretch up to it did. `written`: the milestones of this
    window that were written before, by percent."""
    found: list[Milestone] = []
    tokens = 0
    before: float | None = 0.0
    as_it_was = True
    for crossing, stretch in zip(crossed, took, strict=True):
        tokens += stretch.tokens
        marginal = stretch.cost_usd if found or crossing.percent == 1 else None
        fresh = Milestone(*crossing, tokens, _sum(before, stretch.cost_usd), marginal)
        known = written.get(crossing.percent)
        if known is not None and (known.at, known.cumulative_tokens) == (fresh.at, tokens):
            fresh = _once(known, fresh, since_too=as_it_was)
            as_it_was = True
        else:
            as_it_was = False
        found.append(fresh)
        before = fresh.cumulative_cost_usd
    return found


def _once(known: Milestone, fresh: Milestone, *, since_too: bool) -> Milestone:
    """A cost that is written stays; since the percent before only if that is what it was."""
    cumulative, marginal = known.cumulative_cost_usd, known.marginal_cost_usd
    return fresh._replace(
        cumulative_cost_usd=fresh.cumulative_cost_usd if cumulative is None else cumulative,
        marginal_cost_usd=marginal
        if since_too and marginal is not None
        else fresh.marginal_cost_usd,
    )


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
