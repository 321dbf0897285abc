"""Totals as series that never fall: what is pruned stays counted, and a receiver never sees a reset."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from codex_telemetry.sinks.otlp.names import Metric
from codex_telemetry.sinks.otlp.span import Value

Form = Literal["sum", "gauge", "histogram"]
Number = int | float


class Series(NamedTuple):
    metric: Metric
    form: Form
    attributes: Mapping[str, Value]
    numbers: tuple[Number, ...]
    """One; of a histogram the sum, and how many are in each bucket."""
    bounds: tuple[float, ...] = ()
    since_ns: int = 0
    at_ns: int = 0

    @property
    def key(self) -> str:
        told = sorted((name, str(value)) for name, value in self.attributes.items())
        return msgspec.json.encode([self.metric.name, told]).decode()


class Memory(Struct, array_like=True):
    """What was taken there, by series, and since when it is counted."""

    since_ns: int
    sent_ns: int
    sent: dict[str, list[Number]] = {}
    added: dict[str, list[Number]] = {}
    """To what the store says now: what fell there, or (below 0) what was there before it began."""


def begin(now_ns: int, before: Iterable[Series] = ()) -> Memory:
    """`before`: what is not to be counted."""
    added = {one.key: [-n for n in one.numbers] for one in before if one.form != "gauge"}
    sent = {key: [n - n for n in numbers] for key, numbers in added.items()}
    return Memory(now_ns, now_ns, sent, added)


def next_points(
    memory: Memory, now: Iterable[Series], now_ns: int, *, delta: bool
) -> tuple[list[Series], Memory]:
    """What to send, and what to remember once that was taken."""
    points: list[Series] = []
    after = Memory(memory.since_ns, now_ns, dict(memory.sent), dict(memory.added))
    for one in now:
        if one.form == "gauge":
            points.append(one._replace(at_ns=now_ns))
            continue
        nothing: list[Number] = [0] * len(one.numbers)
        before = memory.sent.get(one.key, nothing)
        added = memory.added.get(one.key, nothing)
        if len(before) != len(one.numbers):
            before, added = nothing, nothing  # other bounds than an older version's
        total = [
            max(was, n + more) for n, more, was in zip(one.numbers, added, before, strict=True)
        ]
        after.sent[one.key] = total
        if kept := [t - n for t, n in zip(total, one.numbers, strict=True)]:
            after.added[one.key] = kept
        numbers = [t - was for t, was in zip(total, before, strict=True)] if delta else total
        if delta and not any(numbers):
            continue
        since = memory.sent_ns if delta else memory.since_ns
        points.append(one._replace(numbers=tuple(numbers), since_ns=since, at_ns=now_ns))
    return points, after
