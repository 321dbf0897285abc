"""Measure everything that is measured, and print one table: `make bench`, or

    python bench [--only pump,reports] [--runs N] [--quick] [--write]

`--write` puts it into docs/PERFORMANCE.md too, with the machine it was measured on. What is measured
is in `MEASURED`: files with `figures(runs, folder)`.
"""

import argparse
import os
import platform
import sqlite3
import sys
import time
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import document
from figures import as_markdown
from measured import measure

MEASURED = ("reports", "backfill", "pump")


def main() -> None:
    ask = argparse.ArgumentParser(prog="bench", description="Measure, and print one table.")
    ask.add_argument("--only", default=",".join(MEASURED), help="some of: %(default)s")
    ask.add_argument("--runs", type=int, default=5)
    ask.add_argument("--quick", action="store_true", help="less of everything, in a few minutes")
    ask.add_argument("--write", action="store_true", help="into docs/PERFORMANCE.md too")
    given = ask.parse_args()
    names = given.only.split(",")
    if unknown := set(names) - set(MEASURED):
        ask.error(f"no such file: {', '.join(sorted(unknown))}; there are {', '.join(MEASURED)}")
    if given.write and set(names) != set(MEASURED):
        ask.error("--write needs all of them: the table is one")
    tables = [_measured(name, given.runs, quick=given.quick) for name in names]
    how = "make bench" if not given.quick else "make bench BENCH_ARGS=--quick"
    found = f"{_machine(how, 1 if given.quick else given.runs)}\n\n" + "\n".join(tables)
    print(found)
    if given.write:
        document.write(found)


def _measured(name: str, runs: int, *, quick: bool) -> str:
    begun = time.monotonic()
    print(f"measuring {name} …", end="", file=sys.stderr, flush=True)
    figures = measure(import_module(name).figures, runs, quick=quick)
    print(f" {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return as_markdown(figures)


def _machine(how: str, runs: int) -> str:
    """On what, when and by what it was measured."""
    return (
        f"Measured on {time.strftime('%Y-%m-%d', time.gmtime())} by `{how}` ({runs} "
        f"run{'s' if runs > 1 else ''} of each): {_processor()}, {os.cpu_count()} processors, "
        f"{platform.system()} {platform.release().partition('-')[0]}, Python "
        f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}."
    )


def _processor() -> str:
    try:
        described = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return _value("model name", described) or platform.machine()


def _value(name: str, lines: Iterable[str]) -> str | None:
    found = (line.partition(":")[2].strip() for line in lines if line.startswith(name))
    return next(found, None)


if __name__ == "__main__":
    main()
