"""Docs that can't lie: every data point has a column and a test, every output shown is a real one."""

import re
import sqlite3
from functools import cache
from pathlib import Path

import pytest

from codex_telemetry.store import db as database

CHECKOUT = Path(__file__).parents[1]
STATES = {"done", "next", "later"}


def data_points() -> list[dict[str, str]]:
    """The rows of the tables in ROADMAP.md, by their headings."""
    points: list[dict[str, str]] = []
    heads: list[str] = []
    for line in (CHECKOUT / "docs" / "ROADMAP.md").read_text().splitlines():
        if not line.startswith("|"):
            heads = []
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not heads:
            heads = cells
        elif not set(line) <= set("|- "):
            points.append(dict(zip(heads, cells, strict=True)))
    return points


POINTS = data_points()


@cache
def columns() -> frozenset[str]:
    """Every `table.column` of a fresh database."""
    with sqlite3.connect(":memory:") as db:
        for migration in database.migrations():
            db.executescript(migration)
        tables = [
            row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return frozenset(
            f"{table}.{row[1]}"
            for table in tables
            for row in db.execute(f"PRAGMA table_info({table})")
        )


@cache
def names_of_tests() -> frozenset[str]:
    """The names of all tests."""
    return frozenset(
        name
        for path in (CHECKOUT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    )


def test_the_roadmap_has_every_milestone() -> None:
    text = (CHECKOUT / "docs" / "ROADMAP.md").read_text()
    assert [int(n) for n in re.findall(r"^## Milestone (\d)", text, re.MULTILINE)] == [
        0,
        1,
        2,
        3,
        4,
        5,
    ]
    assert len(POINTS) > 80


@pytest.mark.parametrize("point", POINTS, ids=[p["data point"] for p in POINTS])
def test_a_data_point_says_where_it_is_and_what_proves_it(point: dict[str, str]) -> None:
    assert point["state"] in STATES
    if point["kept in"]:
        assert point["kept in"] in columns()
    if point["state"] == "done":
        assert point["kept in"]
        assert point["test"] in names_of_tests()
    if point["test"]:
        assert point["test"] in names_of_tests()


def test_the_readme_shows_what_the_command_prints() -> None:
    readme = (CHECKOUT / "README.md").read_text()
    printed = (CHECKOUT / "fixtures" / "golden" / "turn_80.txt").read_text().rstrip("\n")
    assert f"```text\n{printed}\n```" in readme
