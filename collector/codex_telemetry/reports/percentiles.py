"""Percentiles by nearest rank: always a value that was measured, never one in between."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence

MANY = 1_000
"""Runs of so many values each are faster to look through together than to put in one order."""


class Spread:
    """How values are spread. What isn't known doesn't count, and never as 0."""

    def __init__(self, values: Iterable[int | None], runs: Iterable[Sequence[int]] = ()) -> None:
        """`runs`: further values, each run in order."""
        known = sorted(value for value in values if value is not None)
        self._runs = [run for run in (known, *runs) if run]
        self._number = sum(map(len, self._runs))
        if self._number < MANY * len(self._runs):
            merged: list[int] = []
            for run in self._runs:
                merged += run
            merged.sort()
            self._runs = [merged] if merged else []

    @property
    def total(self) -> int:
        return sum(map(sum, self._runs))

    def __len__(self) -> int:
        """How many values are known."""
        return self._number

    def at(self, percent: int) -> int | None:
        """By nearest rank: of n values in order, the one at place ceil(n * percent / 100), counted
        from 1. So at least `percent` % of them don't exceed it; 100 gives the largest. None of
        nothing."""
        rank = max(1, -(-percent * self._number // 100))
        if len(self._runs) < 2:
            return self._runs[0][rank - 1] if self._runs else None
        least, most = min(run[0] for run in self._runs), max(run[-1] for run in self._runs)
        while least < most:
            middle = (least + most) // 2
            if sum([bisect_right(run, middle) for run in self._runs]) >= rank:
                most = middle
            else:
                least = middle + 1
        return least

    def below(self, edge: int) -> int:
        """How many values are smaller."""
        return sum(bisect_left(run, edge) for run in self._runs)


class Counted(Spread):
    """The same of values that were counted elsewhere, of which some ranks alone are known."""

    def __init__(
        self, number: int, total: int, ranks: Mapping[int, int], below: Mapping[int, int]
    ) -> None:
        super().__init__(())
        self._number, self._sum, self._ranks, self._below = number, total, ranks, below

    @property
    def total(self) -> int:
        return self._sum

    def at(self, percent: int) -> int | None:
        return self._ranks[percent] if self._number else None

    def below(self, edge: int) -> int:
        return self._below[edge]


EDGES_MS = (
    *(100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000),
    *(n * 60_000 for n in (1, 2, 5, 10, 20)),
    *(n * 3_600_000 for n in (1, 2, 5, 10)),
)
"""Where one class of durations ends and the next begins: about twice as long, and as people count."""
