"""How long `run` takes to start the child, and a turn's end to be a row."""

import os
import sqlite3
import statistics
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import traffic
from wrapped import STAND_IN, Talk, Way, environment

RUN = "import sys; from codex_telemetry.main import main; sys.exit(main())"
"""What the script does that is installed as `codex-telemetry`."""

POLL_S = 0.002
PATIENCE_S = 30.0


class Start(NamedTuple):
    """Milliseconds until the first thing the program does."""

    bare: float
    """Of a bare interpreter."""
    run: float
    """From the start of `run` to that of the child, which is a shell."""


def start(folder: Path, runs: int) -> Start:
    """Medians of runs that take turns. What the shell itself needs is taken off."""
    told, telling = os.pipe()
    shell = ["/bin/sh", "-c", f"echo >&{telling}"]
    bare = [sys.executable, "-P", "-c", f"import os; os.write({telling}, b'.')"]
    wrapped = [sys.executable, "-P", "-c", RUN, "run", "--", *shell]
    took: dict[int, list[float]] = {0: [], 1: [], 2: []}
    for _ in range(runs):
        for n, command in enumerate((shell, bare, wrapped)):
            begun = time.perf_counter()
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=environment(folder / "home"),
                pass_fds=[telling],
            )
            os.read(told, 1)
            took[n].append(1000 * (time.perf_counter() - begun))
            process.wait()
            time.sleep(0.3)  # the collector of the one before
    os.close(told)
    os.close(telling)
    alone, of_bare, of_run = (statistics.median(each) for each in took.values())
    return Start(of_bare, of_run - alone)


def until_its_row_s(folder: Path, turns: int) -> list[float]:
    """From the moment at which the client hears of a turn's end until the row says so, of each turn."""
    script = folder / "script"
    chunks = [(True, exchange.answer) for exchange in traffic.opening()]
    for n in range(turns + 1):
        chunks += [(at == 0, line) for at, line in enumerate(traffic.turn(n))]
    traffic.write_script(script, chunks)
    talk = Talk(Way.RUN, [*STAND_IN, str(script), "0.005"], folder / "home")
    for exchange in traffic.opening():
        talk.say(exchange.asked)
        talk.hear(len(exchange.answer))
    lines, took = talk.lines(), []
    for n in range(turns + 1):
        talk.say(traffic.prompt(n))
        while b'"turn/completed"' not in next(lines):
            pass
        took.append(_seen(talk.database, traffic.turn_id(n)))
    talk.process.terminate()
    talk.process.wait()
    return took[1:]  # with the first the database is made


def _seen(database: Path, turn_id: str) -> float:
    begun = time.perf_counter()
    while time.perf_counter() < begun + PATIENCE_S:
        if database.exists():
            with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
                try:
                    if db.execute(ENDED, (turn_id,)).fetchone():
                        return time.perf_counter() - begun
                except sqlite3.OperationalError:  # it is being made
                    pass
        time.sleep(POLL_S)
    raise SystemExit(f"turn {turn_id} never came to be a row")


ENDED = "SELECT 1 FROM turns WHERE turn_id = ? AND status = 'completed'"
