"""A fact that can't be saved, whatever the state of the database, costs itself and nothing else."""

from pathlib import Path

import pytest

from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import (
    Drift,
    Fact,
    Gap,
    ItemFacts,
    LimitSample,
    Said,
    SessionFacts,
    TurnFacts,
)
from codex_telemetry.core.identity import ItemId, SessionId, TurnId
from codex_telemetry.store import spool
from codex_telemetry.store.writer import MOST_UNSOUND, NOT_SAVED, UnsoundError
from saved import BORN, batch, query, save, thread, turn

LONE = "\ud800"


def with_item(n: int, **told: object) -> TurnFacts:
    facts = turn(n, thread(n))
    facts.items[ItemId("bad")] = ItemFacts("command", **told)  # type: ignore[arg-type]
    return facts


UNSOUND: dict[str, Fact] = {
    "a number just too large": LimitSample("codex", 300, BORN, 1.0, 1 << 63),
    "a number far too large": with_item(7, exit_code=Said(1 << 70, 2)),
    "a number in a turn's duration": turn(7, thread(7), duration=Said(1 << 63, 4)),
    "a word for a number": with_item(7, exit_code=Said("1.5 apples", 2)),
    "half a character": turn(7, thread(7), cwd=Said(f"/folder/{LONE}", 2)),
    "half a character in an id": SessionFacts(SessionId(LONE), sources=1),
    "half a character in drift": Drift(None, LONE, "unknown notification"),
    "a turn of no thread": TurnFacts(TurnId("nobody's"), sources=1),
    "no moment": Gap(None, 1, "copies dropped"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("what", UNSOUND)
def test_it_costs_only_itself(tmp_path: Path, what: str) -> None:
    path = tmp_path / "telemetry.db"
    good = [turn(n, thread(n)) for n in range(3)]
    save(path, batch("a", good[0], good[1], UNSOUND[what], good[2]), batch("a", turn(4, thread(4))))
    found = {row[0] for row in query(path, "SELECT session_id FROM turns")}
    assert found == {thread(0), thread(1), thread(2), thread(4)}
    assert query(path, "SELECT reason FROM gaps") == [(NOT_SAVED,)]
    assert query(path, "PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("what", UNSOUND)
def test_a_spool_file_can_be_written_beside_it(tmp_path: Path, what: str) -> None:
    kept = spool.put(batch("a", turn(0, thread(0)), UNSOUND[what]), [tmp_path / "spool"])
    assert kept is not None
    assert thread(0).encode() in kept.read_bytes()


def test_what_looks_odd_and_can_be_saved_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    odd = "/folder/\0/\x1b[31m/\U0001f600/\u202e"
    save(path, batch("a", turn(0, thread(0), cwd=Said(odd, 2))))
    assert query(path, "SELECT cwd FROM turns") == [(odd,)]
    assert query(path, "SELECT * FROM gaps") == []


def test_where_nearly_all_is_unsound_nothing_is_saved_and_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    save(path, batch("a"))
    many: Batch = batch("a", turn(0, thread(0)))
    for n in range(MOST_UNSOUND + 1):
        many.add(LimitSample("codex", 300, BORN + n, 1.0, 1 << 63), BORN)
    with pytest.raises(UnsoundError):
        save(path, many)
    assert query(path, "SELECT count(*) FROM turns") == [(0,)]
