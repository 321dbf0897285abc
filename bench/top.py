"""What `top` uses of a processor while somebody leaves it open: with nothing in progress, and with two turns.

`make bench BENCH_ARGS="--only top"`: the real program in a terminal of 80 columns.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import at_work
import scenes
from commands import PROGRAM
from figures import Figure, Unit
from measured import print_alone
from on_screen import terminal
from wrapped import cpu_s

GROUP = "What `top` costs"
STARTING_S = 3.0
"""What is used until then isn't counted."""


def figures(runs: int, folder: Path, *, seconds: float = 30.0) -> Iterator[Figure]:  # noqa: ARG001 - as all are asked
    idle, busy = folder / "idle.db", folder / "busy.db"
    scenes.write(idle)
    scenes.write(busy, *at_work.running(time.time_ns() // 1_000_000))
    for what, database, bound in (
        ("nothing in progress", idle, "a look at the database's data version"),
        ("two turns in progress", busy, "drawing once a second, by textual"),
    ):
        yield Figure(
            GROUP, f"of one processor, {what}", _percent(database, seconds), Unit.PERCENT, "", None,
            "", None, bound,
        )  # fmt: skip


def _percent(database: Path, seconds: float) -> float:
    env = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    with terminal([*PROGRAM, "top", "--db", str(database)], size=(24, 80), env=env) as at:
        at.shows("q quit")
        time.sleep(STARTING_S)
        before, since = cpu_s(at.pid), time.monotonic()
        time.sleep(seconds)
        after, took = cpu_s(at.pid), time.monotonic() - since
        at.type("q")
        at.leave()
    return 100 * (after - before) / took


if __name__ == "__main__":
    print_alone(figures, seconds=10.0)
