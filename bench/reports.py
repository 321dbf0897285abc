"""How long each report takes on a large database: whole processes, as people and scripts start them.

`python bench/reports.py [FILE] [--runs N]` prints a table: the median of the wall clock and of the
processor's time, and what is left of that without the start of the program (`path --json`, which
reads nothing). Without FILE it makes the database of `big_database.py` in a folder of its own first.
Runs of all reports take turns, so that a busy machine slows all of them down alike.
"""

import argparse
import os
import pty
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import big_database
from figures import Figure, Unit
from took import as_installed

TURNS = 500_000
START = "path --json"
DATA = (
    "doctor --json",
    "limits --json",
    "limits --history --last 20 --json",
    "limits --milestones --last 20 --json",
    "turns --last 20 --json",
    "turns --last 20 --status failed --json",
    "turns --last 20 --project /home/me/work/project-7 --json",
    "turn --last --json",
    "sessions --last 20 --json",
    "sessions --last 20 --status failed --json",
    "session {session} --json",
    "stats --json",
    "stats --by model --json",
    "stats --by effort --json",
    "stats --by project --json",
    "stats --by day --json",
    "stats --by version --json",
    "stats --by client --json",
    "stats --by status --json",
    "stats --by model --since 30d --json",
    "stats --by model --status completed --json",
    "stats --compare 30d --json",
    "tools --json",
    "tools --by kind --json",
    "tools --by command --json",
    "tools --by server --json",
    "tools --since 30d --json",
    "tools --status completed --json",
    "tokens --json",
    "tokens --by day --json",
    "tokens --by model --json",
    "tokens --by project --json",
    "tokens --by day --since 30d --json",
    "tokens --by model --status completed --json",
    "prices --json",
    "events --last 20 --json",
    "events --last 20 --kind error --json",
    "events --last 20 --model gpt-5.5 --json",
)
ON_A_TERMINAL = ("turns", "sessions", "stats", "stats --by day", "tools", "tokens", "events")


AIM_S = 0.3
START_AIM = 5
PEER = ("-c", "import json, sqlite3")

BOUNDS = (
    (("--since", "--model", "--project"), "the rows that match, read by an index and sorted"),
    (
        ("stats --by day", "stats --by project", "tools"),
        "start-up; merging the sorted runs of each key",
    ),
    (("stats",), "start-up; the newest turns, which aren't sorted yet"),
    (("tokens",), "start-up; SQLite adding up the sums of each quarter of an hour and session"),
    (("prices",), "start-up; a pattern for each model there is"),
    (("doctor",), "start-up; counting turns, and one start of Codex if there is one"),
    (("limits",), "start-up; the readings of the windows shown"),
    (("",), "start-up: Python's own, then typer"),
)
"""What the time goes into, by what a command holds: the first that fits."""


class Took(NamedTuple):
    wall: float
    cpu: float


def once(words: Sequence[str], *, terminal: bool = False) -> Took:
    """Run Python with its output thrown away; on a terminal nobody looks at, as for people."""
    ours, theirs = pty.openpty() if terminal else (None, subprocess.DEVNULL)
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *words], env=as_installed(), stdout=theirs, stderr=subprocess.DEVNULL
    )
    if ours is not None:
        os.close(theirs)
        _drain(ours)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - begun
    # `doctor` fails a check where the database lies in an open folder, and is measured all the same.
    if process.returncode not in (0, 1):
        sys.exit(f"{' '.join(words)}: exit code {process.returncode}")
    return Took(took, usage.ru_utime + usage.ru_stime)


def _drain(fd: int) -> None:
    try:
        while os.read(fd, 65_536):
            pass
    except OSError:  # EIO: the other end is closed
        os.close(fd)


class Measured(NamedTuple):
    peer: list[Took]
    """`python -c "import json, sqlite3"`"""
    reports: dict[tuple[str, bool], list[Took]]
    """By the command, and whether it was on a terminal."""


def measure(database: Path, runs: int) -> Measured:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
        (session,) = db.execute("SELECT session_id FROM sessions ORDER BY turns DESC").fetchone()
    commands = [(name, False) for name in (START, *DATA)] + [(n, True) for n in ON_A_TERMINAL]
    took = Measured([], {command: [] for command in commands})
    whole = ("-P", "-m", "codex_telemetry")
    once([*whole, *START.split()])  # what Python compiles, it compiles once
    for _ in range(runs):
        took.peer.append(once(PEER))
        for name, terminal in commands:
            words = [*whole, *name.format(session=session).split(), "--db", str(database)]
            took.reports[name, terminal].append(once(words, terminal=terminal))
    return took


def figures(runs: int, folder: Path) -> Iterator[Figure]:
    """Each report's wall clock on the large database, which is made in the folder if it isn't there."""
    took = measure(made(folder / "reports.db"), runs)
    start, peer = _median(took.reports[START, False]).wall, _median(took.peer).wall
    yield Figure(
        "Reports",
        f"start-up of a report command (`{START}`)",
        start * 1000,
        Unit.MILLISECONDS,
        f"`python {PEER[0]} '{PEER[1]}'`",
        peer * 1000,
        f"≤ {START_AIM} times",
        start <= START_AIM * peer,
        "imports: typer, msgspec and what describes the command line",
    )
    for (name, terminal), each in took.reports.items():
        wall = _median(each).wall
        if name != START:
            yield Figure(
                f"Reports over {TURNS:,} turns",
                f"`{_called(name, terminal=terminal)}`",
                wall * 1000,
                Unit.MILLISECONDS,
                "",
                None,
                f"≤ {AIM_S} s",
                wall <= AIM_S,
                _bound(name),
            )


def _bound(name: str) -> str:
    return next(what for parts, what in BOUNDS if any(part in name for part in parts))


def _called(name: str, *, terminal: bool) -> str:
    shown = name.replace(" --json", "").format(session="ID")
    return f"{shown} (on a terminal)" if terminal else shown


def show(database: Path, took: Measured, runs: int) -> None:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
        (turns,) = db.execute("SELECT count(*) FROM turns").fetchone()
    size = database.stat().st_size / 1e9
    print(f"{turns:,} turns, {size:.1f} GB, Python {sys.version.split()[0]}, ", end="")
    print(f"SQLite {sqlite3.sqlite_version}, median of {runs} runs, {os.cpu_count()} processors\n")
    print(f"{'ms':56}  wall   cpu  without the start")
    start = _median(took.reports[START, False])
    _line(" ".join(["python", *PEER]), _median(took.peer), "")
    for (name, terminal), each in took.reports.items():
        middle = _median(each)
        rest = "" if name == START else f"{1000 * (middle.cpu - start.cpu):19.0f}"
        _line(_called(name, terminal=terminal), middle, rest)


def _line(label: str, took: Took, rest: str) -> None:
    print(f"{label:56} {1000 * took.wall:5.0f} {1000 * took.cpu:5.0f}{rest}")


def _median(each: Sequence[Took]) -> Took:
    return Took(*(statistics.median(column) for column in zip(*each, strict=True)))


def made(database: Path, turns: int = TURNS) -> Path:
    if not database.exists():
        big_database.write(database, turns)
    return database


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    ask.add_argument("file", nargs="?", type=Path, help="made anew where it isn't there")
    ask.add_argument("--runs", type=int, default=5)
    ask.add_argument("--turns", type=int, default=TURNS, help="of a database made anew")
    given = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = made((given.file or Path(folder) / "telemetry.db").absolute(), given.turns)
        show(database, measure(database, given.runs), given.runs)


if __name__ == "__main__":
    main()
