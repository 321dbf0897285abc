"""Responses take little room, and their columns say what was told."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from codex_telemetry.core.rows import ResponseRow
from codex_telemetry.store import db as schema
from codex_telemetry.store.statements import RESPONSES
from codex_telemetry.store.stored_responses import stored, stored_id

HEX = "0123456789abcdef"
COLUMNS = ", ".join(ResponseRow.__struct_fields__)
TOKENS = st.none() | st.integers(0, 1 << 60)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("responses") / "t.db"
    schema.prepare(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        yield opened


def kept(db: sqlite3.Connection, row: ResponseRow) -> tuple[object, ...]:
    """What the columns say of a response that was saved."""
    db.execute("DELETE FROM responses")
    told = stored(1, row)
    db.execute(RESPONSES.save(len(told)), told)
    (found,) = db.execute(f"SELECT {COLUMNS} FROM responses").fetchall()
    return tuple(found)


def response(
    response_id: str | None = None,
    tokens: int | None = None,
    output: int | None = None,
    total: int | None = None,
) -> ResponseRow:
    return ResponseRow(1, response_id, "m", 4, tokens, 5, None, output, 6, total, 0.25)


@given(st.sampled_from(["resp_", "", "RESP_", "other_"]), st.text(HEX) | st.text(f"{HEX}GÄ-_"))
def test_an_id_is_what_it_was(db: sqlite3.Connection, begins: str, rest: str) -> None:
    row = response(begins + rest)
    assert kept(db, row) == astuple(row)


def test_an_id_that_is_hexadecimal_takes_half_the_room() -> None:
    assert len(stored_id(f"resp_{HEX * 3}")) == 24


@given(TOKENS, TOKENS, TOKENS)
def test_tokens_are_what_they_were(
    db: sqlite3.Connection, tokens: int | None, output: int | None, total: int | None
) -> None:
    row = response(None, tokens, output, total)
    assert kept(db, row) == astuple(row)


def test_a_total_that_input_and_output_add_up_to_takes_no_room() -> None:
    assert stored(1, response(None, 90, 10, 100)).count(0) == 1
    assert stored(1, response()).count(0) == 0
