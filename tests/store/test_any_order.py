"""Who tells first, how often, and how it is divided into batches makes no difference to any row."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from codex_telemetry.cli.period import Zone
from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import (
    AskFacts,
    Captured,
    Clock,
    EventFacts,
    Gap,
    ItemFacts,
    LimitSample,
    ResponseFacts,
    Said,
    SessionFacts,
    TurnFacts,
    Usage,
)
from codex_telemetry.core.identity import TurnId, log_turn_id, turn_id
from codex_telemetry.reports import stats
from codex_telemetry.store import db, queries, sorting
from codex_telemetry.store.measured import BYS
from codex_telemetry.store.queries import Filters
from saved import BORN, batch, contents, save, thread, uuid7

THREADS = [thread(n) for n in range(3)]
DAYS = Zone("UTC").days
ORIGINS = [("a", "live"), ("b", "live"), ("home|r", "rollout")]

moments = st.integers(BORN, BORN + 5_000)
numbers = st.integers(0, 4)
words = st.sampled_from(["completed", "failed", "interrupted"])
threads = st.sampled_from(THREADS)


def said(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.builds(Said, values, numbers, numbers)


times = st.dictionaries(st.sampled_from([int(c) for c in Clock]), moments, max_size=2)
items = st.builds(ItemFacts, words, status=said(words), starts=times, ends=times)
events = st.builds(EventFacts, words, starts=times, sources=st.integers(0, 3))
responses = st.builds(ResponseFacts, said(st.builds(Usage, *[numbers] * 5)), times=times)
asks = st.builds(AskFacts, st.just("approval"), starts=times, ends=times)
captured = st.builds(Captured, moments, st.just(60))


def some(of: st.SearchStrategy[Any], *, keys: list[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(keys), of, max_size=2)


@st.composite
def turns(draw: st.DrawFn, origin: int) -> TurnFacts:
    """A turn by Codex's own id, which several threads may tell of, or one of an old release."""
    n, at = draw(st.integers(0, 3)), draw(moments)
    own = TurnId(uuid7(BORN, n))
    # A launch or a file tells of one turn under one thread; another may tell of it under a fork.
    home = THREADS[(n + origin) % len(THREADS)]
    heard = turn_id(home, draw(st.sampled_from("LM")), draw(st.sampled_from("01")))
    name = draw(st.sampled_from([own, heard, log_turn_id(home, at)]))
    logged = name not in (own, heard)
    return TurnFacts(
        name,
        tellers={home: None},
        sources=2 if logged else 1,
        captured=draw(captured),
        status=draw(said(words)),
        model=draw(said(words)),
        starts={Clock.LOG: at} if logged else draw(times),
        requested={} if logged else draw(times),
        ends=draw(times),
        items=draw(some(items, keys=["i", "j"])),
        responses=draw(some(responses, keys=[100, 200])),
        asks=draw(some(asks, keys=["x", "y"])),
        events=draw(some(events, keys=["e", "f"])),
    )


sessions = st.builds(
    SessionFacts,
    threads,
    sources=st.integers(1, 2),
    captured=captured,
    cwd=said(words),
    last_at=st.none() | moments,
    events=some(events, keys=["e", "f"]),
)
# One launch reads one thing at one moment.
limits = st.builds(lambda at: LimitSample("codex", 300, at, at % 100, at + 1), moments)
gaps = st.builds(lambda at: Gap(at, at % 512, "copies dropped"), moments)


@st.composite
def batches_of(draw: st.DrawFn) -> Batch:
    origin = draw(st.integers(0, len(ORIGINS) - 1))
    facts = st.one_of(turns(origin), turns(origin), sessions, limits, gaps)
    name, kind = ORIGINS[origin]
    return batch(name, *draw(st.lists(facts, min_size=1, max_size=4)), kind=kind)


told = st.lists(batches_of(), max_size=6)


@pytest.fixture(scope="module")
def empty() -> Iterator[Path]:
    """A database that only has to be copied."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "telemetry.db"
        db.prepare(path)
        yield path


def saved(empty: Path, batches: list[Batch]) -> dict[str, list[dict[str, Any]]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(empty, folder))
        save(path, *batches)
        return contents(path)


@settings(max_examples=40)
@given(told, st.randoms(use_true_random=False))
def test_any_order_of_batches_gives_the_same_rows(
    empty: Path, batches: list[Batch], random: Any
) -> None:
    shuffled = batches + random.sample(batches, len(batches) // 2)
    random.shuffle(shuffled)
    assert saved(empty, shuffled) == saved(empty, batches)


@settings(max_examples=20)
@given(told)
def test_one_by_one_or_all_at_once_gives_the_same_rows(empty: Path, batches: list[Batch]) -> None:
    at_once: dict[str, Batch] = {}
    for one in batches:
        at_once.setdefault(one.origin, Batch(one.kind, one.origin)).take(one)
    assert saved(empty, list(at_once.values())) == saved(empty, batches)


@settings(max_examples=20)
@given(told)
def test_the_sums_are_those_of_the_responses(empty: Path, batches: list[Batch]) -> None:
    """However often they are told, taken over by another thread or told otherwise."""
    rows = saved(empty, batches)
    for column in ("input_tokens", "output_tokens", "total_tokens"):
        assert sum(row[column] or 0 for row in rows["usage"]) == sum(
            row[column] or 0 for row in rows["responses"]
        )
    assert sum(row["responses"] for row in rows["usage"]) == len(rows["responses"])


@settings(max_examples=20)
@given(told)
def test_turns_are_numbered_from_0_without_a_gap(empty: Path, batches: list[Batch]) -> None:
    rows = saved(empty, batches)["turns"]
    for session in {row["session_id"] for row in rows}:
        its = sorted(
            (row for row in rows if row["session_id"] == session), key=lambda r: r["turn_index"]
        )
        assert [row["turn_index"] for row in its] == list(range(len(its)))
        starts = [row["started_at"] for row in its if row["started_at"] is not None]
        assert starts == sorted(starts)


@settings(max_examples=20)
@given(told, st.integers(0, 6), st.booleans())
def test_what_is_sorted_for_reports_stays_right_whoever_tells_what_next(
    empty: Path, batches: list[Batch], first: int, afresh: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "UNSETTLED", -sorting.SIZE)  # blocks needn't be full
        path = Path(shutil.copy(empty, folder))
        save(path, *batches[:first])
        sorting.sort_due(path, DAYS)
        save(path, *batches[first:], afresh=afresh)
        with queries.reading(path) as db:
            found = [list(stats.rows(stats.groups(db, Filters(), by, DAYS))) for by in BYS]
        with closing(sqlite3.connect(path, isolation_level=None)) as changed:
            changed.execute("DELETE FROM sorted_blocks")
        with queries.reading(path) as db:
            plain = [list(stats.rows(stats.groups(db, Filters(), by, DAYS))) for by in BYS]
    assert found == plain
