"""The shape of `sql --schema --json`; what a question answers has the columns it asked for."""

from typing import Annotated

from msgspec import Meta, Struct


class SchemaColumn(Struct):
    """A column of the database."""

    table: str
    table_meaning: str | None
    column: str
    type: Annotated[str, Meta(description="as SQLite calls it: INTEGER, REAL, TEXT, BLOB")]
    key: Annotated[bool, Meta(description="it is, or is part of, what tells rows apart")]
    required: Annotated[bool, Meta(description="never null")]
    meaning: str | None
