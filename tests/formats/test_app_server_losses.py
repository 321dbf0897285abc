"""A stretch of the stream that wasn't heard costs what it told of, and makes up nothing: no count of
tokens that was lost is taken for one of a later turn, when Codex says it once more."""

import random
from collections.abc import Sequence

import pytest

from recordings import Frame, Recordings, names
from told import DIRECTIONS, Told, told_by

CUTS = 60

NOT_KNOWN_AFTER = "0.63.0/i_review"
"""Up to 0.77 the counts of a reviewer come under its parent's turn, too: who missed the review's start
can't tell them apart."""


def counted(told: Told) -> set[tuple[str, int]]:
    """Each response that has a usage, by its turn and the running total."""
    return {
        (str(turn_id), total)
        for turn_id, turn in told.batch.turns.items()
        for total, response in turn.responses.items()
        if response.usage is not None
    }


def heard_but_for(frames: Sequence[Frame], start: int, end: int) -> Told:
    """By one reader; with a start of 0, by one that began in the middle."""
    told = told_by(frames[:start] or [frames[0]._replace(line=b"")])
    for reader in told.readers.values():
        reader.lost("client")
        reader.lost("server")
    for frame in frames[end:]:
        told.hear(DIRECTIONS[frame.direction], frame.line, int(frame.wall_s * 1000), frame.proc)
    return told


TRIED = names("*/[hijkp]_*", "*/f_interrupt", "*/l_concurrent", "*/o_subagent")


@pytest.mark.parametrize("name", [name for name in TRIED if name != NOT_KNOWN_AFTER])
def test_what_was_lost_is_never_counted_for_another_turn(recordings: Recordings, name: str) -> None:
    frames = [
        frame
        for frame in recordings.one(name).frames()
        if frame.proc == 0 and frame.direction in DIRECTIONS
    ]
    whole, chance = counted(told_by(frames)), random.Random(name)
    for n in range(CUTS):
        end = chance.randrange(1, len(frames))
        start = 0 if n % 2 else chance.randrange(end)
        assert counted(heard_but_for(frames, start, end)) <= whole, (start, end)
