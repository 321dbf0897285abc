"""What is saved: once, in order, under its owner, summed up, and whole or not at all."""

import sqlite3
from pathlib import Path

import anyio
import pytest

from codex_telemetry.core.batch import MOST_DRIFT, THE_REST, Batch, DriftCount, DriftKey
from codex_telemetry.core.facts import (
    Clock,
    Drift,
    EventFacts,
    Gap,
    ItemFacts,
    LimitSample,
    Said,
    SessionFacts,
    Snapshot,
    TurnFacts,
)
from codex_telemetry.core.identity import ItemId, SessionId, TurnId
from codex_telemetry.store.writer import Writer
from saved import BORN, batch, contents, query, save, thread, turn

ELDER, YOUNGER = thread(0), thread(1)
INDEXES = "SELECT turn_index, turn_id FROM turns WHERE session_id = ? ORDER BY turn_index"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.db"


def told() -> Batch:
    """Something for every table that a stream can fill."""
    session = SessionFacts(ELDER, sources=1, last_at=BORN)
    session.events["reverted:1"] = EventFacts("thread_rolled_back", starts={Clock.WIRE: BORN})
    return batch(
        "a",
        session,
        turn(0, ELDER),
        turn(1, ELDER, total=200),
        LimitSample("codex", 300, BORN, 12.5, BORN + 1),
        Drift("0.169.0", "turn/teleported", "unknown notification"),
        Gap(BORN, 512, "copies dropped"),
        Snapshot(BORN, "panel", ELDER, cwd="/home/me/project", total_tokens=1_000),
    )


NOT_OF_A_STREAM = set(
    """
    spools rollout_files keys grants content sqlite_sequence price_models prices price_list to_price
    windows_due sorted_blocks sorted_times summed_blocks usage_of_quarters usage_of_groups
    pruned_before pruned_sessions pruned_turns pruned_usage sink_cursors
    """.split()
)


def test_a_batch_that_is_saved_twice_is_saved_once(path: Path) -> None:
    save(path, told())
    once = contents(path)
    assert all(once[table] for table in once if table not in NOT_OF_A_STREAM)
    save(path, told(), told())
    assert contents(path) == once


def test_an_earlier_turn_that_turns_up_late_renumbers_the_later_ones(path: Path) -> None:
    turns = [turn(n, ELDER) for n in range(5)]
    for n in (3, 1, 4, 0, 2):
        save(path, batch("a", turns[n]))
        found = query(path, INDEXES, ELDER)
        assert [index for index, _ in found] == list(range(len(found)))
        assert [turn_id for _, turn_id in found] == sorted(turn_id for _, turn_id in found)


def test_a_turn_without_a_start_comes_last(path: Path) -> None:
    unknown = TurnFacts(TurnId("no-uuid"), tellers={ELDER: None}, sources=1)
    save(path, batch("a", unknown), batch("a", turn(1, ELDER)))
    assert [turn_id for _, turn_id in query(path, INDEXES, ELDER)][-1] == "no-uuid"


def test_a_turn_told_by_two_threads_is_the_elder_ones_and_leaves_no_trace_with_the_other(
    path: Path,
) -> None:
    mine = [turn(n, YOUNGER, total=100 * (n + 1)) for n in range(3)]
    save(path, batch("a", *mine))
    # The parent tells of the first one too: the others move up.
    save(path, batch("b", turn(0, ELDER)))
    assert [t for _, t in query(path, INDEXES, ELDER)] == [mine[0].turn_id]
    assert query(path, INDEXES, YOUNGER) == [(0, mine[1].turn_id), (1, mine[2].turn_id)]
    sums = dict(query(path, "SELECT session_id, total_tokens FROM sessions"))
    assert sums == {ELDER: 100, YOUNGER: 500}
    assert query(path, "SELECT count(*) FROM events WHERE session_id = ?", ELDER) == [(1,)]
    assert query(path, "SELECT count(*) FROM events") == [(3,)]


def test_a_thread_that_loses_its_only_turn_sums_up_to_nothing(path: Path) -> None:
    save(path, batch("a", turn(0, YOUNGER, model=Said("gpt-5.5", 2))))
    save(path, batch("b", turn(0, ELDER)))
    columns = "turns, total_tokens, models, last_at"
    assert query(path, f"SELECT {columns} FROM sessions WHERE session_id = ?", YOUNGER) == [
        (0, None, None, None)
    ]


def test_sums_of_a_session_are_those_of_its_turns(path: Path) -> None:
    failed = turn(1, ELDER, total=200, status=Said("failed", 2))
    stopped = turn(2, ELDER, total=300, status=Said("interrupted", 2), model=Said("gpt-6", 2))
    save(path, batch("a", turn(0, ELDER), failed), batch("a", stopped))
    # What is told of the thread alone takes nothing back.
    save(path, batch("b", SessionFacts(ELDER, sources=2, last_at=BORN - 5_000)))
    (row,) = contents(path)["sessions"]
    assert (row["turns"], row["turns_failed"], row["turns_interrupted"]) == (3, 1, 1)
    assert (row["total_tokens"], row["input_tokens"], row["output_tokens"]) == (600, 570, 30)
    assert (row["messages"], row["tool_calls"]) == (3, 0)
    assert row["models"] == '["gpt-5.5","gpt-6"]'
    assert row["last_at"] == BORN + 21_000
    assert row["sources"] == 3


def test_what_is_unknown_of_a_thread_stays_unknown(path: Path) -> None:
    save(path, batch("a", SessionFacts(SessionId("a-thread"), sources=1)))
    (row,) = contents(path)["sessions"]
    assert row["last_at"] is row["models"] is row["total_tokens"] is row["created_at"] is None


def test_an_events_id_is_its_own_for_ever(path: Path) -> None:
    ids = "SELECT event_id, turn_id, event_key FROM events ORDER BY event_id"
    save(path, batch("a", turn(0, YOUNGER), turn(1, YOUNGER, total=200)))
    before = query(path, ids)
    more = turn(0, ELDER)
    more.events["error:2"] = EventFacts("error", sources=1)
    save(
        path,
        batch("a", turn(1, YOUNGER, total=200)),
        batch("b", more),
        batch("c", turn(0, YOUNGER)),
    )
    after = query(path, ids)
    assert len(before) == 2
    assert after[:2] == before
    assert [key for _, _, key in after[2:]] == ["error:2"]


@pytest.mark.parametrize("kind", ["live", "rollout"])
def test_drift_has_an_end(path: Path, kind: str) -> None:
    flood = [Drift("0.999.0", f"thing/{n}", "unknown notification") for n in range(1_000)]
    batches = [batch("a", *flood[n : n + 50], kind=kind) for n in range(0, len(flood), 50)]
    if kind == "live":
        so_far: dict[DriftKey, DriftCount] = {}
        for one in batches:
            one.counted_from(so_far)
    save(path, *batches)
    counts = dict(query(path, "SELECT name, n FROM drift"))
    assert len(counts) == MOST_DRIFT + 1
    assert sum(counts.values()) == len(flood)
    assert counts[THE_REST] == len(flood) - MOST_DRIFT


def test_a_launch_counts_its_drift_from_its_start(path: Path) -> None:
    so_far: dict[DriftKey, DriftCount] = {}
    unknown = Drift("0.999.0", "thing", "unknown notification")
    batches = [batch("a", *[unknown] * n) for n in (2, 3, 1)]
    for one in batches:
        one.counted_from(so_far)
    for order in (batches, batches[::-1], batches * 2):
        save(path, *order)
        assert query(path, "SELECT n FROM drift") == [(6,)]


def test_of_a_file_each_new_part_adds_to_its_drift(path: Path) -> None:
    unknown = Drift("0.999.0", "thing", "unknown record")
    save(path, batch("f", unknown, kind="rollout"), batch("f", unknown, unknown, kind="rollout"))
    assert query(path, "SELECT n FROM drift") == [(3,)]


def test_what_nobody_tells_any_more_is_gone(path: Path) -> None:
    """A file is read anew, and tells less than it did."""
    more = turn(0, ELDER)
    more.items[ItemId("i9")] = ItemFacts("command")
    more.events["error:2"] = EventFacts("error")
    save(path, batch("f", more, turn(1, ELDER, total=200), turn(2, YOUNGER), kind="rollout"))
    save(path, batch("a", turn(1, ELDER, total=200)))
    retold = batch("f", turn(0, ELDER), kind="rollout")

    async def afresh() -> None:
        writer = await Writer.open(path)
        await writer.save(retold, afresh=True)
        await writer.close()

    anyio.run(afresh)
    expected = path.with_name("expected.db")
    save(expected, retold, batch("a", turn(1, ELDER, total=200)))
    assert contents(path) == contents(expected)


def test_ten_thousand_threads_are_saved_at_once(path: Path) -> None:
    save(path, batch("a", *(turn(n, thread(7 * n), at=n) for n in range(10_000))))
    assert query(path, "SELECT count(*), sum(turns) FROM sessions") == [(10_000, 10_000)]


def test_the_work_of_a_save_grows_with_its_size_and_no_faster(tmp_path: Path) -> None:
    def work(n: int) -> int:
        """How much SQLite has to do to save so many threads that it knows."""
        many = batch("a", *(turn(k, thread(7 * k), at=k) for k in range(n)))
        steps: list[None] = []

        async def run() -> None:
            writer = await Writer.open(tmp_path / f"{n}.db")
            await writer.save(many)
            await writer.connection.set_progress_handler(lambda: steps.append(None), 100)
            await writer.save(many)
            await writer.close()

        anyio.run(run)
        return len(steps)

    assert work(400) < 2.5 * work(200)


def test_a_save_into_a_file_that_is_deleted_meanwhile_is_none(path: Path) -> None:
    async def run() -> None:
        writer = await Writer.open(path)
        await writer.connection.set_trace_callback(
            lambda sql: path.unlink() if sql == "COMMIT" else None
        )
        with pytest.raises(sqlite3.OperationalError):
            await writer.save(batch("a", turn(0, ELDER)))
        await writer.close()

    anyio.run(run)
    save(path, batch("a", turn(0, ELDER)))
    assert query(path, "SELECT count(*) FROM turns") == [(1,)]
