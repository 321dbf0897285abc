"""Whoever is killed at it leaves a sound database in which all of it is done, or nothing."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from codex_telemetry import pricing
from codex_telemetry.settings import DEFAULT
from commands import PROGRAM, Command
from saved import contents
from upkeep.kept import copied, prune, when

KILLED = """
import importlib, os, signal
module = importlib.import_module("codex_telemetry.store.{module}")
whole = module.{name}
def dies(*given, **told):
    if {after}:
        whole(*given, **told)
    os.kill(os.getpid(), signal.SIGKILL)
module.{name} = dies
from codex_telemetry.main import main
main()
"""
"""The program, killed where it comes to that function, or when that is done."""

POINTS = [
    ("prune", "prune", "remove", False),
    ("restore", "restore", "_put", False),
    ("restore", "copies", "put_into", False),
    ("restore", "copies", "put_into", True),
    ("merge", "merge", "take_rest", False),
]


def kept(database: Path) -> dict[str, list[dict[str, Any]]]:
    """All of it but until when something was pruned: that is a moment of its own each time."""
    return {table: rows for table, rows in contents(database).items() if table != "pruned_before"}


def words(command: str, database: Path, other: Path) -> list[str]:
    given = {
        "prune": ["prune", "--older-than", "1h", "--yes"],
        "restore": ["restore", str(other), "--yes"],
        "merge": ["merge", str(other)],
    }
    return [*given[command], "--db", str(database)]


@pytest.fixture
def pair(every: Path, tmp_path: Path, cli: Command) -> tuple[Path, Path]:
    """A database, and a copy of it from before half of it was pruned."""
    database = copied(every, tmp_path / "machine")
    other = tmp_path / "other.db"
    assert cli("backup", str(other), "--db", str(database)).code == 0
    prune(database, when(database, 0.5))
    pricing.bring_up_to_date(database, pricing.wanted(DEFAULT))
    return database, other


@pytest.mark.parametrize(("command", "module", "name", "after"), POINTS)
def test_killed_anywhere_it_is_all_or_nothing(
    pair: tuple[Path, Path],
    cli: Command,
    tmp_path: Path,
    command: str,
    module: str,
    name: str,
    after: bool,
) -> None:
    database, other = pair
    before = kept(database)
    program = KILLED.format(module=module, name=name, after=after)
    done = subprocess.run(
        [*PROGRAM[:2], "-c", program, *words(command, database, other)],
        env=os.environ.copy(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = kept(database)
    assert (left == kept(other)) if after else (left == before)
    fresh = copied(database, tmp_path / "fresh")
    for path in (database, fresh):
        assert cli(*words(command, path, other)).code == 0
    assert kept(database) == kept(fresh)
    assert (kept(database) == left) == (after or command == "merge")


@pytest.mark.parametrize("command", ["prune", "restore", "merge"])
def test_killed_at_any_moment_it_is_all_or_nothing(
    pair: tuple[Path, Path], cli: Command, tmp_path: Path, command: str
) -> None:
    database, other = pair
    before = kept(database)
    whole = copied(database, tmp_path / "whole")
    assert cli(*words(command, whole, other)).code == 0
    after = kept(whole)
    for n in range(2):
        target = copied(database, tmp_path / str(n))
        with subprocess.Popen(
            [*PROGRAM, *words(command, target, other)],
            env=os.environ.copy(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            time.sleep(random.uniform(0.3, 1.2))
            process.kill()
        left = kept(target)
        assert left in (before, after)
