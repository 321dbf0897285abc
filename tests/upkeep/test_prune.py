"""What is pruned is gone and stays gone; what it used stays, to the token and by whatever it is asked."""

from contextlib import closing
from pathlib import Path

import anyio
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from backfill.codex_home import heard, place, take_in
from codex_telemetry import retention
from codex_telemetry.core.facts import Clock, LimitSample, ResponseFacts, Said, Usage, Weight
from codex_telemetry.core.veil import Hashes, Veil
from codex_telemetry.retention import Wanted
from codex_telemetry.store import hashed
from codex_telemetry.store import prune as rules
from codex_telemetry.store.db import open_reader
from codex_telemetry.store.queries import Filters
from recordings import Recordings
from saved import BORN, batch, contents, query, save, thread, turn
from upkeep.kept import QUARTER_MS, copied, prune, used, veil, when

LOOK_INTO = ("sessions", "turns", "items", "responses", "events", "told_turns", "told_sessions")


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_what_was_used_stays_whatever_it_is_asked_by(
    every: Path, tmp_path: Path, share: float
) -> None:
    database = copied(every, tmp_path / "machine")
    before = used(database)
    prune(database, when(database, share))
    assert used(database) == before
    assert len(query(database, "SELECT 1 FROM pruned_turns")) >= share * 300


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_log_that_is_read_anew_brings_nothing_back(
    every: Path, tmp_path: Path, share: float
) -> None:
    database = copied(every, tmp_path / "machine")
    prune(database, when(database, share))
    pruned, told = contents(database), used(database)
    home = every.parent.with_name(f"{every.parent.name}-codex")
    take_in(database, home, rebuild=True, hash_commands=True)
    again = contents(database)
    for table in (*LOOK_INTO, "usage", "pruned_turns", "pruned_sessions", "pruned_usage"):
        assert _without_our_clock(again[table]) == _without_our_clock(pruned[table]), table
    assert used(database) == told


def test_a_log_first_read_after_its_turns_were_pruned_brings_nothing_back(
    recordings: Recordings, tmp_path: Path
) -> None:
    """Of releases up to 0.98 it gives its turns other ids than the stream."""
    for recording in recordings.like("0.63.0/a_plain", "0.98.0/a_plain", "0.169.0/a_plain"):
        database = tmp_path / f"{recording.version}.db"
        take_in(database, *heard(recording))
        before = used(database)
        prune(database, when(database, 1.0) + 1)
        home = place([recording], tmp_path / recording.version)
        take_in(database, home)
        assert query(database, "SELECT * FROM turns") == []
        assert {k: [r["total_tokens"] for r in v] for k, v in used(database).items()} == {
            k: [r["total_tokens"] for r in v] for k, v in before.items()
        }


def test_what_stays_is_what_a_database_holds_that_never_heard_of_the_rest(tmp_path: Path) -> None:
    old, new = thread(0), thread(1)
    whole, rest = tmp_path / "whole.db", tmp_path / "rest.db"
    turns = [turn(n, old) for n in range(3)] + [turn(n + 10, new) for n in range(3)]
    save(whole, batch("a", *turns))
    save(rest, batch("a", *turns[2:]))
    prune(whole, BORN + 20_000)
    for table in LOOK_INTO[:-1]:
        left = contents(rest)[table]
        assert _without_our_clock(contents(whole)[table]) == _without_our_clock(left), table
    assert query(whole, "SELECT turn_index FROM turns ORDER BY 1") == [(0,), (0,), (1,), (2,)]


def test_a_turn_that_has_not_ended_never_goes(tmp_path: Path) -> None:
    database = tmp_path / "t.db"
    running = turn(0, thread(0), status=None, ends={}, duration=None)
    running.starts[Clock.WIRE] = BORN
    save(database, batch("a", running, turn(1, thread(0))))
    prune(database, BORN + 10**9)
    assert query(database, "SELECT status FROM turns") == [("in_progress",)]
    assert query(database, "SELECT turns FROM sessions") == [(1,)]


def test_a_session_goes_with_its_last_turn_and_comes_back_with_a_new_one(tmp_path: Path) -> None:
    database = tmp_path / "t.db"
    save(database, batch("a", turn(0, thread(0))))
    prune(database, BORN + 10**6)
    assert query(database, "SELECT * FROM sessions") == []
    save(database, batch("a", turn(0, thread(0)), turn(1, thread(0), total=300)))
    assert query(database, "SELECT turns, total_tokens FROM sessions") == [(1, 300)]
    (by_session,) = used(database)["session", 0, False]
    assert by_session["total_tokens"] == 400


def test_pruned_tokens_are_narrowed_like_all_others(every: Path, tmp_path: Path) -> None:
    """Where a stretch begins at a quarter of an hour; within one, a quarter isn't divided."""
    database = copied(every, tmp_path / "machine")
    middle = when(database, 0.5) // QUARTER_MS * QUARTER_MS
    model = query(every, "SELECT model FROM usage_groups WHERE model IS NOT NULL LIMIT 1")[0][0]
    asked = [
        Filters(since=middle),
        Filters(until=middle),
        Filters(model=model),
        Filters(status="interrupted"),
        Filters(projects=("/home",)),
    ]
    before = [used(database, filters) for filters in asked]
    prune(database, when(database, 0.7))
    assert [used(database, filters) for filters in asked] == before


def test_windows_that_were_over_go_and_their_milestones_stay(tmp_path: Path) -> None:
    database = tmp_path / "t.db"
    hour = 3_600_000
    spent = turn(0, thread(0), ends={Clock.WIRE: BORN + 1_000})
    told = ResponseFacts(Said(Usage(100, 90, 0, 10, 0), Weight.LIVE), times={Clock.WIRE: BORN})
    spent.responses = {100: told}
    later = BORN + 11 * hour // 2
    more = turn(1, thread(0), at=11 * hour // 2)
    more.responses = {150: ResponseFacts(told.usage, times={Clock.WIRE: later})}
    samples = [
        LimitSample("codex", 300, BORN + n * hour, float(n), BORN + (4 + n // 5 * 5) * hour)
        for n in range(10)
    ]
    save(database, batch("a", spent, more, *samples))
    kept = query(database, "SELECT * FROM milestones ORDER BY at")
    assert len(kept) == 9
    assert (kept[0][6], kept[-1][6]) == (100, 100)
    prune(database, BORN + 7 * hour)
    assert query(database, "SELECT count(*), min(used_percent) FROM rate_limits") == [(5, 5.0)]
    save(database, batch("a", spent, more, *samples))
    assert query(database, "SELECT count(*) FROM rate_limits") == [(5,)]
    assert query(database, "SELECT * FROM milestones ORDER BY at") == kept


def test_folders_of_what_was_pruned_are_hashed_with_the_rest(every: Path, tmp_path: Path) -> None:
    database = copied(every, tmp_path / "machine")
    before = used(database)
    prune(database, when(database, 0.5))
    assert plain(database) > len(query(database, "SELECT * FROM sessions"))
    veil(database, Veil(hashes=Hashes(lambda name: f"{abs(hash(name)):016x}"[:16])))
    for table in ("pruned_sessions", "usage_groups"):
        folders = query(database, f"SELECT DISTINCT cwd FROM {table} WHERE cwd IS NOT NULL")
        assert folders
        assert all(cwd.startswith("#/") for (cwd,) in folders), table
    assert plain(database) == 0
    after = used(database)
    assert after["day", 0, True] == before["day", 0, True]
    assert len(after["project", 0, False]) == len(before["project", 0, False])


def plain(database: Path) -> int:
    """How many sessions are said to hold names as they are."""
    with closing(open_reader(database)) as db:
        return hashed.stored(db).plain_sessions


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(shares=st.lists(st.floats(0, 1), min_size=1, max_size=3), size=st.booleans())
def test_any_prunings_one_after_another_are_the_latest_of_them(
    every: Path, tmp_path_factory: pytest.TempPathFactory, shares: list[float], size: bool
) -> None:
    folder = tmp_path_factory.mktemp("any")
    step, once = copied(every, folder / "step"), copied(every, folder / "once")
    cuts = [when(every, share) for share in shares]
    for cut in cuts:
        prune(step, cut)
    prune(once, max(cuts))
    one, other = contents(step), contents(once)
    for found in (one, other):
        found["pruned_before"] = []
    assert one == other


def test_the_dry_run_tells_what_goes(every: Path, tmp_path: Path) -> None:
    database = copied(every, tmp_path / "machine")
    cut = when(database, 0.5)
    with closing(open_reader(database)) as db:
        going, before = rules.going(db, cut), rules.size(db).used
    were = {table: len(rows) for table, rows in contents(database).items()}
    prune(database, cut)
    are = {table: len(rows) for table, rows in contents(database).items()}
    for table in ("sessions", "turns", "items", "responses", "events"):
        assert getattr(going, table) == were[table] - are[table] > 0, table
    with closing(open_reader(database)) as db:
        freed = before - rules.size(db).used
    assert 0.5 * freed < going.bytes < 2 * freed


def test_a_size_is_reached_by_what_is_oldest(every: Path, tmp_path: Path) -> None:
    """Nearly: what goes with a turn is known for sure only when it is gone."""
    database = copied(every, tmp_path / "machine")
    with closing(open_reader(database)) as db:
        used = rules.size(db).used
    wanted, now = Wanted(size=int(used * 0.7)), BORN + 10**10
    assert retention.plan(database, Wanted(size=used), now) is None
    assert retention.plan(database, wanted, BORN) is None
    gone = anyio.run(retention.apply, database, wanted, now)
    assert 1 < len(gone) <= retention.MOST_ROUNDS
    with closing(open_reader(database)) as db:
        assert 0.6 * used < rules.size(db).used < 0.75 * used


def _without_our_clock(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{k: v for k, v in row.items() if k not in OUR_CLOCK} for row in rows]


OUR_CLOCK = ("body", "captured_at", "utc_offset_min")
