"""Eight wrappers, a backfill, a watch and reports at work on one database: nobody is told that it is
locked, and in the end it holds what it holds after a quiet run."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from backfill.codex_home import place as put_logs
from backfill.codex_home import rollouts, take_in
from collecting import Place
from commands import PROGRAM, run
from faults.conftest import SAID, Conversation
from faults.counted import things, tokens
from faults.rounds import rounds
from faults.saying import quietly
from faults.session import held, stream
from processes import running_with
from recordings import Frame, Recordings
from saved import query
from store_of import until

WRAPPERS = 8

REPORTS = (
    ["turns", "--json"],
    ["turn", "--last"],
    ["stats", "--by", "model"],
    ["tokens", "--by", "day", "--json"],
    ["sessions", "--ndjson"],
    ["doctor", "--json"],
)

WATCHED = ("a_plain", "g_errors", "i_review", "o_subagent", "q_plan")
"""What is written while all the others are at work."""


@contextmanager
def watching(database: Path, home: Path, errors: Path) -> Iterator[None]:
    """`backfill --watch`, until Ctrl-C."""
    with errors.open("wb") as file:
        watch = subprocess.Popen(
            [*PROGRAM, "backfill", "--watch", "--json", f"--db={database}", f"--codex-home={home}"],
            stdout=subprocess.DEVNULL,
            stderr=file,
        )
    try:
        until(lambda: b"watching" in errors.read_bytes())
        yield
    finally:
        watch.send_signal(signal.SIGINT)
        assert watch.wait(60) == 0
    assert errors.read_bytes().count(b"\n") == 1


@contextmanager
def at_work(*work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Each in a thread of its own, until it is over; what any of them says against it is raised."""
    over, failed = threading.Event(), list[BaseException]()

    def worker(what: Callable[[threading.Event], None]) -> None:
        try:
            what(over)
        except BaseException as error:  # noqa: BLE001 - raised below
            failed.append(error)

    threads = [threading.Thread(target=worker, args=(what,)) for what in work]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    for error in failed:
        raise error


def converse(place: Place, frames: list[Frame], _over: threading.Event) -> None:
    for _ in range(rounds(1)):
        with held(place, frames) as session:
            session.finish()


def write_on(logs: Path, home: Path) -> None:
    """Line by line, as Codex does."""
    for log in rollouts(logs):
        copy = home / log.relative_to(logs)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with copy.open("ab") as file:
            for line in log.read_bytes().splitlines(keepends=True):
                file.write(line)
                file.flush()
                time.sleep(0.002)


def test_all_at_once(
    place: Place, conversations: dict[str, Conversation], recordings: Recordings, tmp_path: Path
) -> None:
    logs = put_logs(recordings.like(*(f"0.169.0/{name}" for name in WATCHED)), tmp_path / "logs")
    quiet = [told.both for told in conversations.values()]
    take_in(tmp_path / "watched.db", logs)
    quiet.append(things(tmp_path / "watched.db"))
    (home := tmp_path / "home").mkdir()
    for told in conversations.values():
        take_in(place.database, told.home)
    spoken = [stream(recordings, f"{release}/{name}") for release in conversations for name in SAID]
    shares = [sum(spoken[n::WRAPPERS], list[Frame]()) for n in range(WRAPPERS)]

    def look(over: threading.Event) -> None:
        while not over.is_set():
            for words in REPORTS:
                quietly(run(*words, f"--db={place.database}"))

    def read_anew(over: threading.Event) -> None:
        while not over.is_set():
            for told in conversations.values():
                quietly(
                    run(
                        "backfill",
                        "--rebuild",
                        f"--db={place.database}",
                        f"--codex-home={told.home}",
                    )
                )

    with watching(place.database, home, tmp_path / "errors"):
        talks = [partial(converse, place, share) for share in shares]
        with at_work(look, read_anew), at_work(*talks):
            write_on(logs, home)
        until(lambda: not tokens_of_logs(tmp_path / "watched.db") - tokens_of_logs(place.database))
    until(lambda: not running_with(os.fsencode(place.database)), 60)

    found = things(place.database)
    for table, wanted in found.items():
        assert wanted.keys() == set().union(*(each[table] for each in quiet)), table
        # What a launch numbers by itself is told once by each.
        assert table == "events" or set(wanted.values()) == {1}
    assert query(place.database, "PRAGMA integrity_check") == [("ok",)]
    assert query(place.database, "SELECT * FROM gaps") == []
    assert place.spooled == []
    for told in conversations.values():
        assert tokens_of_logs(told.logged) <= tokens_of_logs(place.database)


def tokens_of_logs(database: Path) -> set[Any]:
    return set(tokens(database))
