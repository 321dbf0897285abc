"""How fast a flood of long lines comes through, said one after another as Codex says them: to a client
that decodes each, and to one that only counts them."""

import itertools
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import traffic
from wrapped import STAND_IN, Talk, Way, collector_of

LINE = 16_384
WAYS = (Way.DIRECT, Way.NO_COPIES, Way.RUN)


def megabytes_a_second(
    folder: Path, megabytes: int, runs: int, *, decoded: bool
) -> dict[Way, float]:
    """Medians of runs in which the ways take turns."""
    lines = list(traffic.turn(0, LINE))
    times = megabytes * 1_000_000 // sum(map(len, lines)) + 1
    script = folder / "script"
    traffic.write_script(script, ((False, line) for line in lines))
    child = [*STAND_IN, str(script), "0", str(times)]
    found: dict[Way, list[float]] = {way: [] for way in WAYS}
    for run in range(runs):
        for way in WAYS:
            home = folder / f"home-{way.name}-{run}"
            found[way].append(_one(way, child, home, times * len(lines), decoded=decoded))
    return {way: statistics.median(each) for way, each in found.items()}


def _one(way: Way, child: Sequence[str], home: Path, lines: int, *, decoded: bool) -> float:
    talk = Talk(way, child, home)
    stream = talk.lines()
    next(stream)  # what is before is the start
    begun, size = time.perf_counter(), 0
    for line in itertools.islice(stream, lines - 1):
        size += len(line)
        if decoded:
            json.loads(line)
    took = time.perf_counter() - begun
    collector = collector_of(talk.process.pid)
    talk.end()
    while collector is not None and Path(f"/proc/{collector}").exists():
        time.sleep(0.1)  # the next is another's
    return size / took / 1e6
