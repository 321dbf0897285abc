"""What `run` costs those on either side of it, with the collector recording.

`python bench/pump.py [--runs N] [--quick]` prints the table of these figures alone.
"""

import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path

import flood
import moments
import round_trips
import steady
from figures import Figure, Unit
from round_trips import Took
from wrapped import Way

GROUP = "What `run` costs"

SIZES = {"1 KB": 1_000, "100 KB": 100_000}
PROCESSORS = {"one processor": {0}, "two": {0, 1}}
AIMS_US = {"p50": 15, "p99": 100}
"""Of messages of 1 KB."""

FLOODS = {"decodes": True, "counts": False}
BLOCKS_A_RUN = 4
FLOOD_MB = 250
START = "from the start of `run` to that of the child"
SIDECAR = "processor's time of pump and collector at 50 messages a second"
STARTING = "the same, to start"
ROW_P50 = "from a turn's end to its row, p50"
ROW_MOST = "from a turn's end to its row, the longest"


def _trip(size: str, where: str, p: str) -> str:
    return f"added to a round trip of {size}, on {where}, {p}"


def _flood(client: str) -> str:
    return f"a flood of 16 KB lines, to a client that {client} them"


NAMES = (
    *(_trip(size, where, p) for size in SIZES for where in PROCESSORS for p in AIMS_US),
    *map(_flood, FLOODS),
    SIDECAR,
    STARTING,
    START,
    ROW_P50,
    ROW_MOST,
)
"""What each of the figures is called."""


def figures(runs: int, folder: Path, steady_s: float = 30.0) -> Iterator[Figure]:
    """All that is measured of `run`."""
    places = (folder / f"run-{n}" for n in range(len(NAMES)))

    def place() -> Path:
        (made := next(places)).mkdir()
        return made

    for size, number in SIZES.items():
        for where, processors in PROCESSORS.items():
            blocks = BLOCKS_A_RUN * runs
            added = round_trips.added(place(), number, processors=processors, blocks=blocks)
            yield from _of_a_round_trip(size, where, added)
    for client, decodes in FLOODS.items():
        rates = flood.megabytes_a_second(place(), FLOOD_MB, runs, decoded=decodes)
        yield _of_a_flood(client, rates)
    yield from _of_the_sidecar(steady.used(place(), steady_s))
    yield _of_the_start(moments.start(place(), 4 * runs))
    yield from _of_rows(moments.until_its_row_s(place(), 4 * runs))


def _of_a_round_trip(size: str, where: str, added: Mapping[Way, Took]) -> Iterator[Figure]:
    bounds = {
        "1 KB": "two wake-ups of a thread; of the rest, 1.4 µs each way is the copy",
        "100 KB": "copying, through pipes of 64 KiB, and once more for the collector",
    }
    for p, aim in AIMS_US.items():
        took = {way: getattr(each, p) for way, each in added.items()}
        aimed = size == "1 KB"
        yield Figure(
            GROUP,
            _trip(size, where, p),
            took[Way.RUN],
            Unit.MICROSECONDS,
            f"`cat` on both sides {took[Way.CAT]:.0f}, no wrapper {took[Way.DIRECT]:.0f} in all; "
            f"{Way.NO_COPIES}",
            took[Way.NO_COPIES],
            f"≤ {aim} µs" if aimed else "",
            took[Way.RUN] <= aim if aimed else None,
            bounds[size] if p == "p50" else "whose turn it is on the processor",
        )


def _of_a_flood(client: str, rates: Mapping[Way, float]) -> Figure:
    aimed = FLOODS[client]
    return Figure(
        GROUP,
        _flood(client),
        rates[Way.RUN],
        Unit.MEGABYTES_A_SECOND,
        f"{Way.NO_COPIES} {rates[Way.NO_COPIES]:,.0f}; {Way.DIRECT}",
        rates[Way.DIRECT],
        "≥ 0.8 times" if aimed else "",
        rates[Way.RUN] >= 0.8 * rates[Way.DIRECT] if aimed else None,
        "the client" if aimed else "processors: child, pump and client want one each",
    )


def _of_the_sidecar(used: steady.Used) -> Iterator[Figure]:
    yield Figure(
        GROUP,
        SIDECAR,
        used.percent,
        Unit.PERCENT,
        f"pump {used.pump:.1f}, collector {used.collector:.1f}; of one processor",
        None,
        "≤ 2 %",
        used.percent <= 2,
        "a wake-up of the pump for each message, saving once a second",
    )
    yield Figure(
        GROUP, STARTING, used.start_ms, Unit.MILLISECONDS, "", None, "", None,
        "imports of the collector, making the database and its prices",
    )  # fmt: skip


def _of_the_start(start: moments.Start) -> Figure:
    return Figure(
        GROUP,
        START,
        start.run,
        Unit.MILLISECONDS,
        "the start of a bare interpreter",
        start.bare,
        "≤ 1.5 times",
        start.run <= 1.5 * start.bare,
        "the interpreter",
    )


def _of_rows(seconds: list[float]) -> Iterator[Figure]:
    for name, took in ((ROW_P50, statistics.median(seconds)), (ROW_MOST, max(seconds))):
        yield Figure(
            GROUP,
            name,
            took,
            Unit.SECONDS,
            "",
            None,
            "≤ 0.5 s",
            took <= 0.5,
            "0.1 s for copies to come together, 30 ms for their order; the save",
        )


if __name__ == "__main__":
    from measured import print_alone

    print_alone(figures, steady_s=10.0)
