"""Forks, resumes, reverts, subagents, reviews, compactions: each told once, by the thread it is of."""

import json
from typing import Any

import pytest

from codex_telemetry.core.facts import Clock
from codex_telemetry.core.identity import SessionId
from codex_telemetry.core.rows import TurnRow
from codex_telemetry.formats.rollout import RolloutName
from recordings import Recordings, names
from rolled import Rolled, file_up, lines_of, name_of, read, rolled_up, session, turn

LEGACY_FORKS = {
    "0.98.0/k_resume_fork": "01a20734-cc43-71d0-b7d6-aa71aa880d7a",
    "0.125.0/k_resume_fork": "01a20738-c642-74d1-95ae-05587918ccf3",
}
PAGINATED_FORKS = {
    "0.155.0/k_resume_fork": "01a2072c-567c-7f71-bc79-55f54bae3904",
    "0.169.0/k_resume_fork": "01a20724-de8a-7ff1-bebc-a8085723ec74",
}
FORKS = LEGACY_FORKS | PAGINATED_FORKS


def of_thread(rolled: Rolled, thread: str) -> list[TurnRow]:
    return [row for row in rolled.turns if row.session_id == thread]


@pytest.mark.parametrize("name", FORKS)
def test_a_fork_has_only_its_own_turns(recordings: Recordings, name: str) -> None:
    rolled, fork = rolled_up(recordings.one(name)), FORKS[name]
    assert len(of_thread(rolled, fork)) == 2
    assert len(of_thread(rolled, rolled.sessions[0].session_id)) == 5
    row = next(row for row in rolled.sessions if row.session_id == fork)
    assert row.relation == "fork"
    assert row.forked_from_id == rolled.sessions[0].session_id
    assert sum(row.total_tokens or 0 for row in of_thread(rolled, fork)) == 1138 + 1149


@pytest.mark.parametrize("name", [*FORKS, "0.169.0/w_legacy"])
def test_a_forks_file_alone_claims_nothing_of_its_parent(recordings: Recordings, name: str) -> None:
    recording = recordings.one(name)
    forked, parent = 0, rolled_up(recording).sessions[0].session_id
    for path in recording.rollouts():
        rolled = file_up(path)
        if rolled.sessions[0].forked_from_id is not None:
            forked += 1
            assert {row.session_id for row in rolled.sessions} == {name_of(path).thread_id}
            assert all(parent not in turn.tellers for turn in rolled.batch.turns.values())
            begun = rolled.sessions[0].created_at or 0
            assert all((row.started_at or 0) >= begun for row in rolled.turns)
    assert forked == 1


@pytest.mark.parametrize("name", FORKS)
def test_a_fork_does_not_announce_its_parents_limits(recordings: Recordings, name: str) -> None:
    rolled = rolled_up(recordings.one(name))
    begun = {row.session_id: row.created_at or 0 for row in rolled.sessions}
    for sample in rolled.batch.limits:
        assert sample.session_id is not None
        assert sample.observed_at >= begun[sample.session_id]
    # Its first own response saw the window at 18 %: what was copied stood at 11 and more.
    copied = [s.used_percent for s in rolled.batch.limits if s.session_id == FORKS[name]]
    assert copied
    assert min(p for p in copied if p is not None) >= 17


def test_a_long_copy_is_recognised_whole_by_its_pace() -> None:
    """A history of thousands of lines takes longer to copy than the lines after it wait."""
    meta = '{"timestamp":"%s","type":"session_meta","payload":{"id":"%s"%s}}'
    parent, fork = (
        LEGACY_FORKS["0.98.0/k_resume_fork"][::-1],
        "f0000000-0000-4000-8000-000000000000",
    )

    def stamp(ms: int) -> str:
        return f"2026-11-23T07:00:{ms // 1000:02}.{ms % 1000:03}Z"

    def prompt(ms: int) -> str:
        return (
            f'{{"timestamp":"{stamp(ms)}","type":"event_msg",'
            '"payload":{"type":"user_message","message":"x"}}'
        )

    lines = [
        meta % (stamp(0), fork, f',"forked_from_id":"{parent}"'),
        meta % (stamp(1), parent, ""),
        *(prompt(1 + n // 10) for n in range(1000)),
        prompt(140),
    ]
    rolled = Rolled()
    name = name_of_thread(fork)
    read(rolled, name, [line.encode() for line in lines])
    (row,) = rolled.turns
    assert row.prompts == 1
    assert row.turn_id.endswith(":@1795417200140")


def test_a_subagents_copied_head_is_its_parents(recordings: Recordings) -> None:
    """0.155 in code mode copies a part of the parent's history and says where it ends."""
    rolled = rolled_up(recordings.one("0.155.0/o_subagent_cm"))
    parent, child = rolled.sessions
    assert child.relation == "subagent"
    assert child.parent_session_id == parent.session_id
    assert child.root_session_id == parent.session_id
    (mine,) = of_thread(rolled, parent.session_id)
    (theirs,) = of_thread(rolled, child.session_id)
    assert theirs.root_turn_id == mine.turn_id
    assert (mine.total_tokens, theirs.total_tokens) == (3249, 2166)
    assert (mine.tool_calls, theirs.tool_calls) == (1, 1)
    assert turn(rolled, mine.turn_id).tellers.keys() == {parent.session_id}


@pytest.mark.parametrize("name", names("0.98.0/o_subagent", "0.125.0/o_subagent", "0.1[56]*/o_s*"))
def test_a_subagent_is_linked_to_its_parent(recordings: Recordings, name: str) -> None:
    parent, child = rolled_up(recordings.one(name)).sessions
    assert (parent.relation, child.relation) == ("root", "subagent")
    assert (parent.source, child.source) == ("vscode", "subagent")
    if name != "0.98.0/o_subagent" or child.parent_session_id is not None:
        assert child.parent_session_id == parent.session_id


@pytest.mark.parametrize("name", names("*/k_resume_fork", "0.[!2]*/x_exec_resume", "*/v1_res*"))
def test_a_resumed_file_adds_to_what_it_told(recordings: Recordings, name: str) -> None:
    recording = recordings.one(name)
    for copy in recording.copies():
        path = next(p for p in recording.rollouts() if p.name == copy.name[len("before-resume-") :])
        before, after = file_up(copy), file_up(path)
        known = {row.turn_id: row for row in after.turns}
        assert len(known) > len(before.turns) > 0
        assert [known[row.turn_id] for row in before.turns] == before.turns


@pytest.mark.parametrize("name", names("0.169.0/j_rollback", "0.169.0/j_revert_paginated"))
def test_a_revert_goes_on_in_a_file_of_its_own(recordings: Recordings, name: str) -> None:
    recording = recordings.one(name)
    reverted = [path for path in recording.rollouts() if name_of(path).revert is not None]
    assert len(reverted) == 1
    rolled = rolled_up(recording)
    (row,) = rolled.sessions
    assert rolled.events.count("thread_rolled_back") == 1
    assert len(rolled.turns) == 4
    assert {turn.session_id for turn in rolled.turns} == {row.session_id}
    # The running total falls back to where the thread was taken; the tokens were used all the same.
    totals = [max(facts.responses) for facts in rolled.batch.turns.values()]
    assert totals == [1061, 2133, 3216, 3227]


@pytest.mark.parametrize("name", names("0.98.0/j_rollback", "0.125.0/j_rollback"))
def test_a_rollback_is_an_event_with_a_time(recordings: Recordings, name: str) -> None:
    rolled = rolled_up(recordings.one(name))
    (facts,) = rolled.batch.sessions.values()
    (event,) = facts.events.values()
    assert event.kind == "thread_rolled_back"
    assert event.starts.keys() == {Clock.LOG}
    assert len(rolled.turns) == 4


@pytest.mark.parametrize("name", names("*/i_review"))
def test_a_reviewers_work_is_its_own_threads(recordings: Recordings, name: str) -> None:
    rolled = rolled_up(recordings.one(name))
    reviewers = [row for row in rolled.sessions if row.relation == "review"]
    assert reviewers
    for reviewer in reviewers:
        (row,) = of_thread(rolled, reviewer.session_id)
        assert (row.tool_calls, row.responses) == (1, 2)
    assert rolled.events.count("entered_review_mode") == len(reviewers)
    assert rolled.events.count("exited_review_mode") == len(reviewers)
    others = [
        row for row in rolled.turns if row.session_id not in {r.session_id for r in reviewers}
    ]
    assert sum(row.prompts or 0 for row in others) == 2, "the reviewer's prompt isn't a person's"
    if name >= "0.125" and name < "0.2":
        outer = [row for row in others if not row.responses]
        assert len(outer) == len(reviewers)
        assert all(row.status == "completed" and row.duration_ms for row in outer)


def test_a_process_that_dies_in_a_review_loses_nothing_after_it(recordings: Recordings) -> None:
    for name in ("0.63.0/i_review", "0.125.0/i_review", "0.169.0/i_review"):
        recording = recordings.one(name)
        path = recording.rollouts()[0]
        lines = lines_of(path)
        left = next(n for n, line in enumerate(lines) if b"xited" in line and b"eview" in line)
        after = next(n for n in range(left, len(lines)) if b"CANARY-PROMPT-3" in lines[n])
        begun = [n for n in range(left, after) if b'"task_started"' in lines[n]]
        whole, cut = file_up(path), Rolled()
        # What stood between, the review's end with it, was never written.
        rest = lines[:left] + lines[begun[-1] if begun else after :]
        read(cut, name_of(path), rest)
        assert cut.turns[-1] == whole.turns[-1]


@pytest.mark.parametrize("name", names("*/h_compact", "*/h_autocompact", "*/v1_autocompact"))
def test_a_compaction_is_an_event_and_its_tokens_count(recordings: Recordings, name: str) -> None:
    rolled = rolled_up(recordings.one(name))
    compactions = 0 if name == "0.63.0/h_compact" else 1
    assert rolled.events.count("context_compacted") == compactions
    assert rolled.count("compaction") == compactions
    summaries = [
        response
        for facts in rolled.batch.turns.values()
        for response in facts.responses.values()
        if response.usage is not None and response.usage.value.total == 2444
    ]
    assert len(summaries) == compactions


def test_a_compaction_of_098_is_a_turn_without_a_prompt(recordings: Recordings) -> None:
    rows = rolled_up(recordings.one("0.98.0/h_compact")).turns
    assert [(row.prompts, row.total_tokens, row.status) for row in rows] == [
        (1, 1061, "completed"),
        (1, 4354, "completed"),
        (0, 2444, "completed"),
        (1, 1127, "completed"),
    ]


def test_a_message_after_a_call_does_not_end_a_turn_that_has_no_id() -> None:
    """0.63 writes down a response once its tools are done: the call, what was said, the output."""
    thread = "01a21949-d92f-75f1-9934-d3a038594366"
    said = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": ""}],
    }
    call = {"type": "function_call", "name": "shell", "call_id": "call_1", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "call_1", "output": "{}"}
    lines: list[tuple[str, dict[str, Any]]] = [
        ("session_meta", {"id": thread, "cli_version": "0.63.0"}),
        ("event_msg", {"type": "user_message", "message": ""}),
        ("turn_context", {"cwd": "/"}),
        ("response_item", call),
        ("response_item", said),
        ("response_item", output),
        ("turn_context", {"cwd": "/"}),
        ("response_item", said),
    ]
    rolled = Rolled()
    written = (
        {"timestamp": f"2026-11-26T19:16:42.{n:03}Z", "type": kind, "payload": payload}
        for n, (kind, payload) in enumerate(lines)
    )
    name = RolloutName(SessionId(thread), "2026-11-26T19-16-39")
    read(rolled, name, [json.dumps(line).encode() for line in written])
    (turn,) = rolled.turns
    assert (turn.status, turn.prompts, turn.tool_calls) == ("completed", 1, 1)


@pytest.mark.parametrize("name", names("*/f_interrupt", "*/v1_interrupt"))
def test_an_interrupted_turn_says_so(recordings: Recordings, name: str) -> None:
    rolled = rolled_up(recordings.one(name))
    rows = rolled.turns
    interrupted = [row for row in rows if row.status == "interrupted"]
    assert len(interrupted) == (1 if name.startswith("0.42") else 2)
    assert rolled.events.count("turn_aborted") == len(interrupted)
    assert all(row.duration_ms for row in interrupted)
    if len(rows) == 3:
        assert rows[2].status == "completed"


def test_an_item_logged_after_later_turns_is_of_its_own_turn(recordings: Recordings) -> None:
    """0.169 writes an interrupted command's end when the process is gone."""
    rolled = rolled_up(recordings.one("0.169.0/f_interrupt"))
    commands = {
        facts.turn_id: item
        for facts in rolled.batch.turns.values()
        for item in facts.items.values()
        if item.kind == "command"
    }
    (turn_id,) = commands
    assert turn_id == rolled.turns[0].turn_id


@pytest.mark.parametrize("name", names("0.155.0/g_errors", "0.169.0/g_errors"))
def test_a_failed_turn_says_what_kind_of_failure(recordings: Recordings, name: str) -> None:
    rows = rolled_up(recordings.one(name)).turns
    assert [row.status for row in rows].count("failed") == 8
    assert {row.error_kind for row in rows} >= {"usage_limit_exceeded", "context_window_exceeded"}


@pytest.mark.parametrize("name", names("*/p_steer"))
def test_a_prompt_while_a_turn_runs_is_the_running_turns(recordings: Recordings, name: str) -> None:
    rows = rolled_up(recordings.one(name)).turns
    assert len(rows) == 2
    assert [row.prompts for row in rows] == ([1, 2] if name.startswith("0.98") else [2, 2])


def test_up_to_0130_every_response_is_announced_twice_and_counted_once(
    recordings: Recordings,
) -> None:
    recording = recordings.one("0.125.0/b_shell")
    lines = lines_of(recording.rollouts()[0])
    announced = sum(b'"token_count"' in line and b'"last_token_usage"' in line for line in lines)
    (row,) = rolled_up(recording).turns
    assert announced == 7
    assert row.responses == 4


def test_a_migrated_file_tells_the_same_turns_under_the_same_ids(recordings: Recordings) -> None:
    """`codex migrate-rollouts` numbers old turns anew: `rollout-5` is still the prompt's turn."""
    recording = recordings.one("0.169.0/w_upgrade")
    for path in recording.rollouts():
        if path.suffix != ".jsonl":
            continue
        before = file_up(recording.path / f"resumed-{path.name}")
        after = file_up(path)
        counted = ("turn_id", "started_at", "prompts", "messages", "tool_calls", "total_tokens")
        for mine, theirs in zip(before.turns, after.turns, strict=True):
            assert [getattr(mine, c) for c in counted] == [getattr(theirs, c) for c in counted]


def test_an_upgraded_homes_response_has_the_total_of_the_stream(recordings: Recordings) -> None:
    """0.169 counts a resumed thread of 0.98 anew in its records, and goes on in its counts."""
    rolled = rolled_up(recordings.one("0.169.0/w_upgrade"))
    facts = turn(rolled, "01a2072e-75d1-7891-ae4d-ff4b48e0ec25")
    assert facts.responses.keys() == {5426}
    (response,) = facts.responses.values()
    assert response.response_id is not None


def test_the_file_that_a_thread_was_compressed_from_is_the_same_thread(
    recordings: Recordings,
) -> None:
    rolled = rolled_up(recordings.one("0.169.0/w_compress"))
    assert len(rolled.sessions) == 2
    assert session(rolled, rolled.sessions[0].session_id).relation is None


def name_of_thread(thread: str) -> RolloutName:
    return RolloutName(SessionId(thread), "2026-11-23T07-00-00")
