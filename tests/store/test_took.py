"""What was used in a stretch of time is found by few of its responses, and is what all of them come to."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codex_telemetry.core.rows import ResponseRow
from codex_telemetry.store import db as schema
from codex_telemetry.store.milestone_statements import TOOK
from codex_telemetry.store.statements import RESPONSES
from codex_telemetry.store.stored_responses import LED_BITS, stored

HOUR = 3_600_000
TOGETHER = 1 << LED_BITS
MIDDLE = TOGETHER // 2

Response = tuple[int | None, int | None, float | None]
"""When it came, its tokens, its cost."""
Stretch = tuple[int, int]


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("took") / "t.db"
    schema.prepare(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        yield opened


moments = st.builds(
    lambda part, within: part * TOGETHER + within,
    st.integers(-2, 2),
    st.sampled_from([0, 1, MIDDLE - 1, MIDDLE, MIDDLE + 1, TOGETHER - 1]),
)
responses = st.tuples(
    st.none() | moments,
    st.none() | st.integers(0, 90),
    st.none() | st.integers(1, 99).map(lambda n: n / 64),
)
# In any order of time, as no log has them; and in that which all have.
turns = st.lists(responses, max_size=9) | st.lists(
    st.tuples(moments, st.just(10), st.just(0.5)), max_size=20
).map(sorted)
stretches = st.tuples(moments, moments).map(lambda ends: (min(ends), max(ends)))


def took(db: sqlite3.Connection, stretches: list[Stretch]) -> dict[int, tuple[int, float | None]]:
    return {n: (tokens, cost) for n, tokens, cost in db.execute(TOOK, [json.dumps(stretches)])}


@example([[(MIDDLE, 10, 0.5), (0, 10, 0.5)]], [(-1, 0)])  # one that came after leads to it
@example([[(0, 10, 0.5), (MIDDLE, 10, 0.5)]], [(0, MIDDLE)])  # one that came before does
@given(st.lists(turns, max_size=5), st.lists(stretches, max_size=5))
def test_all_that_was_used_in_a_stretch_is_counted_once(
    db: sqlite3.Connection, told: list[list[Response]], asked: list[Stretch]
) -> None:
    db.execute("BEGIN")
    for key, its in enumerate(told):
        rows = [
            ResponseRow(n, None, None, at, tokens, 0, None, 0, 0, tokens, cost)
            for n, (at, tokens, cost) in enumerate(its)
        ]
        db.executemany(RESPONSES.save(13), stored(key, rows))
    found = took(db, asked)
    db.execute("ROLLBACK")
    used = [response for its in told for response in its if response[0] is not None and response[1]]
    for n, (since, until) in enumerate(asked):
        theirs = [(tokens, cost) for at, tokens, cost in used if since < at <= until]  # type: ignore[operator]
        costs = [cost for _, cost in theirs if cost is not None]
        whole = sum(costs) if len(costs) == len(theirs) else None
        assert found.get(n) == ((sum(t for t, _ in theirs), whole) if theirs else None)  # type: ignore[misc]


def test_it_costs_the_same_in_whatever_order_it_is_found(db: sqlite3.Connection) -> None:
    costs, found = [0.1, 0.2, 0.3], set()
    for some in (costs, costs[::-1]):
        db.execute("BEGIN")
        for key, cost in enumerate(some):
            row = ResponseRow(1, None, None, 5, 1, 0, None, 0, 0, 1, cost)
            db.executemany(RESPONSES.save(13), stored(key, [row]))
        found.add(took(db, [(0, HOUR)])[0])
        db.execute("ROLLBACK")
    assert found == {(3, 0.6)}


def test_it_is_found_along_the_index_by_time(db: sqlite3.Connection) -> None:
    steps = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {TOOK}", ["[[0,1]]"])]
    assert "SEARCH leader USING COVERING INDEX responses_by_time (at>? AND at<?)" in steps
    of_each = "SEARCH r USING PRIMARY KEY (turn_key=? AND running_total_tokens>? AND running_total_tokens<?)"
    assert of_each in steps
