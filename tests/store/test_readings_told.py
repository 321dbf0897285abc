"""What an origin read of limits is found, and forgotten, whenever that was."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import LimitSample
from codex_telemetry.store import milestone_statements, queries, readings
from codex_telemetry.store.queries import Store
from codex_telemetry.store.writer import Writer
from saved import BORN, batch, prepare_before, prune, query, save

HOUR = 3_600_000
LIMITS = [None, "codex", "other"]
LENGTHS = [None, -300, 60, 300, 10_080]


def reading(chance: random.Random) -> LimitSample:
    at = BORN + chance.randrange(-500, 500) * HOUR
    resets_at = chance.choice([None, at + HOUR, at - HOUR])
    return LimitSample(chance.choice(LIMITS), chance.choice(LENGTHS), at, 5.0, resets_at)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Three logs that each read many limits; of one more is told later, from before and after."""
    chance = random.Random(5)
    path = tmp_path / "telemetry.db"
    for name in ("home|a", "home|b", "home|c"):
        save(path, batch(name, *(reading(chance) for _ in range(40)), kind="rollout"))
    for at in (BORN - 900 * HOUR, BORN + 900 * HOUR):
        save(path, batch("home|a", LimitSample("codex", 300, at, 5.0, at), kind="rollout"))
    return path


@pytest.fixture
def db(path: Path) -> Iterator[Store]:
    with queries.reading(path) as opened:
        yield opened


def test_all_that_an_origin_read_is_found(db: Store) -> None:
    columns = "limit_id, window_minutes, observed_at, resets_at"
    for (origin,) in db.execute("SELECT origin FROM origins").fetchall():
        theirs = db.execute(f"SELECT {columns} FROM rate_limits WHERE origin = ?", [origin])
        columns_of_r = ", ".join(f"r.{column}" for column in columns.split(", "))
        told = db.execute(readings.told_by(columns_of_r), [origin]).fetchall()
        assert sorted(map(repr, map(tuple, told))) == sorted(map(repr, map(tuple, theirs)))
        windows = {(row[0], row[1], row[3]) for row in told if row[3] is not None}
        rows = db.execute(milestone_statements.TOLD_BY, [origin]).fetchall()
        assert {tuple(row) for row in rows} == windows


def test_a_log_that_is_read_anew_leaves_what_others_read(path: Path) -> None:
    others = "SELECT * FROM rate_limits JOIN origins USING (origin) WHERE name <> 'home|a'"
    before = query(path, others)
    fresh = LimitSample("codex", 300, BORN, 7.0, BORN + HOUR)
    anyio.run(save_afresh, path, batch("home|a", fresh, kind="rollout"))
    assert query(path, others) == before
    of_it = "SELECT observed_at FROM rate_limits JOIN origins USING (origin) WHERE name = 'home|a'"
    assert query(path, of_it) == [(BORN,)]


LISTED = "SELECT limit_id, window_minutes, resets_at FROM window_resets ORDER BY 1, 2, 3"
SAID = """
SELECT DISTINCT limit_id, window_minutes, resets_at FROM rate_limits WHERE resets_at IS NOT NULL
ORDER BY 1, 2, 3
"""
OUT_OF_STRETCH = """
SELECT * FROM rate_limits JOIN window_resets USING (limit_id, window_minutes, resets_at)
WHERE observed_at NOT BETWEEN first_at AND last_at
"""


def test_whatever_is_said_of_resets_is_listed_and_nothing_else(path: Path) -> None:
    def listed() -> int:
        assert query(path, LISTED) == query(path, SAID)
        assert query(path, OUT_OF_STRETCH) == []
        return len(query(path, LISTED))

    told = listed()
    first = BORN - 900 * HOUR
    not_kept = LimitSample("codex", 300, first, 5.0, BORN + 7)
    save(path, batch("home|a", not_kept, kind="rollout"))
    save(path, batch("home|b", LimitSample("codex", 300, BORN, 5.0, first), kind="rollout"))
    assert listed() == told
    anyio.run(save_afresh, path, batch("home|a", kind="rollout"))
    left = listed()
    assert 0 < left < told
    prune(path, BORN)
    assert 0 < listed() < left


def test_what_an_older_database_read_is_found(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    prepare_before(path, "TABLE reading_spans")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO origins (origin, kind, name) VALUES (1, 'rollout', 'home|a')")
        db.executemany(
            "INSERT INTO rate_limits (origin, observed_at) VALUES (1, ?)", [[BORN], [BORN + HOUR]]
        )
    anyio.run(save_afresh, path, batch("home|a", kind="rollout"))
    assert query(path, "SELECT * FROM rate_limits") == []


async def save_afresh(path: Path, batch: Batch) -> None:
    writer = await Writer.open(path)
    try:
        await writer.save(batch, afresh=True)
    finally:
        await writer.close()


@pytest.mark.parametrize("statement", [milestone_statements.TOLD_BY, *readings.FORGET[:2]])
def test_only_the_time_in_which_an_origin_read_is_gone_through(db: Store, statement: str) -> None:
    plan = db.execute(f"EXPLAIN QUERY PLAN {statement}", [1])
    steps = [step["detail"] for step in plan]
    stretch = "(limit_id=? AND window_minutes=? AND observed_at>? AND observed_at<?)"
    assert f"SEARCH r USING PRIMARY KEY {stretch}" in steps
    assert not [step for step in steps if step.startswith(("SCAN r", "SCAN t"))]
