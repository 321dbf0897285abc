"""How much longer a message and its answer take through `run`, and through what else there is."""

import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import traffic
from traffic import Exchange
from wrapped import STAND_IN, Talk, Way, collector_of, cpu_s, on

TRIPS = 300
"""Round trips in a block: the ways take turns, block by block, and what is said of one is the median
of its blocks."""
WARM = 40
"""Those of each block that aren't counted: until then the caches are another way's."""


class Took(NamedTuple):
    """Microseconds."""

    p50: float
    p99: float


def added(folder: Path, size: int, *, processors: set[int], blocks: int) -> dict[Way, Took]:
    """What each way takes more than none; of none, all it takes."""
    exchanges = list(traffic.round_trips(40 if size < 50_000 else 2, size))
    script = folder / "script"
    everything = [*traffic.opening(), *exchanges]
    traffic.write_script(script, ((True, exchange.answer) for exchange in everything))
    times = -(-blocks * (WARM + TRIPS) // len(everything))
    with on(processors):
        return _in_turn(folder, [*STAND_IN, str(script), "0", str(times)], everything, blocks)


def _in_turn(
    folder: Path, child: Sequence[str], exchanges: Sequence[Exchange], blocks: int
) -> dict[Way, Took]:
    talks = {way: Talk(way, child, folder / f"home-{way.name}") for way in Way}
    said = {way: itertools.cycle(exchanges) for way in Way}
    took: dict[Way, list[Took]] = {way: [] for way in Way}
    for _ in range(blocks):
        for way, talk in talks.items():
            took[way].append(_block(talk, said[way]))
            _settle(talk)
    for talk in talks.values():
        talk.end()
    none = took[Way.DIRECT]
    more = {
        way: [Took(a.p50 - b.p50, a.p99 - b.p99) for a, b in zip(each, none, strict=True)]
        for way, each in took.items()
    }
    return {way: _median(none if way is Way.DIRECT else each) for way, each in more.items()}


def _block(talk: Talk, said: Iterator[Exchange]) -> Took:
    each = []
    for exchange in itertools.islice(said, WARM + TRIPS):
        begun = time.perf_counter_ns()
        talk.say(exchange.asked)
        talk.hear(len(exchange.answer))
        each.append((time.perf_counter_ns() - begun) / 1000)
    each = sorted(each[WARM:])
    return Took(each[TRIPS // 2], each[TRIPS * 99 // 100])


def _settle(talk: Talk) -> None:
    """Wait until the collector has done what this block gave it to do: the next is another's."""
    collector = collector_of(talk.process.pid)
    used = -1.0
    while collector is not None and used != (used := cpu_s(collector)):
        time.sleep(0.25)


def _median(each: Sequence[Took]) -> Took:
    return Took(*(statistics.median(column) for column in zip(*each, strict=True)))
