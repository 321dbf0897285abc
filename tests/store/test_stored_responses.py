"""Responses take little room, and their columns say what was told."""

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from codex_telemetry.core.facts import Clock, ResponseFacts, Said, TurnFacts, Usage, Weight
from codex_telemetry.core.rows import ResponseRow
from codex_telemetry.store import db as schema
from codex_telemetry.store.statements import RESPONSES
from codex_telemetry.store.stored_responses import COLUMNS as COLUMNS_STORED
from codex_telemetry.store.stored_responses import (
    LED_BITS,
    MODELS,
    stored,
    stored_cost,
    stored_id,
)
from saved import batch, prepare_before, query, save, thread, turn

HEX = "0123456789abcdef"
COLUMNS = ", ".join(ResponseRow.__struct_fields__)
TOLD_BEFORE = """running_total_tokens, response_stored, model, at, input_tokens, cached_input_tokens,
    cache_write_input_tokens, output_tokens, reasoning_output_tokens, total_besides, cost_usd"""
TOKENS = st.none() | st.integers(0, 1 << 60)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("responses") / "t.db"
    schema.prepare(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        yield opened


def keep(db: sqlite3.Connection, *rows: ResponseRow, turn_key: int = 1) -> None:
    for told in stored(turn_key, rows):
        db.execute(RESPONSES.save(len(told)), told)


def kept(db: sqlite3.Connection, row: ResponseRow) -> tuple[object, ...]:
    """What the columns say of a response that was saved."""
    db.execute("DELETE FROM responses")
    keep(db, row)
    (found,) = db.execute(f"SELECT {COLUMNS} FROM responses").fetchall()
    return tuple(found)


def response(
    response_id: str | None = None,
    tokens: int | None = None,
    output: int | None = None,
    total: int | None = None,
    *,
    model: str | None = "m",
    cost_usd: float | None = 0.25,
) -> ResponseRow:
    return ResponseRow(1, response_id, model, 4, tokens, 5, None, output, 6, total, cost_usd)


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
    besides = COLUMNS_STORED.index("total_besides")
    assert stored(1, [response(None, 90, 10, 100)])[0][besides] == 0
    assert stored(1, [response()])[0][besides] is None


@pytest.mark.parametrize("model", [*MODELS, "one of tomorrow's", None])
def test_a_model_is_what_it_was(db: sqlite3.Connection, model: str | None) -> None:
    row = response(model=model)
    assert kept(db, row) == astuple(row)


def test_a_model_that_codex_names_takes_a_byte() -> None:
    rows = stored(1, [response(model=model) for model in MODELS])
    assert [row[COLUMNS_STORED.index("model_stored")] for row in rows] == list(range(len(MODELS)))
    assert len(MODELS) < 128


COSTS = st.integers(0, 10**12).map(lambda n: round(n / 1e12, 12)) | st.floats(0, 1e300)


@given(COSTS | st.integers(0, 10**10).map(lambda n: n / 1e9))
def test_a_cost_is_what_it_was(db: sqlite3.Connection, cost_usd: float) -> None:
    row = response(cost_usd=cost_usd)
    assert kept(db, row) == astuple(row)
    (is_real,) = db.execute("SELECT typeof(cost_usd) = 'real' FROM responses").fetchone()
    assert is_real


def test_a_cost_of_whole_billionths_takes_half_the_room() -> None:
    assert stored_cost(0.271450005) == 271_450_005
    assert stored_cost(0.2714500051) == 0.2714500051


def test_what_is_told_anew_is_stored_as_what_is_told_once(db: sqlite3.Connection) -> None:
    rows = [response("resp_00ff", 90, 10, 101, model=MODELS[3]), response(cost_usd=1 / 3)]
    for row in (*rows, *rows):
        keep(db, row)
        told = tuple(stored(1, [row])[0])
        columns = ", ".join(COLUMNS_STORED)
        assert db.execute(f"SELECT {columns} FROM responses").fetchall() == [told]
        assert db.execute(f"SELECT {COLUMNS} FROM responses").fetchall() == [astuple(row)]


STRETCH_MS = 1 << LED_BITS
MOMENTS = st.none() | st.builds(
    lambda stretch, n: stretch * STRETCH_MS + n,
    st.integers(-2, 3),
    st.sampled_from([0, 1, STRETCH_MS // 2, STRETCH_MS - 1]),
)


def at_moments(moments: Sequence[int | None]) -> list[ResponseRow]:
    return [
        ResponseRow(n, None, None, at, 9, 0, None, 1, 0, 10, None)
        for n, at in enumerate(moments, start=1)
    ]


@given(st.lists(MOMENTS, max_size=12))
def test_each_response_is_led_by_one_of_the_same_stretch(moments: list[int | None]) -> None:
    led = Counter[int]()
    for _, total, *rest in stored(1, at_moments(moments)):
        leads_to = rest[COLUMNS_STORED.index("leads_to") - 2]
        if leads_to is not None:
            theirs = moments[total - 1 : leads_to]
            assert {at // STRETCH_MS for at in theirs if at is not None} == {
                moments[total - 1] // STRETCH_MS
            }
            led.update(range(total, leads_to + 1))
    timed = {n for n, at in enumerate(moments, start=1) if at is not None}
    assert timed <= led.keys()
    assert set(led.values()) <= {1}


def test_few_lead() -> None:
    rows = stored(1, at_moments(range(0, 3 * STRETCH_MS, STRETCH_MS // 16)))
    leads_to = [row[COLUMNS_STORED.index("leads_to")] for row in rows]
    assert [total for total in leads_to if total is not None] == [16, 32, 48]


def test_what_an_earlier_version_stored_becomes_what_is_stored_now(tmp_path: Path) -> None:
    path, columns = tmp_path / "t.db", ", ".join(COLUMNS_STORED)
    chance = random.Random(7)
    moments = [None, *range(-STRETCH_MS, 3 * STRETCH_MS, STRETCH_MS // 3)]
    turns = {key: at_moments(chance.choices(moments, k=chance.randrange(9))) for key in range(300)}
    for row in chain.from_iterable(turns.values()):
        row.model = chance.choice([None, "m", *MODELS])
        row.cost_usd = chance.choice(
            [None, 0.0, 0.05, 1 / 3, 1e40, chance.randrange(1 << 40) / 1e9]
        )
    prepare_before(path, "TABLE responses_led")
    with closing(sqlite3.connect(path)) as old, old:
        for key, rows in turns.items():
            old.execute(
                "INSERT INTO turns (turn_key, turn_id, session_id, turn_index, status, sources)"
                " VALUES (?1, ?1, 's', ?1, 'completed', 1)",
                [key],
            )
            old.executemany(
                f"INSERT INTO responses (turn_key, {TOLD_BEFORE}) VALUES (?{', ?' * 11})",
                [(key, *astuple(row)[:9], 0, row.cost_usd) for row in rows],
            )
    schema.prepare(path)
    with closing(sqlite3.connect(path)) as new:
        found = new.execute(f"SELECT {columns} FROM responses ORDER BY 1, 2").fetchall()
    assert found == [tuple(told) for key, rows in turns.items() for told in stored(key, rows)]


def leading(path: Path) -> list[tuple[object, ...]]:
    return query(path, "SELECT running_total_tokens, leads_to FROM responses ORDER BY 1")


def told_at(**moments: int) -> TurnFacts:
    """A turn with a response of each name's total at that moment."""
    usage = Said(Usage(10, 0, 0, 1, 0), Weight.LIVE)
    return turn(
        1,
        thread(0),
        responses={
            int(total[1:]): ResponseFacts(usage, times={Clock.CODEX_MS: at})
            for total, at in moments.items()
        },
    )


def test_who_leads_is_found_anew_when_a_turn_is_told_anew(tmp_path: Path) -> None:
    path, later = tmp_path / "t.db", 2 * STRETCH_MS
    log = partial(batch, "home|r", kind="rollout")
    save(path, log(told_at(_1=0, _2=5, _3=later, _4=later + 5)), afresh=True)
    assert leading(path) == [(1, 2), (2, None), (3, 4), (4, None)]
    save(path, log(told_at(_1=0, _2=5, _4=later + 5)), afresh=True)
    assert leading(path) == [(1, 2), (2, None), (4, 4)]
    save(path, log(told_at(_1=0, _2=later, _4=later + 5)), afresh=True)
    assert leading(path) == [(1, 1), (2, 4), (4, None)]
    save(path, log(told_at(_2=later, _3=later + 1, _4=later + 5, _6=later + 9)), afresh=True)
    assert leading(path) == [(2, 6), (3, None), (4, None), (6, None)]
