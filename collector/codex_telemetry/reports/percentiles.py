"""Percentiles by nearest rank: always a value that was measured, never one in between."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate, repeat
from operator import mul
from typing import Any

MANY = 50_000
"""Of so many enough take equally long that to count them is faster than to sort them all."""


class Spread:
    """How values are spread. What isn't known doesn't count, and never as 0."""

    _values: Sequence[int]
    """In order."""
    _numbers: Iterable[int]
    """How often each of these is there."""
    _upto: Sequence[int]
    """How many values there are up to each, itself among them."""

    def __init__(self, values: Iterable[int | None]) -> None:
        values = list(values)
        if len(values) < MANY:
            self._values = sorted(value for value in values if value is not None)
            self._numbers = repeat(1)
            self._upto = range(1, len(self._values) + 1)
        else:
            counts: Counter[Any] = Counter(values)
            del counts[None]
            self._values = sorted(counts)
            self._numbers = list(map(counts.__getitem__, self._values))
            self._upto = list(accumulate(self._numbers))

    @property
    def total(self) -> int:
        return sum(map(mul, self._values, self._numbers))

    def __len__(self) -> int:
        """How many values are known."""
        return self._upto[-1] if self._upto else 0

    def at(self, percent: int) -> int | None:
        """By nearest rank: of n values in order, the one at place ceil(n * percent / 100), counted
        from 1. So at least `percent` % of them don't exceed it; 100 gives the largest. None of
        nothing."""
        if not self._values:
            return None
        rank = max(1, -(-percent * len(self) // 100))
        return self._values[bisect_left(self._upto, rank)]

    def below(self, edge: int) -> int:
        """How many values are smaller."""
        n = bisect_left(self._values, edge)
        return self._upto[n - 1] if n else 0
