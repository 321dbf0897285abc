"""Run measuring files and print what they found, as one table for each group."""

import argparse
import inspect
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from figures import Figure, as_markdown

Figures = Callable[..., Iterator[Figure]]
"""`figures(runs, folder)`, which may take `quick` too: less of everything, for a first look."""


def measure(figures: Figures, runs: int, *, quick: bool) -> list[Figure]:
    """What it finds, in a folder that is gone afterwards."""
    how = {"quick": quick} if "quick" in inspect.signature(figures).parameters else {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        return list(figures(1 if quick else runs, Path(folder), **how))


def print_alone(figures: Figures) -> None:
    """The command line of a measuring file."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--runs", type=int, default=5)
    ask.add_argument("--quick", action="store_true", help="less of everything")
    given = ask.parse_args()
    print(as_markdown(measure(figures, given.runs, quick=given.quick)))
