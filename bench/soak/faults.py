"""The faults of tests/faults, again and again, each time at other moments, until the time is over."""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from soak.tried import Tried

ROOT = Path(__file__).parents[2]
TESTS = (
    "tests/faults/test_kills.py",
    "tests/faults/test_many_at_once.py",
    "tests/backfill/test_killed.py",
)
ROUNDS = 4
"""How often what is tried goes around within one run of pytest."""

AT_ONCE = {"test_killed_at_any_moment_and_begun_again": 42 * ROUNDS, "test_all_at_once": 8 * ROUNDS}
"""Kills, or conversations, within one of these tests."""


def for_as_long_as(seconds: float) -> Iterator[Tried]:
    times, failed = Counter[str](), Counter[str]()
    until = time.monotonic() + seconds
    seed = 0
    while time.monotonic() < until:
        seed += 1
        for name, is_failed in _once(seed):
            times[name] += AT_ONCE.get(name, 1)
            failed[name] += is_failed
            print(
                f"\r{times.total()} tried, {failed.total()} failed",
                end="",
                file=sys.stderr,
                flush=True,
            )
    print(file=sys.stderr)
    for name, number in times.items():
        yield Tried(name.removeprefix("test_").replace("_", " "), number, failed[name])


def _once(seed: int) -> list[tuple[str, bool]]:
    """Each of the tests that ran, and whether it failed."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        told = Path(folder) / "told.xml"
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--junitxml", str(told), *TESTS],
            cwd=ROOT,
            env={**os.environ, "FAULT_ROUNDS": str(ROUNDS), "FAULT_SEED": str(seed)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if ran.returncode not in (0, 1):
            sys.exit(ran.stdout)
        cases = list(ET.parse(told).iter("testcase"))
    if ran.returncode:
        print(ran.stdout, file=sys.stderr)
    return [
        (case.attrib["name"].partition("[")[0], _has(case, "failure", "error"))
        for case in cases
        if not _has(case, "skipped")
    ]


def _has(case: ET.Element, *tags: str) -> bool:
    return any(case.find(tag) is not None for tag in tags)
