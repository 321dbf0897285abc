"""What each table and column means: from the comments in the migrations, and from `schema/meanings.toml`
where an old one has none (a migration is never edited).
"""

import re
import sqlite3
import tomllib
from collections.abc import Iterable
from contextlib import closing
from functools import cache
from typing import NamedTuple

from codex_telemetry.store.db import migrations, schema_folder


class Comments(NamedTuple):
    tables: dict[str, str]
    columns: dict[tuple[str, str], str]


class Column(NamedTuple):
    name: str
    type: str
    key: bool
    """It is, or is part of, what tells rows apart."""
    required: bool
    meaning: str | None


class Table(NamedTuple):
    name: str
    meaning: str | None
    columns: list[Column]


ANYWHERE = "*"
"""Instead of a table in `schema/meanings.toml`: a column that means the same in each."""

_CREATE = re.compile(r"CREATE TABLE (\w+) \(")
_ADD = re.compile(r"ALTER TABLE (\w+) ADD COLUMN (\w+) [^;]*;(?:\s*-- (.*))?")
_COLUMN = re.compile(r"    (\w+) (?:TEXT|INTEGER|REAL|BLOB|ANY)\b.*?(?:--\s+(.*))?$")


def comments(steps: Iterable[str]) -> Comments:
    """What the comments of migrations say: behind a column of it, on the lines above a table of that.

    A migration that begins with a comment and a blank line says that of itself, not of a table.
    """
    found = Comments({}, {})
    for step in steps:
        above: list[str] = []
        table: str | None = None
        for line in step.splitlines():
            if line.startswith("--"):
                above.append(line.removeprefix("--").strip())
                continue
            if (create := _CREATE.match(line)) is not None:
                table = create[1]
                if above:
                    found.tables[table] = " ".join(above)
            elif (add := _ADD.match(line)) is not None and add[3]:
                found.columns[add[1], add[2]] = add[3]
            elif table is not None and (column := _COLUMN.match(line)) is not None and column[2]:
                found.columns[table, column[1]] = column[2]
            above = []
            if line.startswith(")"):
                table = None
    return found


@cache
def tables() -> tuple[Table, ...]:
    """All tables of a database of this version, in alphabetical order, with what they mean."""
    told = comments(migrations())
    more = added()
    with closing(sqlite3.connect(":memory:")) as db:
        for step in migrations():
            db.executescript(step)
        names = db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            " ORDER BY name"
        ).fetchall()
        return tuple(
            Table(
                name,
                told.tables.get(name) or more.tables.get(name),
                [
                    Column(
                        column,
                        type_,
                        bool(key),
                        bool(required or key),
                        told.columns.get((name, column))
                        or more.columns.get((name, column))
                        or more.columns.get((ANYWHERE, column)),
                    )
                    for _, column, type_, required, _, key, _ in db.execute(
                        f"PRAGMA table_xinfo({name})"
                    )
                ],
            )
            for (name,) in names
        )


def added() -> Comments:
    """What `schema/meanings.toml` says: a table's own meaning is under the empty name."""
    text = (schema_folder() / "meanings.toml").read_text(encoding="utf-8")
    found = Comments({}, {})
    for table, columns in tomllib.loads(text).items():
        for column, meaning in columns.items():
            if column:
                found.columns[table, column] = meaning
            else:
                found.tables[table] = meaning
    return found
