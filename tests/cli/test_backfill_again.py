"""A backfill with nothing to do takes a short way: it says the same, and what is to be done is done."""

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from backfill.codex_home import first_turns, fresh, only, place, rows, take_in
from codex_telemetry import history, secret
from codex_telemetry.backfill import Tally
from codex_telemetry.backfill.unchanged import unchanged
from codex_telemetry.config import paths
from codex_telemetry.store import db as store
from commands import Command
from recordings import Recordings
from saved import query

ANOTHER = "rollout-2026-11-20T10-00-00-01a1f000-0000-7000-8000-000000000001.jsonl"


@pytest.fixture
def logs(recordings: Recordings, tmp_path: Path) -> Path:
    return place([recordings.one("0.169.0/h_compact")], tmp_path / "codex-home")


@pytest.fixture
def long_ways(cli: Command, logs: Path, monkeypatch: pytest.MonkeyPatch) -> list[Tally]:
    """What came of each time the long way was gone, after all was read once."""
    assert cli("backfill").code == 0
    gone: list[Tally] = []

    def seen(*words: object, **more: object) -> Tally:
        gone.append(reads(*words, **more))  # type: ignore[arg-type]
        return gone[-1]

    reads = history.read_rollouts
    monkeypatch.setattr(history, "read_rollouts", seen)
    return gone


def test_both_ways_say_the_same(logs: Path, database: Path) -> None:
    (logs / "sessions" / "rollout-of-nobody.jsonl").write_bytes(b"{}\n")
    (logs / "sessions" / "rollout-to-nowhere.jsonl").symlink_to("nowhere")
    take_in(database, logs)
    with closing(store.open_reader(database)) as db:
        short = unchanged(db, [logs, logs])
    assert isinstance(short, Tally)
    assert (short.files, short.unreadable) == (1, 1)
    assert vars(short) == vars(take_in(database, logs))


def test_nothing_new_is_said_at_once(cli: Command, long_ways: list[Tally]) -> None:
    answer = cli("backfill", "--json")
    assert (answer.code, answer.err) == (0, "")
    assert '"files": 1,' in answer.out
    assert not long_ways


def grown(logs: Path, _: Path) -> None:
    with only(logs).open("ab") as file:
        file.write(b"{}\n")


def touched(logs: Path, _: Path) -> None:
    os.utime(only(logs), ns=(1, 1))


def archived(logs: Path, _: Path) -> None:
    (logs / "archived_sessions").mkdir()
    shutil.move(only(logs), logs / "archived_sessions")


def one_more(logs: Path, _: Path) -> None:
    only(logs).with_name(ANOTHER).write_bytes(first_turns(only(logs)))


def milestones_left(_: Path, database: Path) -> None:
    with closing(store.open_to_write(database)) as db:
        db.execute("INSERT INTO windows_due VALUES ('codex', 300, 1795416000)")


def other_prices(_: Path, database: Path) -> None:
    with closing(store.open_to_write(database)) as db:
        db.execute("UPDATE price_list SET fingerprint = 'older'")


def no_secret(_: Path, database: Path) -> None:
    secret.secret_path(database).unlink()


def no_database(_: Path, database: Path) -> None:
    for path in database.parent.glob(f"{database.name}*"):
        path.unlink()


@pytest.mark.parametrize(
    ("change", "read"),
    [
        *((grown, 1), (touched, 1), (archived, 1), (one_more, 1), (no_database, 1)),
        *((milestones_left, 0), (other_prices, 0), (no_secret, 0)),
    ],
)
def test_what_is_to_be_done_is_done_once(
    cli: Command,
    logs: Path,
    database: Path,
    long_ways: list[Tally],
    change: Callable[[Path, Path], None],
    read: int,
) -> None:
    change(logs, database)
    assert cli("backfill").code == 0
    assert cli("backfill").code == 0
    assert [tally.files_read for tally in long_ways] == [read]
    assert query(database, "SELECT count(*) FROM windows_due") == [(0,)]
    assert query(database, "SELECT count(*) FROM price_list WHERE fingerprint = 'older'") == [(0,)]
    assert secret.find(secret.secret_path(database)) is not None


@pytest.mark.parametrize("change", [grown, archived, one_more])
def test_what_the_short_way_has_seen_is_not_looked_at_again(
    cli: Command,
    logs: Path,
    database: Path,
    long_ways: list[Tally],
    change: Callable[[Path, Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change(logs, database)
    monkeypatch.setattr("codex_telemetry.backfill.homes.look", None)
    assert '"files_read": 1,' in cli("backfill", "--json").out


@pytest.mark.parametrize("change", [grown, one_more])
def test_what_is_written_or_read_since_it_was_seen_is_neither_lost_nor_counted_twice(
    logs: Path, database: Path, change: Callable[[Path, Path], None]
) -> None:
    whole = only(logs).read_bytes()
    only(logs).write_bytes(first_turns(only(logs)))
    take_in(database, logs)
    change(logs, database)
    with closing(store.open_reader(database)) as db:
        seen = unchanged(db, [logs])
    take_in(database, logs)  # by another
    for log in logs.rglob("rollout-*.jsonl"):
        log.write_bytes(whole)
    take_in(database, logs, seen=seen)
    take_in(database, logs)  # what came when another had read it already waits for the next time
    assert rows(database) == fresh(logs, database.parent)


def test_who_asks_to_read_all_anew_is_heard(cli: Command, long_ways: list[Tally]) -> None:
    assert '"files_read": 1,' in cli("backfill", "--rebuild", "--json").out


def test_a_home_that_is_gone_is_said(cli: Command, logs: Path, long_ways: list[Tally]) -> None:
    shutil.rmtree(logs)
    answer = cli("backfill")
    assert answer.code == 1
    assert "no home of Codex can be read" in answer.err


def test_what_waits_in_the_spool_is_looked_at(cli: Command, long_ways: list[Tally]) -> None:
    folder = paths().spool[0]
    folder.mkdir(mode=0o700)
    (folder / "1-1.spool").write_bytes(b"\xff")
    assert "1 file of the spool can't be read" in cli("backfill").err
    assert len(long_ways) == 1
