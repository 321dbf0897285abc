"""Be unkind to it for as many minutes as there are, and say what was tried how often and what was lost.

`PYTHONPATH=bench:tests python -m soak [--minutes N] [--only faults,stream] [--write]`; exit code 1 if
anything was lost. `--write` puts the table into docs/PERFORMANCE.md.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import document
from machine import machine
from soak import faults, stream
from soak.tried import Tried, as_markdown

PARTS = ("faults", "stream")


def main() -> None:
    ask = argparse.ArgumentParser(
        prog="soak", description="Try for minutes what tests try for moments."
    )
    ask.add_argument("--minutes", type=float, default=10.0, help="in all")
    ask.add_argument("--only", default=",".join(PARTS), help="some of: %(default)s")
    ask.add_argument("--write", action="store_true", help="into docs/PERFORMANCE.md too")
    given = ask.parse_args()
    names = given.only.split(",")
    if unknown := set(names) - set(PARTS):
        ask.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    seconds = given.minutes * 60 / len(names)
    tried: list[Tried] = []
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        if "faults" in names:
            tried += faults.for_as_long_as(seconds)
        if "stream" in names:
            tried += stream.for_as_long_as(seconds, Path(folder))
    how = f'make soak SOAK_ARGS="--minutes {given.minutes:g}"'
    found = f"{machine(how)}\n\n{as_markdown(tried)}"
    print(found)
    if given.write:
        document.write(found, document.SOAK)
    sys.exit(any(one.failed for one in tried))


if __name__ == "__main__":
    main()
