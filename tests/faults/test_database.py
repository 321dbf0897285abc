"""Something happens to the database while it is in use: the conversation doesn't feel it, people get one
line or none, and with the next backfill all is there."""

import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from collecting import Place
from faults.conftest import Conversation
from faults.counted import things
from faults.rounds import TIMES
from faults.saying import backfill, hastily, is_complete, one_line, quietly, report
from faults.session import held
from powerless import powerless
from saved import query
from store_of import rows, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

SOME = "SELECT * FROM turns WHERE status = 'completed'"

LOCKED_S = 70 if TIMES > 1 else 2
"""Longer than the collector waits, where there is time for that; else it waits for less."""

Harm = Callable[[Path], Callable[[], object]]
"""Done to the database's path; what it gives back mends it."""


def nothing() -> None:
    pass


def is_deleted(path: Path) -> Callable[[], object]:
    path.unlink()
    return nothing


def is_deleted_with_all_beside_it(path: Path) -> Callable[[], object]:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    return nothing


def has_its_folder_deleted(path: Path) -> Callable[[], object]:
    shutil.rmtree(path.parent)
    return nothing


def is_replaced_by_an_older_copy(path: Path) -> Callable[[], object]:
    copy = path.with_name("copy")
    with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(copy)) as into:
        db.backup(into)
        into.execute("PRAGMA journal_mode=WAL")
        into.execute("DELETE FROM told_turns")
        into.execute("DELETE FROM turns")
        into.commit()
    copy.replace(path)
    return nothing


def is_emptied(path: Path) -> Callable[[], object]:
    os.truncate(path, 0)
    return nothing


def is_cut_in_half(path: Path) -> Callable[[], object]:
    os.truncate(path, path.stat().st_size // 2)
    return lambda: is_deleted_with_all_beside_it(path)


def is_scribbled_over(path: Path) -> Callable[[], object]:
    with path.open("r+b") as file:
        file.write(os.urandom(file.seek(0, os.SEEK_END)))
    return lambda: is_deleted_with_all_beside_it(path)


def loses_its_journal(path: Path) -> Callable[[], object]:
    path.with_name(f"{path.name}-wal").unlink()
    return lambda: is_deleted_with_all_beside_it(path)


def may_not_be_written(path: Path) -> Callable[[], object]:
    path.chmod(0o400)
    return lambda: path.chmod(0o600)


def may_not_be_touched(path: Path) -> Callable[[], object]:
    path.chmod(0)
    return lambda: path.chmod(0o600)


def is_in_a_folder_that_may_not_be_written(path: Path) -> Callable[[], object]:
    path.parent.chmod(0o500)
    return lambda: path.parent.chmod(0o700)


def is_behind_a_closed_door(path: Path) -> Callable[[], object]:
    path.parent.chmod(0)
    return lambda: path.parent.chmod(0o700)


HARMS: list[Harm] = [
    is_deleted,
    is_deleted_with_all_beside_it,
    has_its_folder_deleted,
    is_replaced_by_an_older_copy,
    is_emptied,
    is_cut_in_half,
    is_scribbled_over,
    loses_its_journal,
    may_not_be_written,
    may_not_be_touched,
    is_in_a_folder_that_may_not_be_written,
    is_behind_a_closed_door,
]


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_while_it_is_open_it(place: Place, conversation: Conversation, harm: Harm) -> None:
    with held(
        place, conversation.frames, patience_s=0.3, impatient=True, through=powerless([])
    ) as session:
        session.go_on(conversation.half)
        until(lambda: rows(place.database, SOME))
        mend = harm(place.database)
        session.finish()
        session.settle()
    answer = report(place.database)
    if answer.code:
        one_line(answer)
    else:
        quietly(answer)
    mend()
    is_complete(place.database, conversation)
    assert place.spooled == []


def test_locked_for_longer_than_anyone_waits(place: Place, conversation: Conversation) -> None:
    began = time.monotonic()
    patience_s = None if TIMES > 1 else 0.3
    with held(place, conversation.frames, patience_s=patience_s, busy_ms=100) as session:
        session.go_on(conversation.half)
        until(lambda: rows(place.database, SOME))
        with closing(sqlite3.connect(place.database, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            session.finish()
            quietly(report(place.database))
            assert "locked" in one_line(
                backfill(place.database, conversation)
                if patience_s is None
                else hastily(place.database, conversation, patience_s)
            )
            until(lambda: time.monotonic() > began + LOCKED_S, LOCKED_S + 1)
            until(lambda: place.spooled or not session.collectors())
        session.settle()
    quietly(report(place.database))
    assert place.spooled == []
    assert things(place.database) == conversation.heard
    assert query(place.database, "SELECT * FROM gaps") == []


def test_locked_for_a_while(place: Place, conversation: Conversation) -> None:
    with held(place, conversation.frames, patience_s=30, busy_ms=100) as session:
        session.go_on(conversation.half)
        until(lambda: rows(place.database, SOME))
        with closing(sqlite3.connect(place.database, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            session.finish()
        session.settle()
    assert place.spooled == []
    assert things(place.database) == conversation.heard
