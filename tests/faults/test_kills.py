"""kill -9 of the wrapper and of its collector at any moment: the database is sound, nothing counts
twice, what was handed over is there, and a backfill completes the rest."""

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from backfill.codex_home import place, take_in
from collecting import Place
from conversing import by_id, differing
from faults.counted import beyond, things, tokens
from faults.rounds import chance, rounds
from faults.session import held, stream
from processes import is_gone
from recordings import Frame, Recordings
from saved import query
from store_of import rows, until
from told import told_by

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

SAID = ("b_shell", "c_patch", "f_interrupt", "h_compact", "k_resume_fork", "n_approval", "p_steer")
RELEASES = ("0.125.0", "0.169.0")


ENDED = """
SELECT turn_id, status, total_tokens, tool_calls, duration_ms FROM turns
WHERE status <> 'in_progress' ORDER BY turn_id
"""


class Release(NamedTuple):
    frames: list[Frame]
    home: Path
    logged: Path
    """A database that only has the logs."""
    undisturbed: Path
    """One that heard it all, and then read the logs."""


@pytest.fixture(scope="module")
def releases(
    recordings: Recordings, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Release]:
    return {name: _release(recordings, name, tmp_path_factory.mktemp(name)) for name in RELEASES}


def _release(recordings: Recordings, name: str, folder: Path) -> Release:
    patterns = [f"{name}/{scenario}" for scenario in SAID]
    frames = stream(recordings, *patterns)
    home = place(recordings.like(*patterns), folder / "home")
    take_in(folder / "logged.db", home)
    whole = Place(folder / "whole")
    with held(whole, frames) as session:
        session.finish()
        session.settle()
    take_in(whole.database, home)
    return Release(frames, home, folder / "logged.db", whole.database)


def answered(frames: list[Frame]) -> list[Frame]:
    """Those that were surely copied, where all of them passed: a line of the client's that was answered
    was read after all that came before it had been copied."""
    answer = max((n for n, f in enumerate(frames) if f.direction == "s2c"), default=0)
    return frames[: max((n for n in range(answer) if frames[n].direction == "c2s"), default=0)]


def is_complete(database: Path, release: Release) -> None:
    """Once the logs are read: nothing is missing that they tell, nothing is there twice."""
    take_in(database, release.home)
    logged, found, undisturbed = map(things, (release.logged, database, release.undisturbed))
    assert beyond(logged, found) == []
    assert beyond(found, undisturbed) == []
    assert tokens(database) == tokens(release.logged)


@pytest.mark.parametrize("n", range(rounds(4)))
def test_the_wrapper_is_killed(releases: dict[str, Release], tmp_path: Path, n: int) -> None:
    luck = chance(f"wrapper {n}")
    release = releases[luck.choice(RELEASES)]
    place = Place(tmp_path)
    upto = luck.randrange(20, len(release.frames))
    with held(place, release.frames) as session:
        # What is in the collector's hands can't be lost; of a few lines more the pipe takes any.
        session.go_on(upto - luck.randrange(10))
        until(session.is_heard)
        session.go_on(upto)
        time.sleep(luck.choice([0, 0, luck.uniform(0, 0.1)]))
        session.kill()
        session.settle()
    (launch,) = query(place.database, "SELECT name FROM origins")
    told = by_id(told_by(answered(release.frames[:upto])), *launch)
    ended = {turn: row for turn, row in told.items() if row.status != "in_progress"}
    assert not differing(rows(place.database, "SELECT * FROM turns"), ended)
    assert place.spooled == []
    is_complete(place.database, release)


@pytest.mark.parametrize("n", range(rounds(4)))
def test_the_collector_is_killed(releases: dict[str, Release], tmp_path: Path, n: int) -> None:
    luck = chance(f"collector {n}")
    release = releases[luck.choice(RELEASES)]
    place, frames = Place(tmp_path), release.frames
    spoken = [n for n, frame in enumerate(frames) if frame.direction == "c2s"]
    with held(place, frames, impatient=True) as session:
        for _ in range(luck.choice([1, 1, 2])):
            session.go_on(luck.randrange(session.at, spoken[-1]))
            time.sleep(luck.choice([0, luck.uniform(0, 0.2)]))
            saved = rows(place.database, ENDED)
            killed = session.collector()
            os.kill(killed, signal.SIGKILL)
            until(partial(is_gone, killed))
            # The wrapper learns of it when it next has something to tell.
            session.go_on(next(n for n in spoken if n >= session.at) + 1)
            if luck.random() < 0.7:
                session.collector()
        session.finish()
        session.settle()
    found = rows(place.database, ENDED)
    assert all(turn in found for turn in saved)
    assert query(place.database, "SELECT DISTINCT reason FROM gaps") == [("collector died",)]
    is_complete(place.database, release)
