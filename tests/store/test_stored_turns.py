"""Turns take little room, and their columns say what was told."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple, replace

from codex_telemetry.core.rows import TurnRow
from codex_telemetry.store import db as schema
from codex_telemetry.store import statements, turn_words
from codex_telemetry.store.stored_turns import COLUMNS, stored
from saved import batch, prepare_before, query, save, thread, turn

FIELDS = TurnRow.__struct_fields__
SAID = ", ".join(FIELDS)
HEX = "0123456789abcdef"
ID = "019e3937-7277-7dda-9000-23f1642637b2"


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("turns") / "t.db"
    schema.prepare(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        opened.execute("INSERT INTO sessions (session_key, session_id, sources) VALUES (7, 's', 1)")
        opened.execute(statements.TURN, stored(told(status="in_progress", total_tokens=1), 7, 0))
        yield opened


def told(**said: object) -> TurnRow:
    silent = dict.fromkeys(FIELDS)
    first = {"turn_id": "t", "session_id": "s", "status": "completed", "sources": 1}
    return TurnRow(**{**silent, **first, **said})  # type: ignore[arg-type]


def kept(db: sqlite3.Connection, row: TurnRow) -> TurnRow:
    """What the columns say of a turn that was saved before, and is now told again."""
    db.execute(statements.TURN, stored(row, 7, 0))
    ((*found,),) = db.execute(f"SELECT {SAID} FROM turns").fetchall()
    return TurnRow(*found)


TEXT = st.none() | st.text(HEX + 'Ä"[')
NUMBERED = [
    field for field in FIELDS if "int" in str(TurnRow.__annotations__[field]) and field != "sources"
]
NUMBERS = st.none() | st.integers(-(1 << 60), 1 << 60)
OF_A_FIELD = {
    "cost_usd": st.none() | st.floats(0, 1e6),
    **{
        field: NUMBERS if "int" in str(TurnRow.__annotations__[field]) else TEXT
        for field in FIELDS
        if "bool" not in str(TurnRow.__annotations__[field]) and field != "cost_usd"
    },
    "turn_id": st.just("t"),
    "session_id": st.sampled_from([ID, ID.upper(), "s", f"{ID}0"]),
    "root_turn_id": st.sampled_from(["t", "T", "0", None]),
    "status": st.text(HEX),
    "sources": st.integers(1, 3),
    "base_instructions_hash": TEXT | st.sampled_from([HEX, HEX.upper(), "0", ""]),
    "secret_ids": TEXT | st.sampled_from(['["d281091a"]', '["d28109"]', '["d28"]', '["aa","bb"]']),
}


@settings(max_examples=200)
@example(dict.fromkeys(NUMBERED, 2**53 + 1))  # no float is that
@given(st.fixed_dictionaries({}, optional=OF_A_FIELD))
def test_columns_say_what_was_told(db: sqlite3.Connection, said: dict[str, object]) -> None:
    row = told(**said)
    found = kept(db, row)
    assert found == row
    assert [*map(type, astuple(found))] == [*map(type, astuple(row))]


@pytest.mark.parametrize(
    ("column", "word"),
    [(c, word) for c, words in turn_words.WORDS.items() for word in (*words, "tomorrow's")],
)
def test_a_word_is_what_it_was(db: sqlite3.Connection, column: str, word: str) -> None:
    row = replace(told(), **{column: word})
    assert kept(db, row) == row
    asked = f"SELECT {turn_words.STATUS}, {turn_words.EFFORT} FROM turns"
    assert db.execute(asked).fetchone() == (row.status, row.effort)


def test_what_most_turns_say_takes_little_room() -> None:
    row = told(
        turn_id=ID, session_id=ID, root_turn_id=ID, effort="medium", duration_clock="codex_ms",
        approval_policy="on-request", sandbox="workspace-write", summary_mode="auto",
        parts_source="rollout", truncation_policy="tokens:10000", started_at=1 << 40,
        duration_ms=900, ended_at=(1 << 40) + 900, input_tokens=90, output_tokens=10,
        total_tokens=100, base_instructions_hash=HEX, secret_ids='["d281091a"]',
    )  # fmt: skip
    its = dict(zip(COLUMNS, stored(row, 7, 0), strict=True))
    bytes_ = {column: len(value) for column, value in its.items() if isinstance(value, bytes)}
    assert bytes_ == {"session_stored": 16, "base_hash_stored": 8, "secrets_stored": 4}
    assert [column for column, value in its.items() if isinstance(value, str)] == ["turn_id"]
    assert its["root_stored"] == its["ended_besides"] == its["total_besides"] == 0
    assert its["more"] is None


def test_a_number_that_no_column_takes_is_none_of_those_few_say_either() -> None:
    with pytest.raises(OverflowError):
        stored(told(interrupt_ms=1 << 63), 7, 0)


def test_what_belongs_to_a_turn_is_still_there_after_the_upgrade_and_goes_with_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.db"
    prepare_before(path, "turns_stored")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO sessions (session_key, session_id, sources) VALUES (7, ?, 1)", [ID])
        db.execute(
            """INSERT INTO turns (turn_key, turn_id, session_id, turn_index, root_turn_id, status,
                started_at, ended_at, duration_ms, effort, sandbox, errors, error_kind, total_tokens,
                input_tokens, sources)
            VALUES (3, 't', ?, 0, 't', 'failed', 1000, 1900, 890, 'odd', 'readOnly', 1, 'k', 12, 9, 1)""",
            [ID],
        )
        db.execute(
            """INSERT INTO items (turn_key, nth, id_stored, kind_stored, status_stored)
            VALUES (3, 0, 'i', 1, 1)"""
        )
        db.execute("INSERT INTO responses (turn_key, running_total_tokens) VALUES (3, 12)")
        columns = ", ".join(row[1] for row in db.execute("PRAGMA table_info(turns)"))
        ((*was,),) = db.execute(f"SELECT {columns} FROM turns").fetchall()
    schema.prepare(path)
    assert query(path, f"SELECT {columns} FROM turns") == [tuple(was)]
    counts = "SELECT (SELECT count(*) FROM items), (SELECT count(*) FROM responses)"
    assert query(path, counts) == [(1, 1)]
    assert query(path, "PRAGMA foreign_key_check") == []
    with closing(schema.open_to_write(path)) as db:
        db.execute("DELETE FROM turns")
    assert query(path, counts) == [(0, 0)]


def test_a_session_is_found_whatever_its_id_is_stored_as(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    save(path, batch("a", turn(1, thread(1)), turn(2, thread(2))))
    with closing(sqlite3.connect(path)) as db, db:
        # As the upgrade leaves it.
        db.execute("UPDATE turns SET session_stored = session_id WHERE turn_key = 1")
    asked = f"SELECT session_id FROM turns WHERE {turn_words.OF_SESSION}"
    assert query(path, asked, thread(1)) == [(thread(1),)]
    save(path, batch("a", turn(1, thread(1))))
    assert query(path, "SELECT DISTINCT typeof(session_stored) FROM turns") == [("blob",)]


def test_who_asks_for_a_session_by_its_id_in_sql_of_their_own_waits_for_its_turns_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.db"
    save(path, batch("a", turn(1, thread(1))))
    for asked in (
        "SELECT * FROM turns WHERE session_id = ?",
        "SELECT t.* FROM sessions AS s JOIN turns AS t USING (session_id) WHERE s.session_id = ?",
    ):
        plan = query(path, f"EXPLAIN QUERY PLAN {asked}", thread(1))
        assert not [step for *_, step in plan if step.startswith("SCAN")], plan
