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
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import big_database

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


class Took(NamedTuple):
    wall: float
    cpu: float


def once(command: str, database: Path, *, terminal: bool) -> Took:
    """Run it with its output thrown away; on a terminal nobody looks at, as for people."""
    words = [sys.executable, "-P", "-m", "codex_telemetry", *command.split(), "--db", str(database)]
    ours, theirs = pty.openpty() if terminal else (None, subprocess.DEVNULL)
    begun = time.perf_counter()
    process = subprocess.Popen(words, stdout=theirs, stderr=subprocess.DEVNULL)
    if ours is not None:
        os.close(theirs)
        _drain(ours)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - begun
    # `doctor` fails a check where the database lies in an open folder, and is measured all the same.
    if process.returncode not in (0, 1):
        sys.exit(f"{command}: exit code {process.returncode}")
    return Took(took, usage.ru_utime + usage.ru_stime)


def _drain(fd: int) -> None:
    try:
        while os.read(fd, 65_536):
            pass
    except OSError:  # EIO: the other end is closed
        os.close(fd)


def measure(database: Path, runs: int) -> None:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
        (session,) = db.execute("SELECT session_id FROM sessions ORDER BY turns DESC").fetchone()
        (turns,) = db.execute("SELECT count(*) FROM turns").fetchone()
    commands = [(name, False) for name in (START, *DATA)] + [(n, True) for n in ON_A_TERMINAL]
    took: dict[tuple[str, bool], list[Took]] = {command: [] for command in commands}
    for _ in range(runs):
        for name, terminal in commands:
            whole = name.format(session=session)
            took[name, terminal].append(once(whole, database, terminal=terminal))
    size = database.stat().st_size / 1e9
    print(f"{turns:,} turns, {size:.1f} GB, Python {sys.version.split()[0]}, ", end="")
    print(f"SQLite {sqlite3.sqlite_version}, median of {runs} runs, {os.cpu_count()} processors\n")
    print(f"{'ms':56}  wall   cpu  without the start")
    start = _median(took[START, False])
    for (name, terminal), each in took.items():
        wall, cpu = _median(each)
        label = f"{name} (on a terminal)" if terminal else name
        rest = "" if name == START else f"{cpu - start.cpu:19.0f}"
        print(f"{label:56} {wall:5.0f} {cpu:5.0f}{rest}")


def _median(each: Sequence[Took]) -> Took:
    return Took(*(1000 * statistics.median(column) for column in zip(*each, strict=True)))


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    ask.add_argument("file", nargs="?", type=Path, help="made anew where it isn't there")
    ask.add_argument("--runs", type=int, default=5)
    ask.add_argument("--turns", type=int, default=500_000, help="of a database made anew")
    given = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = (given.file or Path(folder) / "telemetry.db").absolute()
        if not database.exists():
            big_database.write(database, given.turns)
        measure(database, given.runs)


if __name__ == "__main__":
    main()
