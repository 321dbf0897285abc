"""What the rollout files of every recorded release tell, held against what the model's side sent."""

import msgspec
import pytest

from canary import leaks_in
from codex_telemetry.core.facts import Usage
from codex_telemetry.formats.rollout.reader import RolloutReader
from recordings import Recording, Recordings, names
from rolled import NOW, lines_of, name_of, read, rolled_up
from told import sent_by_the_model

NO_USAGE = frozenset(names("0.20.0/*"))
"""0.20 writes no token count at all."""

LOST = {
    "0.169.0/a_ephemeral": "an ephemeral thread has no rollout",
    "0.42.0/v1_interrupt": "interrupted before the count was written",
}

NO_IDS_FOR_ALL = {"0.169.0/w_upgrade": "an older release wrote most of the file"}


def sent(recording: Recording) -> dict[str, Usage]:
    """Response id → tokens, of the responses that the model finished."""
    return {
        row["response_id"]: Usage(
            total=row["usage"]["total_tokens"],
            input=row["usage"]["input_tokens"],
            cached=row["usage"]["input_tokens_details"]["cached_tokens"],
            output=row["usage"]["output_tokens"],
            reasoning=row["usage"]["output_tokens_details"]["reasoning_tokens"],
        )
        for row in recording.truth()
        if row.get("usage") and row.get("response_id") and row.get("ts_completed")
    }


@pytest.mark.parametrize("name", names())
def test_tokens_are_those_the_model_sent(recordings: Recordings, name: str) -> None:
    recording = recordings.one(name)
    told, truth = rolled_up(recording).total_tokens, sent_by_the_model(recording)
    if name in NO_USAGE:
        assert told == 0
    elif name in LOST:
        assert told < truth, "it isn't lost any more: take it off the list"
    else:
        assert told == truth


@pytest.mark.parametrize("name", names("0.155.0/*", "0.169.0/*"))
def test_each_response_is_known_by_its_id(recordings: Recordings, name: str) -> None:
    recording = recordings.one(name)
    told = {
        response.response_id.value: response.usage and response.usage.value
        for turn in rolled_up(recording).batch.turns.values()
        for response in turn.responses.values()
        if response.response_id is not None
    }
    if name in LOST or name in NO_IDS_FOR_ALL:
        assert told.items() < sent(recording).items()
    else:
        assert told == sent(recording)


@pytest.mark.parametrize("name", names("0.42.0/*", "0.63.0/*", "0.98.0/*", "0.125.0/*"))
def test_without_ids_each_response_is_told_once(recordings: Recordings, name: str) -> None:
    recording = recordings.one(name)
    told = sorted(
        response.usage.value
        for turn in rolled_up(recording).batch.turns.values()
        for response in turn.responses.values()
        if response.usage is not None
    )
    assert told == ([] if name in LOST else sorted(sent(recording).values()))


@pytest.mark.parametrize("name", names())
def test_nothing_that_was_said_is_in_the_facts(recordings: Recordings, name: str) -> None:
    assert not leaks_in(msgspec.msgpack.encode(rolled_up(recordings.one(name)).batch))


@pytest.mark.parametrize("name", names())
def test_nothing_that_was_said_is_kept_with_the_cursor(recordings: Recordings, name: str) -> None:
    for path in recordings.one(name).rollouts():
        reader = RolloutReader(name_of(path))
        for line in lines_of(path):
            reader.read(line, NOW)
        assert not leaks_in(reader.state())


@pytest.mark.parametrize("name", names())
def test_every_line_of_a_recorded_release_is_known(recordings: Recordings, name: str) -> None:
    assert rolled_up(recordings.one(name)).drift == {}


@pytest.mark.parametrize("every", [1, 7])
@pytest.mark.parametrize("name", names())
def test_stopping_and_going_on_changes_nothing(
    recordings: Recordings, name: str, every: int
) -> None:
    whole, in_parts = (rolled_up(recordings.one(name), stop).batch for stop in (None, every))
    assert in_parts.turns == whole.turns
    assert in_parts.sessions == whole.sessions
    assert in_parts.limits == whole.limits


@pytest.mark.parametrize("name", names("*/n_approval", "*/u_eof_midturn"))
def test_what_wasnt_handed_out_where_reading_stopped_is_so_where_it_ends(
    recordings: Recordings, name: str
) -> None:
    recording = recordings.one(name)
    whole, in_parts = rolled_up(recording).batch, rolled_up(recording, 1, handing_out=False).batch
    assert in_parts.turns == whole.turns
    assert in_parts.sessions == whole.sessions


@pytest.mark.parametrize("name", names())
def test_reading_twice_is_reading_once(recordings: Recordings, name: str) -> None:
    recording = recordings.one(name)
    once, twice = rolled_up(recording), rolled_up(recording)
    for path in recording.rollouts():
        read(twice, name_of(path), lines_of(path))
    assert twice.batch.turns == once.batch.turns
    assert twice.batch.sessions == once.batch.sessions
    assert set(twice.batch.limits) == set(once.batch.limits)


@pytest.mark.parametrize("name", names())
def test_an_earlier_copy_of_a_file_tells_nothing_else(recordings: Recordings, name: str) -> None:
    """A file read before it grew, or before it was migrated, is one with the file as it is now."""
    recording = recordings.one(name)
    now, ever = rolled_up(recording), rolled_up(recording)
    for path in recording.copies():
        if path.suffix == ".jsonl":
            read(ever, name_of(path), lines_of(path))
    assert set(ever.batch.turns) == set(now.batch.turns)
    assert ever.total_tokens == now.total_tokens
    counted = ("prompts", "messages", "reasoning_items", "tool_calls", "status", "started_at")
    for mine, theirs in zip(ever.turns, now.turns, strict=True):
        assert [getattr(mine, c) for c in counted] == [getattr(theirs, c) for c in counted]
