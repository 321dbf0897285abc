"""docs/PRIVACY.md lists every stored column in each mode, and what it says of names is so."""

import re
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from codex_telemetry.core.labels import KINDS
from codex_telemetry.core.veil import is_hashed
from codex_telemetry.store import db as database
from codex_telemetry.store.redacted import shown_otherwise
from saved import query

DOC = Path(__file__).parents[2] / "docs" / "PRIVACY.md"
ROW = re.compile(r"\| `(\w+)`: ((?:`\w+` ?)+)\|([^|]+)\|([^|]+)\|([^|]+)\|([^|]+)\|")
OWN = {"sqlite_sequence"}
"""SQLite's own."""

Column = tuple[str, str]


def told() -> list[tuple[Column, list[str]]]:
    """Each column with what is said of it: normal, redacted, strict, why."""
    _, _, table = DOC.read_text(encoding="utf-8").partition("## What is stored\n")
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    found = []
    for line in rows:
        row = ROW.fullmatch(line)
        assert row is not None, line
        said = [row[n].strip() for n in range(3, 7)]
        found += [((row[1], column), said) for column in re.findall(r"`(\w+)`", row[2])]
    return found


@pytest.fixture
def stored(tmp_path: Path) -> set[Column]:
    path = tmp_path / "t.db"
    database.prepare(path)
    with sqlite3.connect(path) as db:
        tables = [t for (t,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        found = {
            (table, row[1])
            for table in tables
            if table not in OWN
            for row in db.execute(f"PRAGMA table_xinfo({table})")
        }
    db.close()
    return found


def test_every_stored_column_is_listed_once_and_none_that_is_not(stored: set[Column]) -> None:
    listed = Counter(column for column, _ in told())
    assert sorted(stored - listed.keys()) == [], "each needs a line in docs/PRIVACY.md"
    assert sorted(listed.keys() - stored) == [], "there is no such column"
    assert [column for column, n in listed.items() if n > 1] == []


def test_every_line_says_what_and_why() -> None:
    for column, said in told():
        assert all(said), column


def test_labels_stand_where_the_table_says(stored: set[Column]) -> None:
    otherwise = {column: sql for column in stored if (sql := shown_otherwise(*column)) is not None}
    del otherwise["items", "name"]  # a command's word is shown as it is stored
    said = dict(told())
    assert {c for c, sql in otherwise.items() if sql == "NULL"} == {
        c for c, (_, redacted, _, _) in said.items() if redacted.endswith("not shown")
    }
    assert {c for c, sql in otherwise.items() if sql != "NULL"} == {
        c for c, (_, redacted, _, _) in said.items() if redacted.endswith("shown as a label")
    }
    assert {column for column in stored if column[1] in KINDS} <= otherwise.keys()


def test_what_is_hashed_is_what_the_table_says(all_told: Path, all_strict: Path) -> None:
    """In a database of all recordings, as far as they fill a column."""
    for (table, column), (_, _, strict, _) in told():
        plain, hashed = (
            _values(folder / "telemetry.db", table, column) for folder in (all_told, all_strict)
        )
        if not any(isinstance(value, str) for value in plain):
            continue
        if strict == "keyed hash":
            assert all(map(_looks_hashed, hashed)), (table, column)
        elif "hash" not in strict and column != "secret_ids" and table != "origins":
            assert not any(map(is_hashed, map(str, hashed))), (table, column)


def _values(database: Path, table: str, column: str) -> set[object]:
    return {
        value
        for (value,) in query(database, f"SELECT DISTINCT {column} FROM {table}")
        if value is not None
    }


def _looks_hashed(value: object) -> bool:
    return is_hashed(str(value)) or re.fullmatch("[0-9a-f]{16}", str(value)) is not None
