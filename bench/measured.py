"""Run measuring files and print what they found, as one table for each group."""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from figures import Figure, as_markdown

Figures = Callable[..., Iterator[Figure]]
"""`figures(runs, folder)`; some can be asked for less."""


def measure(figures: Figures, runs: int, **less: Any) -> list[Figure]:
    """What it finds, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        return list(figures(runs, Path(folder), **less))


def print_alone(figures: Figures, **less: Any) -> None:
    """The command line of a measuring file. `less`: how it is asked to be quick."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--runs", type=int, default=5)
    ask.add_argument("--quick", action="store_true", help="less of everything")
    given = ask.parse_args()
    found = measure(figures, 1, **less) if given.quick else measure(figures, given.runs)
    print(as_markdown(found))
