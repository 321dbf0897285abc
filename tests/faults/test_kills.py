"""kill -9 of the wrapper and of its collector at any moment: the database is sound, nothing counts
twice, what was handed over is there, and a backfill completes the rest."""

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from collecting import Place
from conversing import by_id, differing
from faults.conftest import Conversation
from faults.rounds import chance, rounds
from faults.saying import is_complete
from faults.session import held
from processes import is_gone
from recordings import Frame
from saved import query
from store_of import rows, until
from told import told_by

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

ENDED = """
SELECT turn_id, status, total_tokens, tool_calls, duration_ms FROM turns
WHERE status <> 'in_progress' ORDER BY turn_id
"""


def answered(frames: list[Frame]) -> list[Frame]:
    """Those that were surely copied, where all of them passed: a line of the client's that was answered
    was read after all that came before it had been copied."""
    answer = max((n for n, f in enumerate(frames) if f.direction == "s2c"), default=0)
    return frames[: max((n for n in range(answer) if frames[n].direction == "c2s"), default=0)]


@pytest.mark.parametrize("n", range(rounds(4)))
def test_the_wrapper_is_killed(
    conversations: dict[str, Conversation], tmp_path: Path, n: int
) -> None:
    luck = chance(f"wrapper {n}")
    conversation = conversations[luck.choice(sorted(conversations))]
    place = Place(tmp_path)
    upto = luck.randrange(20, len(conversation.frames))
    with held(place, conversation.frames) as session:
        # What is in the collector's hands can't be lost; of a few lines more the pipe takes any.
        session.go_on(upto - luck.randrange(10))
        until(session.is_heard)
        session.go_on(upto)
        time.sleep(luck.choice([0, 0, luck.uniform(0, 0.1)]))
        session.kill()
        session.settle()
    (launch,) = query(place.database, "SELECT name FROM origins")
    told = by_id(told_by(answered(conversation.frames[:upto])), *launch)
    ended = {turn: row for turn, row in told.items() if row.status != "in_progress"}
    assert not differing(rows(place.database, "SELECT * FROM turns"), ended)
    assert place.spooled == []
    is_complete(place.database, conversation)


@pytest.mark.parametrize("n", range(rounds(4)))
def test_the_collector_is_killed(
    conversations: dict[str, Conversation], tmp_path: Path, n: int
) -> None:
    luck = chance(f"collector {n}")
    conversation = conversations[luck.choice(sorted(conversations))]
    place, frames = Place(tmp_path), conversation.frames
    spoken = [n for n, frame in enumerate(frames) if frame.direction == "c2s"]
    with held(place, frames, impatient=True) as session:
        for _ in range(luck.choice([1, 1, 2])):
            if session.at >= spoken[-1]:
                break  # the client has nothing more to say
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
    is_complete(place.database, conversation)
