"""What the stream told and what the log tells of a turn are one row, whichever comes first."""

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from backfill.codex_home import Step, heard, place, rows, take_in
from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import Source
from codex_telemetry.core.identity import is_exec_turn
from recordings import Recording, Recordings, streams
from told import sent_by_the_model

STREAMS = streams()
REVIEW = "a reviewer's turn is told by its own log alone"
OUTER = "without ids, a review is a turn of two threads that nothing joins"

ONLY_LOGGED = {
    "0.63.0/i_review": (2, REVIEW),
    "0.98.0/i_review": (2, REVIEW),
    "0.125.0/i_review": (2, REVIEW),
    "0.155.0/i_review": (1, REVIEW),
    "0.169.0/i_review": (1, REVIEW),
}
"""How many turns of a recording the stream doesn't tell of, and why."""

ONLY_HEARD = {
    "0.63.0/i_review": (2, OUTER),
    "0.98.0/i_review": (2, OUTER),
    "0.169.0/a_ephemeral": (1, "an ephemeral thread has no log"),
}

NAMES_TURNS = ("0.125", "0.155", "0.169")
"""Releases whose turns have ids of Codex's own; `w_upgrade` holds some of 0.98."""

NOT_COUNTED = {"0.42.0/v1_interrupt": "interrupted before the count was announced or written"}

ORDERS = ("heard, then logged", "logged, then heard", "by turns")


Rows = dict[str, list[dict[str, Any]]]


class Live(NamedTuple):
    """What the stream of a recording told."""

    batches: list[Batch]
    threads: set[str]
    turns: set[str]


class Everything(NamedTuple):
    """All recordings in one database, taken in each order; and at last all once more."""

    live: dict[str, Live]
    found: dict[str, dict[str, Rows]]
    """By order, and by thread."""


def listen(recording: Recording) -> Live:
    batches = heard(recording)
    for batch in batches:
        batch.origin = f"{recording.name}-{batch.origin}"
    turns = [turn for batch in batches for turn in batch.turns.values()]
    threads = {str(thread) for batch in batches for thread in batch.sessions}
    threads |= {str(thread) for turn in turns for thread in turn.tellers}
    threads |= {path.name[28:64] for path in recording.rollouts()}
    return Live(batches, threads, {str(turn.turn_id) for turn in turns})


def steps(order: str, live: dict[str, Live], homes: dict[str, Path]) -> list[Step]:
    if order == ORDERS[0]:
        return [*(batch for each in live.values() for batch in each.batches), *homes.values()]
    if order == ORDERS[1]:
        return [*homes.values(), *(batch for each in live.values() for batch in each.batches)]
    mixed: list[Step] = []
    for name, (batches, *_) in live.items():
        mixed += [*batches[:1], homes[name], *batches[1:], *batches[:1]]
    return mixed


def by_thread(database: Path) -> dict[str, Rows]:
    everything = rows(database)
    thread = {row["turn_id"]: row["session_id"] for row in everything["turns"]}
    found: dict[str, Rows] = {row["session_id"]: {} for row in everything["sessions"]}
    for table, them in everything.items():
        for row in them:
            its = thread[row["turn_key"]] if "turn_key" in row else row["session_id"]
            found[its].setdefault(table, []).append(row)
    return found


@pytest.fixture(scope="module")
def everything(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Everything:
    folder = tmp_path_factory.mktemp("orders")
    live = {name: listen(recordings.one(name)) for name in STREAMS}
    homes = {
        name: place([recordings.one(name)], folder / name.replace("/", "-")) for name in STREAMS
    }
    found = {}
    for n, order in enumerate(ORDERS):
        take_in(folder / f"{n}.db", *steps(order, live, homes))
        found[order] = by_thread(folder / f"{n}.db")
    take_in(folder / "0.db", *steps(ORDERS[-1], live, homes), rebuild=True)
    found["twice"] = by_thread(folder / "0.db")
    return Everything(live, found)


@pytest.mark.parametrize("name", STREAMS)
def test_who_tells_first_and_how_often_makes_no_difference(
    everything: Everything, name: str
) -> None:
    for thread in everything.live[name].threads:
        first = everything.found[ORDERS[0]].get(thread)
        for order, found in everything.found.items():
            assert found.get(thread) == first, order


def told(everything: Everything, name: str, table: str) -> list[dict[str, Any]]:
    found = everything.found[ORDERS[0]]
    threads = everything.live[name].threads
    return [row for thread in threads for row in found.get(thread, {}).get(table, [])]


@pytest.mark.parametrize("name", STREAMS)
def test_a_turn_is_one_row_however_many_tell_of_it(everything: Everything, name: str) -> None:
    turns, live = told(everything, name, "turns"), everything.live[name].turns
    by_source = Counter(row["sources"] for row in turns)
    only_logged, only_heard = ONLY_LOGGED.get(name, (0, "")), ONLY_HEARD.get(name, (0, ""))
    found = {row["turn_id"] for row in turns}
    if name.startswith(NAMES_TURNS) and not name.endswith("w_upgrade"):
        # exec names none, but the log does.
        assert {turn for turn in live if not is_exec_turn(turn)} <= found
        assert not any(is_exec_turn(turn) for turn in found)
    else:
        assert live <= found
    assert by_source[Source.ROLLOUT] == only_logged[0]
    assert by_source[Source.LIVE] == only_heard[0]
    assert len(turns) == len(live) + only_logged[0]


@pytest.mark.parametrize("name", STREAMS)
def test_tokens_are_those_the_model_sent_though_both_tell(
    recordings: Recordings, everything: Everything, name: str
) -> None:
    sums = {
        sum(row["total_tokens"] or 0 for row in told(everything, name, table))
        for table in ("sessions", "turns", "responses")
    }
    (tokens,) = sums
    sent = sent_by_the_model(recordings.one(name))
    if name in NOT_COUNTED:
        assert tokens < sent, "it is counted by now: take it off the list"
    else:
        assert tokens == sent


@pytest.mark.parametrize("name", STREAMS)
def test_what_both_tell_of_happened_once(everything: Everything, name: str) -> None:
    """An event that stream and log both tell of is one row."""
    seen = Counter(
        (row["session_id"], row["turn_id"], row["kind"], (row["at"] or 0) // 1000)
        for row in told(everything, name, "events")
        if row["kind"] in ("turn_aborted", "context_compacted", "thread_rolled_back")
    )
    assert [event for event, n in seen.items() if n > 1] == []
