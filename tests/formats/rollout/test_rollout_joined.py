"""Stream and log of a turn joined: one turn, each response once, whichever came first."""

from collections.abc import Iterator

import pytest

from codex_telemetry.core.facts import TurnFacts
from codex_telemetry.core.identity import TurnId
from codex_telemetry.core.join import join
from codex_telemetry.core.pairing import united
from codex_telemetry.core.settle import owner, settle_turn
from recordings import Recording, Recordings, names
from rolled import rolled_up
from told import sent_by_the_model, told_by

STREAMS = tuple(name for name in names() if "/x_exec" not in name)

NOT_TOLD = {"0.42.0/v1_interrupt": "interrupted before the count was written"}

Turns = dict[TurnId, TurnFacts]


def merged(first: Turns, second: Turns) -> Turns:
    both = dict(first)
    for turn_id, facts in second.items():
        known = both.get(turn_id)
        both[turn_id] = facts if known is None else join(known, facts)
    return both


def by_thread(turns: Turns) -> Iterator[Turns]:
    for thread in {owner(facts) for facts in turns.values()}:
        yield {i: facts for i, facts in turns.items() if owner(facts) == thread}


def total(turns: Turns) -> int:
    rows = [settle_turn(facts) for own in by_thread(turns) for facts in united(own).values()]
    return sum(row.total_tokens or 0 for row in rows)


def both_ways(recording: Recording) -> tuple[Turns, Turns]:
    heard, logged = told_by(recording.frames()).batch.turns, rolled_up(recording).batch.turns
    return merged(heard, logged), merged(logged, heard)


@pytest.mark.parametrize("name", STREAMS)
def test_it_makes_no_difference_which_is_known_first(recordings: Recordings, name: str) -> None:
    one, other = both_ways(recordings.one(name))
    assert one == other


@pytest.mark.parametrize("name", STREAMS)
def test_no_response_counts_twice(recordings: Recordings, name: str) -> None:
    recording = recordings.one(name)
    told, sent = total(both_ways(recording)[0]), sent_by_the_model(recording)
    if name in NOT_TOLD:
        assert told < sent
    else:
        assert told == sent
