"""Every table and column means something, and it is said in one place."""

import pytest

from codex_telemetry.store import meanings
from codex_telemetry.store.db import migrations
from codex_telemetry.store.meanings import ANYWHERE, Table, comments, tables

MADE = """-- What this migration is about.

-- A thing
-- of two lines.
CREATE TABLE things (
    thing INTEGER PRIMARY KEY,  -- its number
    name TEXT NOT NULL CHECK (name IN ('a', 'b')),  -- what it is called, in -- short
    silent REAL,
    PRIMARY KEY (thing, name)
) STRICT;
CREATE INDEX things_by_name ON things (name);

CREATE TABLE bare (
    a INTEGER  -- the last has no comma
) STRICT;
ALTER TABLE bare ADD COLUMN b TEXT;
ALTER TABLE bare ADD COLUMN c INTEGER NOT NULL DEFAULT 0;  -- added later
"""


def test_comments_are_those_behind_a_column_and_right_above_a_table() -> None:
    found = comments([MADE])
    assert found.tables == {"things": "A thing of two lines."}
    assert found.columns == {
        ("things", "thing"): "its number",
        ("things", "name"): "what it is called, in -- short",
        ("bare", "a"): "the last has no comma",
        ("bare", "c"): "added later",
    }


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.name)
def test_every_table_and_column_has_a_meaning(table: Table) -> None:
    """A new one has it as a comment behind it in its migration."""
    assert table.meaning
    assert [column.name for column in table.columns if not column.meaning] == []


def test_what_is_said_beside_the_migrations_is_of_a_column_that_has_no_comment() -> None:
    there = {(table.name, column.name) for table in tables() for column in table.columns}
    told, more = comments(migrations()), meanings.added()
    specific = {key for key in more.columns if key[0] != ANYWHERE}
    assert specific <= there
    assert not specific & told.columns.keys()
    assert not more.tables.keys() & told.tables.keys()
    anywhere = {column for table, column in more.columns if table == ANYWHERE}
    assert anywhere <= {column for _, column in there - told.columns.keys() - specific}
