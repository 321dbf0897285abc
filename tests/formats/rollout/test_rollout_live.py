"""What the rollout tells of a turn and what the stream told of it: the same, or it is said why not."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from codex_telemetry.core.identity import TurnId, is_log_turn
from codex_telemetry.core.pairing import pair
from codex_telemetry.core.rows import TurnRow
from codex_telemetry.core.settle import owner
from recordings import Recording, Recordings, names
from rolled import rolled_up
from told import told_by

STREAMS = tuple(name for name in names() if "/x_exec" not in name)

REFUSED = "a call that was refused, or not understood, is no item on the stream"
KILLED = "the process ended before the stream said so"
REVIEW = "on the stream the reviewer's items are the outer turn's; in the log its own thread's"

WHY_NOT = {
    "tool_calls": {
        "0.42.0/v1_approval": REFUSED,
        "0.42.0/v1_interrupt": "0.42 writes a call only with its output",
        "0.42.0/v1_patch": REFUSED,
        "0.42.0/v1_web": "0.42 doesn't write searches down",
        "0.63.0/c_patch": REFUSED,
        "0.63.0/d_web": "0.63 shows a search on the stream, but no opened page and no find in it",
        "0.63.0/n_approval": REFUSED,
        "0.63.0/o_subagent": REFUSED,
        "0.98.0/c_patch": REFUSED,
        "0.98.0/n_approval": REFUSED,
        "0.125.0/c_patch": REFUSED,
        "0.125.0/i_review": REVIEW,
        "0.125.0/n_approval": REFUSED,
        "0.155.0/c_patch": REFUSED,
        "0.155.0/i_review": REVIEW,
        "0.155.0/n_approval": REFUSED,
        "0.169.0/c_patch": REFUSED,
        "0.169.0/i_review": REVIEW,
        "0.169.0/n_approval": REFUSED,
        "0.169.0/w_legacy": REFUSED,
    },
    "total_tokens": {
        "0.169.0/a_optout": "the client asked not to be told",
        "0.169.0/u_eof_midturn": KILLED,
        "0.169.0/u_sigint_midturn": KILLED,
        "0.169.0/u_sigkill_midturn": KILLED,
        "0.169.0/u_sigterm_midturn": KILLED,
    },
    "duration_ms": {
        "0.169.0/u_eof_midturn": KILLED,
        "0.169.0/u_sigterm_midturn": KILLED,
    },
}

ONLY_ONE = {
    "0.63.0/i_review": "reviews are turns of two threads, and have no ids",
    "0.98.0/i_review": "reviews are turns of two threads, and have no ids",
    "0.125.0/i_review": REVIEW,
    "0.155.0/i_review": REVIEW,
    "0.169.0/i_review": REVIEW,
    "0.169.0/a_ephemeral": "an ephemeral thread has no rollout",
}


class Both(NamedTuple):
    stream: TurnRow
    log: TurnRow
    paired: bool


def both(recording: Recording) -> tuple[list[Both], int]:
    """The turns that stream and log both tell of, and how many only one of them does."""
    heard, logged = told_by(recording.frames()), rolled_up(recording)
    facts = [*heard.batch.turns.values(), *logged.batch.turns.values()]
    pairs: dict[TurnId, TurnId] = {}
    for thread in {owner(turn) for turn in facts}:
        pairs.update(pair(turn for turn in facts if owner(turn) == thread))
    rows = {row.turn_id: row for row in heard.turns}
    found = []
    for row in logged.turns:
        twin = rows.pop(pairs.get(TurnId(row.turn_id), row.turn_id), None)
        if twin is not None:
            found.append(Both(twin, row, is_log_turn(row.turn_id)))
    return found, len(rows) + len(logged.turns) - len(found)


def differing(recording: Recording, field: str) -> Iterator[str]:
    for stream, log, paired in both(recording)[0]:
        mine, theirs = getattr(stream, field), getattr(log, field)
        if field == "duration_ms" and paired:
            continue  # by two clocks; see the test of its own
        if mine != theirs:
            yield f"{stream.turn_id}: {mine} on the stream, {theirs} in the log"


@pytest.mark.parametrize("field", list(WHY_NOT))
@pytest.mark.parametrize("name", STREAMS)
def test_stream_and_log_agree(recordings: Recordings, name: str, field: str) -> None:
    found = list(differing(recordings.one(name), field))
    if name in WHY_NOT[field]:
        assert found, "they agree by now: take it off the list"
    else:
        assert found == []


@pytest.mark.parametrize("name", STREAMS)
def test_a_turn_of_the_stream_is_a_turn_of_the_log(recordings: Recordings, name: str) -> None:
    turns, alone = both(recordings.one(name))
    if name in ONLY_ONE:
        assert alone
    else:
        assert alone == 0
        assert turns or recordings.one(name).scenario.startswith("v_")


@pytest.mark.parametrize("name", STREAMS)
def test_the_words_for_what_a_turn_runs_with_are_the_same(
    recordings: Recordings, name: str
) -> None:
    """Where the stream says it at all: a client of the older protocol needn't."""
    for stream, log, _ in both(recordings.one(name))[0]:
        for field in ("session_id", "model", "effort", "approval_policy", "sandbox", "cwd"):
            mine, theirs = getattr(stream, field), getattr(log, field)
            assert mine == theirs or None in (mine, theirs), field


@pytest.mark.parametrize("name", names("0.155.0/*", "0.169.0/a_*", "0.169.0/b_*", "0.169.0/e_*"))
def test_items_have_one_id_and_one_kind_in_both(recordings: Recordings, name: str) -> None:
    recording = recordings.one(name)
    heard, logged = told_by(recording.frames()).batch.turns, rolled_up(recording).batch.turns
    for turn_id in heard.keys() & logged.keys():
        mine, theirs = heard[turn_id].items, logged[turn_id].items
        for item_id in mine.keys() & theirs.keys():
            assert mine[item_id].kind == theirs[item_id].kind, item_id
        if "review" in name or not name.startswith("0.169"):
            continue
        unknown = {i for i in theirs.keys() - mine.keys() if theirs[i].kind != "other"}
        assert unknown == set()


@pytest.mark.parametrize("name", names("0.98.0/b_shell", "0.63.0/b_shell", "0.42.0/v1_shell"))
def test_where_the_log_marks_no_turns_their_length_is_about_right(
    recordings: Recordings, name: str
) -> None:
    ((stream, log, paired),) = both(recordings.one(name))[0]
    assert paired
    assert log.duration_clock == "log"
    assert stream.duration_ms is not None
    assert log.duration_ms is not None
    # The log begins with the prompt, the stream with the request for the turn.
    assert -5 < stream.duration_ms - log.duration_ms < 150
