"""Costs in the database: there as soon as tokens are, and those of the prices that apply now."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from codex_telemetry.core.facts import ResponseFacts, Said, Usage, Weight
from codex_telemetry.core.prices import Price, PriceModel
from codex_telemetry.store import db
from codex_telemetry.store.price_list import PriceList, is_current, is_listed, price_anew, replace
from saved import BORN, batch, contents, prepare_before, query, save, thread, turn

ROOT = thread(1)


def listed(fingerprint: str, **usd_by_model: float) -> PriceList:
    """Input at a price by model, output at ten times that."""
    names = list(usd_by_model)
    models = [PriceModel(n, "package", m, rf"\A{m}\Z") for n, m in enumerate(names)]
    prices = [
        Price(n, "default", None, None, 0, usd, usd / 10, None, usd * 10)
        for n, usd in enumerate(usd_by_model.values())
    ]
    return PriceList(fingerprint, fingerprint, lambda: (models, prices))


def asks(*totals: int, model: str | None = None) -> dict[int, ResponseFacts]:
    """Responses of 100 tokens, 10 of them output."""
    usage = Usage(100, 90, 0, 10, 0)
    told = None if model is None else Said(model, Weight.LIVE)
    return {n: ResponseFacts(Said(usage, Weight.LIVE), model=told) for n in totals}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "telemetry.db"
    db.prepare(made)
    replace(made, listed("1", big=10.0, small=1.0))
    return made


def costs(path: Path, table: str) -> list[Any]:
    order = "session_key" if table == "sessions" else "turn_key"
    return [row[0] for row in query(path, f"SELECT cost_usd FROM {table} ORDER BY {order}")]


def test_who_asks_for_prices_upgrades_nothing(tmp_path: Path) -> None:
    """A backfill asks while it upgrades: two at it would have to wait for each other."""
    path = tmp_path / "telemetry.db"
    db.prepare(path, db.migrations()[:-1])
    assert not is_listed(path, listed("1", big=10.0))
    assert query(path, "PRAGMA user_version") == [(db.version() - 1,)]
    db.prepare(path)
    replace(path, listed("1", big=10.0))
    assert is_listed(path, listed("1", big=10.0))


BIG = (90 * 10 + 10 * 100) / 1e6
SMALL = BIG / 10


def test_what_is_saved_has_its_cost_at_once(path: Path) -> None:
    responses = {**asks(100, model="big"), **asks(200, model="small")}
    save(path, batch("a", turn(1, ROOT, responses=responses)))
    assert costs(path, "responses") == pytest.approx([BIG, SMALL])
    assert costs(path, "turns") == costs(path, "sessions") == pytest.approx([BIG + SMALL])


def test_any_token_without_a_price_leaves_turn_and_session_without_a_cost(path: Path) -> None:
    priced = turn(1, ROOT, responses=asks(100, model="big"))
    part = turn(2, ROOT, responses={**asks(200, model="big"), **asks(300, model="odd")})
    save(path, batch("a", priced, part))
    assert costs(path, "responses") == [pytest.approx(BIG), pytest.approx(BIG), None]
    assert costs(path, "turns") == [pytest.approx(BIG), None]
    assert costs(path, "sessions") == [None]
    assert query(path, "SELECT sum(cost_usd), sum(unpriced_tokens) FROM usage") == [
        (pytest.approx(2 * BIG), 100)
    ]


def test_a_turn_without_a_response_costs_nothing_that_is_known(path: Path) -> None:
    save(
        path, batch("a", turn(1, ROOT, responses={}), turn(2, ROOT, responses=asks(1, model="big")))
    )
    assert costs(path, "turns") == [None, pytest.approx(BIG)]
    assert costs(path, "sessions") == [pytest.approx(BIG)]


def test_other_prices_reprice_what_they_change_and_leave_the_rest(path: Path) -> None:
    for n, model in enumerate(("big", "small", "odd")):
        save(path, batch("a", turn(n, thread(n), responses=asks(100, model=model))))
    before = costs(path, "responses")
    replace(path, listed("2", big=20.0, small=1.0, odd=3.0))
    marked = {row[0] for row in query(path, "SELECT session_id FROM to_price")}
    assert marked == {thread(0), thread(2)}
    assert costs(path, "responses") == before, "until they are priced anew"
    assert price_anew(path) == 2
    assert costs(path, "responses") == pytest.approx([2 * BIG, SMALL, BIG * 0.3])
    assert costs(path, "turns") == costs(path, "sessions") == costs(path, "responses")
    assert query(path, "SELECT sum(cost_usd), sum(unpriced_tokens) FROM usage") == [
        (pytest.approx(2.3 * BIG + SMALL), 0)
    ]


def test_priced_anew_is_as_if_it_had_been_saved_so(path: Path, tmp_path: Path) -> None:
    told = [
        batch("a", *(turn(n, thread(n % 3), responses=asks(n + 1, model="big")) for n in range(9)))
    ]
    later = tmp_path / "later.db"
    db.prepare(later)
    replace(later, listed("2", big=7.0))
    save(later, *told)
    save(path, *told)
    replace(path, listed("2", big=7.0))
    price_anew(path)
    apart = {"price_list"}  # its edition and when it was made
    one, other = contents(path), contents(later)
    assert {t: one[t] for t in one.keys() - apart} == {t: other[t] for t in other.keys() - apart}


def test_prices_that_are_there_are_not_read_again(path: Path) -> None:
    def read() -> Any:
        raise AssertionError("the package was imported")

    known = listed("1")._replace(read=read)
    replace(path, known)
    with closing(db.open_reader(path)) as reader:
        assert is_current(reader, known)
        assert not is_current(reader, listed("2"))


def test_a_running_writer_takes_the_new_prices_with_its_next_save(path: Path) -> None:
    import anyio

    from codex_telemetry.store.writer import Writer

    async def run() -> None:
        writer = await Writer.open(path)
        try:
            await writer.save(batch("a", turn(1, ROOT, responses=asks(100, model="big"))))
            replace(path, listed("2", big=20.0))
            await writer.save(batch("a", turn(2, ROOT, responses=asks(200, model="big"))))
        finally:
            await writer.close()

    anyio.run(run)
    assert costs(path, "responses") == pytest.approx([BIG, 2 * BIG])


def test_a_turn_that_is_told_again_costs_what_it_comes_down_to(path: Path) -> None:
    """The log knows of a tier that the stream didn't tell, and of one more response."""
    save(path, batch("a", turn(1, ROOT, responses=asks(100, model="big"))))
    tier = Said("flex", Weight.ROLLOUT)
    log = turn(1, ROOT, responses=asks(100, 200, model="big"), service_tier=tier, sources=2)
    save(path, batch("r", log, kind="rollout"))
    assert costs(path, "responses") == [None, None]
    assert costs(path, "turns") == costs(path, "sessions") == [None]
    assert query(path, "SELECT responses, cost_usd, unpriced_tokens FROM usage") == [(2, None, 200)]


def test_what_nobody_tells_any_more_costs_nothing(path: Path) -> None:
    import anyio

    from codex_telemetry.store.writer import Writer

    save(path, batch("a", turn(1, ROOT, responses=asks(100, model="big"))))
    log = turn(2, ROOT, responses=asks(200, model="small"), sources=2)
    save(path, batch("r", log, kind="rollout"))

    async def forget() -> None:
        writer = await Writer.open(path)
        try:
            await writer.save(batch("r", kind="rollout"), afresh=True)
        finally:
            await writer.close()

    anyio.run(forget)
    assert costs(path, "sessions") == pytest.approx([BIG])
    assert query(path, "SELECT responses, cost_usd FROM usage") == [(1, pytest.approx(BIG))]


def test_a_list_that_cannot_be_read_leaves_the_prices_there_are(path: Path) -> None:
    def read() -> Any:
        raise ImportError

    import anyio

    from codex_telemetry.store.writer import Writer

    async def run() -> None:
        writer = await Writer.open(path, prices=listed("2")._replace(read=read))
        try:
            await writer.save(batch("a", turn(1, ROOT, responses=asks(100, model="big"))))
        finally:
            await writer.close()

    anyio.run(run)
    assert costs(path, "turns") == pytest.approx([BIG])


def test_a_database_of_before_prices_is_priced_by_the_first_who_has_them(tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    prepare_before(old, "CREATE TABLE prices")
    with closing(sqlite3.connect(old)) as writer, writer:
        writer.execute("INSERT INTO sessions (session_id, sources) VALUES ('s', 1)")
        writer.execute(
            """INSERT INTO turns (turn_id, session_id, turn_index, status, started_at, sources)
            VALUES ('t', 's', 0, 'completed', ?, 1)""",
            [BORN],
        )
        writer.execute(
            """INSERT INTO responses (turn_key, running_total_tokens, model, input_tokens,
            output_tokens, total_tokens) VALUES (1, 100, 'big', 90, 10, 100)"""
        )
    replace(old, listed("1", big=10.0))
    assert price_anew(old) == 1
    assert costs(old, "turns") == costs(old, "sessions") == pytest.approx([BIG])
    assert query(old, "SELECT quarter, responses FROM usage") == [(BORN // 900_000, 1)]
