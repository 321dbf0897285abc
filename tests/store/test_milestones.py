"""Milestones are written with the save that crosses them: whoever tells first, once, never repriced."""

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import Clock, LimitSample, ResponseFacts, Said, Usage, Weight
from codex_telemetry.store import db as database
from codex_telemetry.store import milestones as stored_milestones
from codex_telemetry.store.writer import Writer
from saved import BORN, batch, prepare_before, query, save, thread, turn

HOUR = 3_600_000
ENDS = BORN + 4 * HOUR
WEEK_ENDS = BORN + 100 * HOUR

Row = tuple[Any, ...]


def read(at: int, used: float, *, week: bool = False, jitter: int = 0) -> LimitSample:
    minutes, ends = (10_080, WEEK_ENDS) if week else (300, ENDS)
    return LimitSample("codex", minutes, BORN + at, used, ends + jitter)


def used(n: int, at: int, tokens: int) -> Any:
    """A turn that used so many tokens at that moment."""
    response = ResponseFacts(
        Said(Usage(tokens, tokens - 10, 0, 10, 0), Weight.LIVE), times={Clock.CODEX_MS: BORN + at}
    )
    return turn(n, thread(0), at=at, responses={tokens: response})


def milestones(path: Path, columns: str = "percent, at - ?, cumulative_tokens") -> list[Row]:
    values = [BORN] * columns.count("?")
    order = "ORDER BY window_minutes, window_resets_at, percent"
    return query(path, f"SELECT {columns} FROM milestones {order}", *values)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.db"


def test_each_percent_is_crossed_once_with_the_tokens_it_took(path: Path) -> None:
    save(path, batch("a", used(1, 5, 100), read(0, 0), read(10, 1)))
    assert milestones(path) == [(1, 10, 100)]
    save(path, batch("a", used(2, 15, 200), read(20, 3), read(30, 2.9)))
    assert milestones(path) == [(1, 10, 100), (2, 20, 300), (3, 20, 300)]
    assert milestones(path, "limit_id, window_minutes, window_resets_at - ?, source")[0] == (
        "codex",
        300,
        4 * HOUR,
        "live",
    )


def test_what_was_used_before_the_window_began_does_not_count(path: Path) -> None:
    save(path, batch("a", used(1, -2 * HOUR, 100), used(2, 5, 200), read(10, 1)))
    assert milestones(path) == [(1, 10, 200)]


def test_resets_that_differ_by_jitter_are_one_window(path: Path) -> None:
    save(path, batch("a", read(0, 0), read(10, 1, jitter=2_000)))
    save(path, batch("a", read(20, 2, jitter=60_000)))
    assert milestones(path, "percent, window_resets_at - ?") == [
        (1, 4 * HOUR + 60_000),
        (2, 4 * HOUR + 60_000),
    ]


def test_a_log_moves_a_crossing_to_an_earlier_moment_and_adds_those_before(path: Path) -> None:
    minute = 60_000
    save(path, batch("a", read(30 * minute, 3)))
    assert milestones(path, "percent, at - ?, source") == [(3, 30 * minute, "live")]
    save(path, batch("home|r", read(0, 1), read(20 * minute, 3), kind="rollout"))
    assert milestones(path, "percent, at - ?, source") == [
        (1, 0, "rollout"),
        (2, 20 * minute, "rollout"),
        (3, 20 * minute, "rollout"),
    ]


def test_what_a_log_tells_of_later_is_counted(path: Path) -> None:
    save(path, batch("a", read(0, 0), read(10, 1)))
    assert milestones(path) == [(1, 10, 0)]
    save(path, batch("home|r", used(1, 5, 100), kind="rollout"))
    assert milestones(path) == [(1, 10, 100)]


def test_the_five_hour_percent_is_what_was_read_last_before(path: Path) -> None:
    save(path, batch("a", read(10, 51, week=True), read(20, 52, week=True)))
    assert milestones(path, "percent, five_hour_percent") == [(51, None), (52, None)]
    save(path, batch("a", read(10, 7), read(19, 8), read(21, 9)))
    assert milestones(path, "percent, five_hour_percent")[-2:] == [(51, 7), (52, 8)]


def test_a_five_hour_window_that_has_reset_says_nothing_of_later(path: Path) -> None:
    ends_soon = LimitSample("codex", 300, BORN + 5, 70, BORN + 10)
    save(path, batch("a", ends_soon, read(9, 51, week=True), read(20, 52, week=True)))
    assert milestones(path, "percent, five_hour_percent")[-2:] == [(51, 70), (52, None)]


def price(path: Path, dollars: float) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE responses SET cost_stored = ?", [dollars])


def price_then(path: Path, dollars: float, *batches: Batch) -> None:
    """Save with all responses at a price: they are saved first, priced, and the rest is told."""
    price(path, dollars)
    save(path, *batches)


COST = "percent, cumulative_cost_usd, marginal_cost_usd"


def test_a_cost_is_written_once_and_never_repriced(path: Path) -> None:
    save(path, batch("a", used(1, 5, 100)))
    price_then(path, 0.5, batch("b", read(0, 0), read(10, 1)))
    assert milestones(path, COST) == [(1, 0.5, 0.5)]
    price_then(path, 9.0, batch("b", read(15, 1.5)))
    assert milestones(path, COST) == [(1, 0.5, 0.5)]
    price_then(path, 9.0, batch("b", read(20, 2)))
    assert milestones(path, COST) == [(1, 0.5, 0.5), (2, 0.5, 0.0)]


def test_what_is_unpriced_leaves_the_cost_unknown(path: Path) -> None:
    save(path, batch("a", used(1, 5, 100), read(0, 0), read(10, 1)))
    assert milestones(path, COST) == [(1, None, None)]


def test_a_response_of_unknown_size_leaves_the_cost_of_the_others(path: Path) -> None:
    unknown = turn(
        9, thread(0), at=6, responses={500: ResponseFacts(times={Clock.CODEX_MS: BORN + 6})}
    )
    save(path, batch("a", used(1, 5, 100)))
    price(path, 0.5)
    save(path, batch("a", unknown, read(0, 0), read(10, 1)))
    assert milestones(path, COST) == [(1, 0.5, 0.5)]


def test_a_cost_stays_when_the_window_turns_out_to_reset_earlier(path: Path) -> None:
    save(path, batch("a", used(1, 5, 100)))
    price(path, 0.5)
    later = read(11, 1, jitter=100_000)
    save(path, batch("home|r", later, kind="rollout"), batch("b", read(0, 0), read(10, 1)))
    price(path, 9.0)
    anyio.run(save_afresh, path, batch("home|r", kind="rollout"))
    assert milestones(path, f"window_resets_at - ?, {COST}") == [(4 * HOUR, 1, 0.5, 0.5)]


def test_windows_that_turn_out_to_be_one_cost_what_that_one_does(path: Path) -> None:
    """9 was read of what looked like another window than the one in which 8 was: there, the percent
    before it was crossed at the same moment, and nothing was used since."""
    eight, between = read(4, 8, jitter=180_000), read(1, 7, jitter=90_000)
    save(path, batch("a", eight, read(0, 0), read(30, 9), used(1, 5, 11)))
    price(path, 2.0)
    save(path, batch("a", between))
    told = "percent, at - ?, cumulative_tokens, marginal_cost_usd"
    assert milestones(path, told)[-2:] == [(8, 4, 0, 0.0), (9, 30, 11, 2.0)]


def test_limits_are_kept_apart(path: Path) -> None:
    other = LimitSample("codex_other", 300, BORN + 10, 50, ENDS)
    save(path, batch("a", read(10, 1), other))
    assert milestones(path, "limit_id, percent") == [("codex", 1), ("codex_other", 50)]


@pytest.mark.parametrize(
    "strange",
    [
        LimitSample("codex", 10**14, BORN, 5, ENDS),
        LimitSample("codex", 300, BORN, 5, 2**61),
        LimitSample("codex", 300, BORN, 1e14, ENDS),
        LimitSample("codex", 300, BORN, -5, ENDS),
        LimitSample("codex", 300, BORN, 5, None),
        LimitSample("codex", None, BORN, 5, ENDS),
        LimitSample("codex", 300, BORN, None, ENDS),
        LimitSample("codex", -300, BORN, 5, -ENDS),
    ],
)
def test_a_strange_reading_crosses_nothing_and_costs_nothing(
    path: Path, strange: LimitSample
) -> None:
    save(path, batch("a", strange, read(10, 1)))
    assert milestones(path) == [(1, 10, 0)]


async def save_afresh(path: Path, batch: Batch) -> None:
    writer = await Writer.open(path)
    try:
        await writer.save(batch, afresh=True)
    finally:
        await writer.close()


def test_a_reset_that_is_no_longer_told_parts_what_it_had_bridged(path: Path) -> None:
    """Two resets four minutes apart are two windows, unless a third lies between them."""
    save(path, batch("a", read(10, 1), read(20, 2, jitter=240_000)))
    apart = milestones(path, "percent, window_resets_at - ?")
    assert apart == [(1, 4 * HOUR), (2, 4 * HOUR + 240_000)]
    save(path, batch("home|r", read(15, 1, jitter=120_000), kind="rollout"))
    assert {reset for _, reset in milestones(path, "percent, window_resets_at - ?")} == {
        4 * HOUR + 240_000
    }
    anyio.run(save_afresh, path, batch("home|r", kind="rollout"))
    assert milestones(path, "percent, window_resets_at - ?") == apart


def test_a_reading_that_is_not_kept_moves_no_window(path: Path) -> None:
    """An origin reads one thing at one moment: what it says first."""
    save(path, batch("a", read(10, 1), read(10, 1, jitter=60_000)))
    assert milestones(path, "window_resets_at - ?") == [(4 * HOUR,)]


def test_what_an_origin_no_longer_tells_is_forgotten(path: Path) -> None:
    save(path, batch("a", read(10, 1)), batch("home|r", read(5, 1), read(20, 7), kind="rollout"))
    assert len(milestones(path)) == 7
    anyio.run(save_afresh, path, batch("home|r", read(15, 2), kind="rollout"))
    assert milestones(path, "percent, at - ?") == [(1, 10), (2, 15)]


async def save_as_backfill_does(path: Path, batches: Sequence[Batch], *, whole: bool) -> None:
    writer = await Writer.open(path)
    try:
        for one in batches:
            await writer.save(one, more_follows=True)
        if whole:
            await writer.write_milestones()
    finally:
        await writer.close()


def test_a_backfill_that_was_killed_leaves_its_milestones_to_the_next(path: Path) -> None:
    batches = [batch("home|r", used(1, 5, 100), read(10, 1), kind="rollout")]
    anyio.run(lambda: save_as_backfill_does(path, batches, whole=False))
    assert milestones(path) == []
    anyio.run(lambda: save_as_backfill_does(path, [], whole=True))
    assert milestones(path) == [(1, 10, 100)]
    assert query(path, "SELECT * FROM windows_due") == []


def test_of_windows_that_were_put_off_none_is_left(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_milestones, "AT_ONCE", 2)
    told = [LimitSample(f"codex-{n}", 300, BORN + 10, 1, ENDS) for n in range(5)]
    batches = [batch("home|r", *told, kind="rollout")]
    anyio.run(lambda: save_as_backfill_does(path, batches, whole=True))
    assert query(path, "SELECT count(DISTINCT limit_id) FROM milestones") == [(5,)]
    assert query(path, "SELECT * FROM windows_due") == []


def test_an_older_database_gets_the_milestones_of_what_it_holds(path: Path) -> None:
    prepare_before(path, "TABLE milestones")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO origins (origin, kind, name) VALUES (1, 'live', 'a')")
        db.execute(
            "INSERT INTO rate_limits (origin, observed_at, limit_id, window_minutes, used_percent,"
            " resets_at) VALUES (1, ?, 'codex', 300, 2, ?)",
            [BORN + 10, ENDS],
        )
    anyio.run(lambda: save_as_backfill_does(path, [], whole=True))
    assert milestones(path) == [(2, 10, 0)]


def test_milestones_of_an_older_database_say_what_they_said(path: Path) -> None:
    prepare_before(path, "TABLE milestones_stored")
    told = [
        ("codex", 300, ENDS, 1, BORN + 10, "live", 100, 0.1, None, 1.0),
        ("codex", 300, ENDS, 2, ENDS + 10, "rollout", 300, None, 0.3, 2.5),
    ]
    columns = """limit_id, window_minutes, window_resets_at, percent, at, source, cumulative_tokens,
        cumulative_cost_usd, marginal_cost_usd, five_hour_percent"""
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany(f"INSERT INTO milestones ({columns}) VALUES (?,?,?,?,?,?,?,?,?,?)", told)
    database.prepare(path)
    assert milestones(path, columns) == told


@pytest.fixture(scope="module")
def empty() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "telemetry.db"
        database.prepare(path)
        yield path


ORIGINS = [("a", "live"), ("home|r", "rollout"), ("home|s", "rollout")]


def some_reading(who: int, moment: int, week: bool) -> LimitSample:
    """One launch reads one thing at one moment; what it is follows from that."""
    at = moment * 1_000 + who
    return read(at, at * 7 // 1_000 % 10, week=week, jitter=(at * 37 // 1_000 % 180 - 90) * 1_000)


@st.composite
def told_batch(draw: st.DrawFn) -> Batch:
    who = draw(st.integers(0, len(ORIGINS) - 1))
    moments = st.integers(0, 200)
    readings = st.builds(some_reading, st.just(who), moments, st.booleans())
    turns = st.builds(
        used, st.integers(0, 5), moments.map(lambda n: n * 1_000), st.integers(11, 99)
    )
    name, kind = ORIGINS[who]
    return batch(
        name,
        *draw(st.lists(st.one_of(readings, readings, turns), min_size=1, max_size=6)),
        kind=kind,
    )


batches = st.lists(told_batch(), max_size=5)


@settings(max_examples=60)
@given(batches, st.randoms(use_true_random=False))
def test_the_same_readings_in_any_order_give_the_same_crossings(
    empty: Path, told: list[Batch], order: random.Random
) -> None:
    """Told live in one order, some twice; and by a backfill in another."""
    again = told + order.sample(told, len(told) // 2)
    order.shuffle(again)
    with tempfile.TemporaryDirectory() as folder:
        one = Path(shutil.copy(empty, Path(folder) / "one.db"))
        other = Path(shutil.copy(empty, Path(folder) / "other.db"))
        save(one, *again)
        anyio.run(lambda: save_as_backfill_does(other, told, whole=True))
        columns = "*"
        assert milestones(one, columns) == milestones(other, columns)
