"""Measure everything that is measured, and print one table: `make bench`, or

    python bench [--only pump,reports] [--runs N] [--quick] [--write]

`--write` puts it into docs/PERFORMANCE.md in the place of what is there, with the machine it was
measured on. What is measured is in `MEASURED`: files with `figures(runs, folder)`.
"""

import argparse
import sys
import time
from importlib import import_module
from typing import Any

import document
from figures import as_markdown
from machine import machine
from measured import measure

MEASURED: dict[str, dict[str, Any]] = {
    "reports": {},
    "first_paint": {},
    "backfills": {"sizes": (100, 1_000)},
    "pump": {"steady_s": 10.0},
    "top": {"seconds": 10.0},
}
"""The files, and what `--quick` asks less of than of all."""


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
    tables = [_measured(name, given.runs, quick=given.quick) for name in names]
    asked = "--quick" if given.quick else f"--runs {given.runs}"
    how = f'make bench BENCH_ARGS="{asked}"'
    found = f"{machine(how)}\n\n" + "\n".join(tables)
    print(found)
    if given.write:
        document.write(found)


def _measured(name: str, runs: int, *, quick: bool) -> str:
    begun = time.monotonic()
    print(f"measuring {name} …", end="", file=sys.stderr, flush=True)
    less = MEASURED[name] if quick else {}
    found = measure(import_module(name).figures, 1 if quick else runs, **less)
    print(f" {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return as_markdown(found)


if __name__ == "__main__":
    main()
