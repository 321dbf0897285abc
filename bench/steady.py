"""What the whole sidecar uses of a processor while Codex talks at a steady pace, and as it starts."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import traffic
from wrapped import STAND_IN, Talk, Way, collector_of, cpu_s

PACE_S = 0.02
DELTAS = 4
"""How often each delta of the recorded turn is said: eight of nine lines are deltas then."""
STARTING_S = 5.0
"""What is used until then is told apart."""


class Used(NamedTuple):
    start_ms: float
    """Of the processor's time, to start: by the pump and the collector."""
    percent: float
    """Of one processor, from then on."""
    pump: float
    collector: float


def used(folder: Path, seconds: float) -> Used:
    """Of both processes, while turns of some four seconds follow one another."""
    lines_a_turn = len(list(traffic.turn(0, deltas=DELTAS)))
    turns = int((seconds + STARTING_S) / PACE_S / lines_a_turn) + 2
    script = folder / "script"
    traffic.write_script(script, _script(turns))
    talk = Talk(Way.RUN, [*STAND_IN, str(script), str(PACE_S)], folder / "home")
    begun = time.monotonic()
    heard = _turns(talk, turns)
    _until(begun + STARTING_S, heard)
    collector = collector_of(talk.process.pid)
    if collector is None:
        raise SystemExit("run has no collector")
    processes = (talk.process.pid, collector)
    before, since = [cpu_s(pid) for pid in processes], time.monotonic()
    _until(since + seconds, heard)
    after, took = [cpu_s(pid) for pid in processes], time.monotonic() - since
    talk.process.terminate()  # reaches the stand-in through the pump
    talk.process.wait()
    pump, gathering = (100 * (b - a) / took for a, b in zip(before, after, strict=True))
    return Used(1000 * sum(before), pump + gathering, pump, gathering)


def _script(turns: int) -> Iterator[tuple[bool, bytes]]:
    yield from ((True, exchange.answer) for exchange in traffic.opening())
    for n in range(turns):
        for at, line in enumerate(traffic.turn(n, deltas=DELTAS)):
            yield at == 0, line


def _turns(talk: Talk, turns: int) -> Iterator[None]:
    """Once for each line that is heard, while the client asks for one turn after another."""
    for exchange in traffic.opening():
        talk.say(exchange.asked)
        talk.hear(len(exchange.answer))
    lines = talk.lines()
    for n in range(turns):
        talk.say(traffic.prompt(n))
        for line in lines:
            yield
            if b'"turn/completed"' in line:
                break


def _until(moment: float, heard: Iterator[None]) -> None:
    while time.monotonic() < moment:
        next(heard)
