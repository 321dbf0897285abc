"""A disk that is full, may only be read, or stalls: the conversation doesn't feel it, and what was heard
arrives as soon as it can."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from collecting import Place
from faults.conftest import Conversation
from faults.counted import things
from faults.disks import Disk, small_disk, whole_disk
from faults.saying import backfill, is_complete, one_line, quietly, report
from faults.session import held
from store_of import rows, until

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(sys.platform != "linux", reason="mounts file systems as Linux does"),
]


def arrives_with_a_report(place: Place, conversation: Conversation) -> None:
    """All of it, once, and nobody is told that anything was the matter."""
    quietly(report(place.database))
    assert place.spooled == []
    assert things(place.database) == conversation.heard
    assert rows(place.database, "SELECT * FROM gaps") == []


@pytest.fixture
def disk(place: Place) -> Iterator[Disk]:
    """Only the database and what lies beside it are on it."""
    with small_disk(place.database.parent, 8_000) as disk:
        yield disk


def test_a_disk_that_is_full_from_the_start(
    place: Place, disk: Disk, conversation: Conversation
) -> None:
    disk.fill()
    with held(place, conversation.frames, patience_s=0.3) as session:
        session.finish()
        session.settle()
    assert len(place.spooled) == 1
    disk.empty()
    arrives_with_a_report(place, conversation)


def test_a_disk_that_fills_up_in_the_middle(
    place: Place, disk: Disk, conversation: Conversation
) -> None:
    with held(place, conversation.frames, patience_s=0.3) as session:
        session.go_on(conversation.half)
        until(lambda: rows(place.database, "SELECT * FROM turns WHERE status = 'completed'"))
        disk.fill()
        session.finish()
        session.settle()
    assert place.spooled
    # What is there can still be looked at.
    quietly(report(place.database))
    disk.empty()
    arrives_with_a_report(place, conversation)


def test_a_disk_that_is_full_for_a_while_costs_nothing(
    place: Place, disk: Disk, conversation: Conversation
) -> None:
    with held(place, conversation.frames, patience_s=30) as session:
        session.go_on(conversation.half)
        disk.fill()
        session.go_on(conversation.half * 3 // 2)
        disk.empty()
        session.finish()
        session.settle()
    assert place.spooled == []
    arrives_with_a_report(place, conversation)


def test_a_disk_that_only_has_room_for_some_of_it(
    place: Place, disk: Disk, conversation: Conversation
) -> None:
    disk.grow(400)
    with held(place, conversation.frames, patience_s=0.3) as session:
        session.finish()
        session.settle()
    disk.grow(8_000)
    arrives_with_a_report(place, conversation)


def test_where_no_other_disk_has_room_either_the_log_has_what_is_lost(
    tmp_path: Path, conversation: Conversation
) -> None:
    place = Place(tmp_path / "all")
    with small_disk(place.folder, 8_000) as disk:
        with held(place, conversation.frames, patience_s=0.3) as session:
            session.go_on(conversation.half)
            until(lambda: rows(place.database, "SELECT * FROM turns WHERE status = 'completed'"))
            disk.fill()
            session.finish()
            session.settle()
        disk.empty()
        is_complete(place.database, conversation)


def test_a_backfill_onto_a_full_disk_says_so_and_goes_on_later(
    place: Place, disk: Disk, conversation: Conversation
) -> None:
    disk.grow(400)
    assert "database or disk is full" in one_line(backfill(place.database, conversation))
    assert report(place.database).code in (0, 1)  # as far as it was begun
    disk.grow(8_000)
    assert backfill(place.database, conversation).code == 0
    assert things(place.database) == things(conversation.logged)


def test_a_disk_that_may_only_be_read(place: Place, disk: Disk, conversation: Conversation) -> None:
    assert backfill(place.database, conversation).code == 0
    disk.only_read(True)
    with held(place, conversation.frames, patience_s=0.3) as session:
        session.finish()
        session.settle()
    assert len(place.spooled) == 1
    quietly(report(place.database))
    assert str(place.database) in one_line(backfill(place.database, conversation))
    disk.only_read(False)
    assert report(place.database).code == 0
    assert place.spooled == []
    assert things(place.database) == conversation.both


def test_a_disk_that_stalls_is_waited_for_by_nobody_but_the_collector(
    place: Place, tmp_path: Path, conversation: Conversation
) -> None:
    with whole_disk(place.database.parent, tmp_path / "image") as disk:
        with held(place, conversation.frames) as session:
            session.go_on(conversation.half)
            until(lambda: rows(place.database, "SELECT * FROM turns WHERE status = 'completed'"))
            with disk.stalled():
                session.finish()  # the child's exit code, too
                assert session.collectors()
            session.settle()
        assert place.spooled == []
        arrives_with_a_report(place, conversation)
