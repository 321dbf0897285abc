"""Two machines' databases become one: the same one, whichever takes in the other, and however often."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import Phase, given, settings

from backfill.codex_home import heard, place, take_in
from codex_telemetry import history
from codex_telemetry.config import Paths
from codex_telemetry.core.facts import Drift, Gap, LimitSample
from codex_telemetry.core.veil import OPEN
from privacy.everything import veiled
from recordings import Recording, Recordings
from saved import BORN, batch, contents, query, save, thread, turn
from upkeep.kept import copied, prune, used, when

EXAMPLES = int(os.environ.get("UPKEEP_EXAMPLES", "5"))
"""Of any databases that are merged: each takes a second."""

ITS_OWN = {"rollout_files", "spools", "price_models", "prices", "price_list", "to_price"}
"""Tables of one machine."""


def merge(database: Path, other: Path) -> None:
    history.merge(Paths(database, database, database, ()), other)


def both(one: Path, other: Path, folder: Path) -> Path:
    """The one with the other in it."""
    made = copied(one, folder)
    merge(made, other)
    return made


def everything_in(database: Path) -> dict[str, list[dict[str, Any]]]:
    return {name: rows for name, rows in contents(database).items() if name not in ITS_OWN}


@pytest.fixture(scope="session")
def halves(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two machines: each has half of the sessions, and of a quarter of them what the other lacks: one
    heard them, one has their logs."""
    every = recordings.like("*")
    folder = tmp_path_factory.mktemp("machines")
    shared = every[::4]
    one = [*every[1::4], *every[3::8]]
    other = [recording for recording in every if recording not in one and recording not in shared]
    return (
        machine(folder / "one", listening=[*one, *shared], logging=one),
        machine(folder / "other", listening=other, logging=[*other, *shared]),
    )


def machine(folder: Path, listening: Sequence[Recording], logging: Sequence[Recording]) -> Path:
    folder.mkdir(mode=0o700)
    batches = [
        veiled(told, OPEN, f"{recording.name}/{told.origin}")
        for recording in listening
        for told in heard(recording)
    ]
    home = place(logging, folder.with_name(f"{folder.name}-codex"))
    take_in(folder / "telemetry.db", *batches, home)
    return folder / "telemetry.db"


def test_it_makes_no_difference_which_takes_in_the_other(
    halves: tuple[Path, Path], tmp_path: Path
) -> None:
    one, other = halves
    forth, back = both(one, other, tmp_path / "forth"), both(other, one, tmp_path / "back")
    assert everything_in(forth) == everything_in(back)
    assert used(forth) == used(back)


def test_twice_is_once_and_with_itself_is_nothing(
    halves: tuple[Path, Path], tmp_path: Path
) -> None:
    one, other = halves
    once = both(one, other, tmp_path / "once")
    before = everything_in(once)
    merge(once, other)
    assert everything_in(once) == before
    merge(once, copied(once, tmp_path / "copy"))
    assert everything_in(once) == before


def test_what_two_machines_know_is_what_one_would_that_heard_it_all(
    halves: tuple[Path, Path], recordings: Recordings, tmp_path: Path
) -> None:
    """A session that both know is one, a turn that both know is one row, its tokens count once."""
    made = both(*halves, tmp_path / "machine")
    every = recordings.like("*")
    alone = machine(tmp_path / "alone", listening=every, logging=every)
    for table in ("sessions", "turns", "items", "responses", "events"):
        mine, theirs = contents(made)[table], contents(alone)[table]
        assert _without(mine) == _without(theirs), table
    assert used(made) == used(alone)


def test_pruned_on_either_is_pruned_in_both(halves: tuple[Path, Path], tmp_path: Path) -> None:
    one, other = (copied(half, tmp_path / half.parent.name) for half in halves)
    whole = both(one, other, tmp_path / "whole")
    prune(one, when(whole, 0.4))
    prune(other, when(whole, 0.6))
    forth, back = both(one, other, tmp_path / "forth"), both(other, one, tmp_path / "back")
    assert everything_in(forth) == everything_in(back)
    assert used(forth) == used(back)
    gone = {row[0] for row in query(one, "SELECT turn FROM pruned_turns")}
    gone |= {row[0] for row in query(other, "SELECT turn FROM pruned_turns")}
    assert {row[0] for row in query(forth, "SELECT turn FROM pruned_turns")} == gone
    again = everything_in(forth)
    merge(forth, other)
    assert everything_in(forth) == again


def test_what_both_have_pruned_is_counted_once(halves: tuple[Path, Path], tmp_path: Path) -> None:
    one = both(*halves, tmp_path / "one")
    before = used(one)
    other = copied(one, tmp_path / "other")
    prune(one, when(one, 0.4))
    prune(other, when(other, 0.7))
    forth, back = both(one, other, tmp_path / "forth"), both(other, one, tmp_path / "back")
    assert used(forth) == used(back) == before
    assert everything_in(forth) == everything_in(back)


def test_what_origins_tell_beside_is_taken_too(tmp_path: Path) -> None:
    """A table that a later version adds, and nobody thought of here."""
    one, other = tmp_path / "one.db", tmp_path / "other.db"
    for database, name in ((one, "a"), (other, "b")):
        save(database, batch(name, turn(0, thread(0))))
        with sqlite3.connect(database) as db:
            db.execute("CREATE TABLE beside (at INTEGER, origin INTEGER, PRIMARY KEY (origin, at))")
            db.execute("INSERT INTO beside SELECT 5, origin FROM origins")
        db.close()
    for _ in range(2):
        merge(one, other)
        told = query(one, "SELECT at, name FROM beside JOIN origins USING (origin) ORDER BY name")
        assert told == [(5, "a"), (5, "b")]


facts = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(1, 4)), min_size=1, max_size=6
)
cuts = st.none() | st.integers(0, 60_000)
ANY = settings(
    max_examples=EXAMPLES, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)


def telling(folder: Path, name: str, told: list[tuple[int, int, int]], cut: int | None) -> Path:
    """A database of one launch, pruned or not."""
    (folder / name).mkdir(mode=0o700)
    database = folder / name / "t.db"
    turns = [turn(n, thread(t), total=100 * total) for n, t, total in told]
    limits = [
        LimitSample("l", 300, BORN + n * 10_000, float(n + total), BORN + 18_000_000)
        for n, _, total in told
    ]
    drift = [Drift(None, f"d{n}", "unknown") for n, _, _ in told]
    gaps = [Gap(BORN + n, total, "full") for n, _, total in told]
    save(database, batch(name, *turns, *limits, *drift, *gaps))
    if cut is not None:
        prune(database, BORN + cut)
    return database


@ANY
@given(told=st.tuples(facts, facts), when=st.tuples(cuts, cuts))
def test_any_two_in_any_order(
    tmp_path_factory: pytest.TempPathFactory,
    told: tuple[Any, Any],
    when: tuple[int | None, int | None],
) -> None:
    folder = tmp_path_factory.mktemp("two")
    a, b = (telling(folder, name, *its) for name, *its in zip("ab", told, when, strict=True))
    ab, ba = both(a, b, folder / "ab"), both(b, a, folder / "ba")
    assert everything_in(ab) == everything_in(ba)
    assert used(ab) == used(ba)
    once = everything_in(ab)
    merge(ab, b)
    assert everything_in(ab) == once


@ANY
@given(told=st.tuples(facts, facts, facts), when=st.none() | st.tuples(cuts, cuts, cuts))
def test_any_three_in_any_order(
    tmp_path_factory: pytest.TempPathFactory,
    told: tuple[Any, Any, Any],
    when: tuple[int | None, int | None, int | None] | None,
) -> None:
    folder = tmp_path_factory.mktemp("three")
    wanted = when or (None,) * 3
    a, b, c = (telling(folder, name, *its) for name, *its in zip("abc", told, wanted, strict=True))
    ab, bc = both(a, b, folder / "ab"), both(b, c, folder / "bc")
    one, other = both(ab, c, folder / "ab-c"), both(a, bc, folder / "a-bc")
    assert used(one) == used(other)
    found, others = everything_in(one), everything_in(other)
    # Of a session all of whose turns were pruned by then, an elder's facts may be gone with it.
    for table in everything_in(one) if when is None else ("turns", "pruned_turns", "pruned_usage"):
        assert found[table] == others[table], table


def _without(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ours = ("captured_at", "utc_offset_min", "rollout_path", "archived")
    return [{k: v for k, v in row.items() if k not in ours} for row in rows]
