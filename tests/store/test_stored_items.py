"""Items take little room, and their columns say what was told."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple, replace

from codex_telemetry.core.identity import ItemId
from codex_telemetry.core.parts import TOOLS
from codex_telemetry.core.rows import ItemRow
from codex_telemetry.store import db as schema
from codex_telemetry.store import stored_items
from codex_telemetry.store.statements import ITEMS
from saved import batch, query, save, thread, turn

HEX = "0123456789abcdef"
UUID = "019e3937-7277-7dda-9000-23f1642637b2"
BEGINNINGS = ("", "call_", "rs_", "msg_", "fc_", "ws_", "exec-", "other_")
COLUMNS = ", ".join(ItemRow.__struct_fields__)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("items") / "t.db"
    schema.prepare(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        yield opened


def kept(db: sqlite3.Connection, row: ItemRow) -> tuple[object, ...]:
    """What the columns say of an item that was saved."""
    db.execute("DELETE FROM items")
    told = stored_items.stored(1, 0, row)
    db.execute(ITEMS.save(len(told)), told)
    (found,) = db.execute(f"SELECT {COLUMNS} FROM items").fetchall()
    return tuple(found)


def item(item_id: str = "i", kind: str = "command", status: str = "completed") -> ItemRow:
    empty = dict.fromkeys(ItemRow.__struct_fields__)
    return ItemRow(**{**empty, "item_id": item_id, "kind": kind, "status": status})  # type: ignore[arg-type]


@settings(max_examples=300)
@given(
    st.sampled_from(BEGINNINGS),
    st.sampled_from([UUID, UUID.upper(), UUID[:-1], f"{UUID}0"])
    | st.text(HEX)
    | st.text(HEX + "GÄ-_"),
)
def test_an_id_is_what_it_was(db: sqlite3.Connection, begins: str, rest: str) -> None:
    assert kept(db, item(begins + rest))[0] == begins + rest


def test_an_id_that_is_hexadecimal_takes_half_the_room() -> None:
    assert len(stored_items.stored_id("rs_" + HEX * 3)) == 1 + 24
    assert (
        len(stored_items.stored_id(UUID)) == len(stored_items.stored_id(f"exec-{UUID}")) == 1 + 16
    )


@pytest.mark.parametrize("kind", [*stored_items.KINDS, "one of tomorrow's"])
def test_a_kind_is_what_it_was(db: sqlite3.Connection, kind: str) -> None:
    assert kept(db, item(kind=kind))[1] == kind
    assert db.execute(f"SELECT {stored_items.KIND} FROM items").fetchone() == (kind,)
    calls = db.execute(f"SELECT 1 FROM items WHERE {stored_items.ARE_TOOL_CALLS}").fetchall()
    assert len(calls) == (kind in TOOLS)


@pytest.mark.parametrize("status", [*stored_items.STATUSES, "one of tomorrow's"])
def test_a_status_is_what_it_was(db: sqlite3.Connection, status: str) -> None:
    assert kept(db, item(status=status))[3] == status
    assert db.execute(f"SELECT {stored_items.STATUS} FROM items").fetchone() == (status,)


NUMBERS = st.none() | st.integers(-(1 << 63) + 1, (1 << 63) - 1)
MORE = {
    **dict.fromkeys(("lines_added", "lines_removed", "approval_ms"), NUMBERS),
    **dict.fromkeys(("exit_code", "output_bytes", "context_before", "context_after"), NUMBERS),
    **dict.fromkeys(
        ("decision", "action", "thread_ids", "command_hash"), st.none() | st.text(HEX + 'Ä"[')
    ),
    "output_capped": st.none() | st.booleans(),
}


@given(st.fixed_dictionaries(MORE))
def test_what_few_items_say_is_what_it_was(db: sqlite3.Connection, said: dict[str, object]) -> None:
    row = replace(item(), **said)
    assert kept(db, row) == astuple(row)


def test_a_number_that_no_column_takes_is_none_of_those_either() -> None:
    for number in (1 << 63, -(1 << 63) - 1):
        with pytest.raises(OverflowError):
            stored_items.stored(1, 0, replace(item(), lines_added=number))


MOMENTS = st.none() | st.integers(-(1 << 61), 1 << 61)


@given(MOMENTS, MOMENTS)
def test_times_are_what_they_were(
    db: sqlite3.Connection, started: int | None, ended: int | None
) -> None:
    row = item()
    row.started_at, row.ended_at = started, ended
    assert kept(db, row) == astuple(row)


def test_what_an_earlier_version_stored_isnt_there_twice_once_it_is_told_again(
    tmp_path: Path,
) -> None:
    path, told = tmp_path / "t.db", turn(1, thread(1))
    told.items |= {ItemId(f"rs_{HEX}{n}{n}"): told.items[ItemId("i1")] for n in range(3)}
    save(path, batch("a", told))
    once = query(path, f"SELECT {COLUMNS} FROM items ORDER BY item_id")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE items SET id_stored = item_id")
    save(path, batch("a", told))
    assert query(path, f"SELECT {COLUMNS} FROM items ORDER BY item_id") == once
    assert query(path, "SELECT typeof(id_stored), count(*) FROM items GROUP BY 1") == [
        ("blob", 3),
        ("text", 1),
    ]


def test_what_isnt_told_any_more_is_null_again(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    save(path, batch("a", turn(1, thread(1))))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE items SET more = '[null,null,9]', output_capped = 1")
    save(path, batch("a", turn(1, thread(1))))
    assert query(path, "SELECT DISTINCT approval_ms, output_capped FROM items") == [(None, None)]
