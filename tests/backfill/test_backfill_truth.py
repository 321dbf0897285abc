"""Every recording's rollouts, from file to row: the sessions add up to what the model sent."""

from pathlib import Path

import pytest

from backfill.codex_home import place, take_in, total_tokens
from recordings import Recording, Recordings, names
from saved import query
from told import sent_by_the_model

NO_USAGE = frozenset(names("0.20.0/*"))
"""0.20 writes no token count at all."""

LOST = {
    "0.169.0/a_ephemeral": "an ephemeral thread has no rollout",
    "0.42.0/v1_interrupt": "interrupted before the count was written",
}

WITH_IDS = ("0.155.0/", "0.169.0/")
NO_IDS_FOR_ALL = {"0.169.0/w_upgrade": "an older release wrote most of the file"}


@pytest.mark.parametrize("name", names())
def test_sessions_and_responses_are_what_the_model_sent(
    recordings: Recordings, tmp_path: Path, name: str
) -> None:
    recording = recordings.one(name)
    database = tmp_path / "t.db"
    tally = take_in(database, place([recording], tmp_path / "home"))
    assert (tally.drift, tally.skipped_lines, tally.unreadable) == (0, 0, 0)
    assert tally.files == tally.files_read == len(recording.rollouts())
    ((sessions, turns, responses),) = query(
        database,
        "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM turns),"
        " (SELECT count(*) FROM responses)",
    )
    assert (len(tally.sessions), len(tally.turns), tally.responses) == (sessions, turns, responses)
    told, truth = total_tokens(database), sent_by_the_model(recording)
    if name in NO_USAGE:
        assert told == 0
    elif name in LOST:
        assert told < truth, "it isn't lost any more: take it off the list"
    else:
        assert told == truth
    if name.startswith(WITH_IDS):
        stored = responses_of(database)
        assert len(stored) == len(set(stored))
        if name in LOST or name in NO_IDS_FOR_ALL:
            assert set(stored) < set(sent(recording))
        else:
            assert sorted(stored) == sorted(sent(recording))


def responses_of(database: Path) -> list[tuple[object, ...]]:
    return query(
        database,
        "SELECT response_id, input_tokens, cached_input_tokens, output_tokens,"
        " reasoning_output_tokens, total_tokens FROM responses WHERE response_id IS NOT NULL",
    )


def sent(recording: Recording) -> list[tuple[object, ...]]:
    """Of each response that the model finished."""
    return [
        (
            row["response_id"],
            row["usage"]["input_tokens"],
            row["usage"]["input_tokens_details"]["cached_tokens"],
            row["usage"]["output_tokens"],
            row["usage"]["output_tokens_details"]["reasoning_tokens"],
            row["usage"]["total_tokens"],
        )
        for row in recording.truth()
        if row.get("usage") and row.get("response_id") and row.get("ts_completed")
    ]


def test_all_histories_in_one_home_add_up(recordings: Recordings, tmp_path: Path) -> None:
    everything = [r for r in recordings.like() if r.name not in LOST and r.name not in NO_USAGE]
    take_in(tmp_path / "t.db", place(everything, tmp_path / "home"))
    assert total_tokens(tmp_path / "t.db") == sum(map(sent_by_the_model, everything))


WHAT_HAPPENED = {
    "0.63.0/k_resume_fork": [("root", 5, 0, 0, 0, 0, 8796)],
    "0.98.0/k_resume_fork": [("root", 5, 0, 0, 0, 0, 8818), ("fork", 2, 0, 0, 0, 0, 2287)],
    "0.125.0/k_resume_fork": [("root", 5, 0, 0, 0, 0, 8818), ("fork", 2, 0, 0, 0, 0, 2287)],
    "0.155.0/k_resume_fork": [("root", 5, 0, 0, 0, 0, 8818), ("fork", 2, 0, 0, 0, 0, 2287)],
    "0.169.0/k_resume_fork": [("root", 5, 0, 0, 0, 0, 8818), ("fork", 2, 0, 0, 0, 0, 2287)],
    "0.98.0/j_rollback": [("root", 4, 0, 0, 1, 0, 4310)],
    "0.125.0/j_rollback": [("root", 4, 0, 0, 1, 0, 4310)],
    "0.169.0/j_rollback": [("root", 4, 0, 0, 1, 0, 4310)],
    "0.169.0/j_revert_paginated": [("root", 4, 0, 0, 1, 0, 4310)],
    "0.98.0/o_subagent": [("root", 1, 0, 0, 0, 0, 4354), ("subagent", 1, 0, 0, 0, 0, 2177)],
    "0.125.0/o_subagent": [("root", 1, 0, 0, 0, 0, 4354), ("subagent", 1, 0, 0, 0, 0, 2177)],
    "0.169.0/o_subagent": [("root", 1, 0, 0, 0, 0, 4354), ("subagent", 1, 0, 0, 0, 0, 2177)],
    "0.63.0/i_review": [
        ("root", 2, 0, 0, 0, 2, 2177),
        ("review", 1, 0, 0, 0, 0, 2155),
        ("review", 1, 0, 0, 0, 0, 2199),
    ],
    "0.125.0/i_review": [
        ("root", 3, 0, 0, 0, 1, 2177),
        ("review", 1, 0, 0, 0, 0, 2155),
        ("fork", 1, 0, 0, 0, 1, None),
        ("review", 1, 0, 0, 0, 0, 2199),
    ],
    "0.169.0/i_review": [("root", 3, 0, 0, 0, 1, 2155), ("review", 1, 0, 0, 0, 0, 2155)],
    "0.63.0/h_autocompact": [("root", 3, 0, 1, 0, 0, 32710)],
    "0.98.0/h_compact": [("root", 4, 0, 1, 0, 0, 8986)],
    "0.125.0/h_autocompact": [("root", 3, 0, 1, 0, 0, 32710)],
    "0.169.0/h_compact": [("root", 4, 0, 1, 0, 0, 8986)],
    "0.63.0/f_interrupt": [("root", 3, 2, 0, 0, 0, 2144)],
    "0.169.0/f_interrupt": [("root", 3, 2, 0, 0, 0, 2144)],
}
"""Forks and resumes, reverts, subagents, reviews, compactions, interrupts: of each thread its relation,
turns, interrupted turns, compactions, rollbacks, reviews and tokens."""


@pytest.mark.parametrize("name", WHAT_HAPPENED)
def test_each_thread_has_its_own_share(recordings: Recordings, tmp_path: Path, name: str) -> None:
    take_in(tmp_path / "t.db", place([recordings.one(name)], tmp_path / "home"))
    assert WHAT_HAPPENED[name] == query(
        tmp_path / "t.db",
        "SELECT relation, turns, turns_interrupted, compactions, rollbacks, reviews, total_tokens"
        " FROM sessions ORDER BY created_at",
    )
