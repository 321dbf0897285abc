"""What the stream of every recorded release tells, held against what the model's side sent."""

import msgspec
import pytest

from codex_telemetry.core.parts import Parts
from recordings import Recordings, names
from told import sent_by_the_model, told_by

STREAMS = tuple(name for name in names() if "/x_exec" not in name)

NOT_ON_THE_STREAM = {
    "0.63.0/i_review": "a reviewer's tokens are its own thread's, in its rollout",
    "0.98.0/i_review": "a reviewer's tokens are its own thread's, in its rollout",
    "0.125.0/i_review": "a reviewer's tokens are its own thread's, in its rollout",
    "0.155.0/i_review": "a reviewer's tokens are its own thread's, in its rollout",
    "0.169.0/i_review": "a reviewer's tokens are its own thread's, in its rollout",
    "0.169.0/a_optout": "the client asked not to be told",
    "0.169.0/u_eof_midturn": "the process ended before it said so",
    "0.169.0/u_sigint_midturn": "the process ended before it said so",
    "0.169.0/u_sigkill_midturn": "the process ended before it said so",
    "0.169.0/u_sigterm_midturn": "the process ended before it said so",
    "0.42.0/v1_interrupt": "interrupted before the count was announced",
}


@pytest.mark.parametrize("name", STREAMS)
def test_tokens_are_those_the_model_sent(recordings: Recordings, name: str) -> None:
    recording = recordings.one(name)
    told, sent = told_by(recording.frames()).total_tokens, sent_by_the_model(recording)
    if name in NOT_ON_THE_STREAM:
        assert told < sent, "the stream tells all by now: take it off the list"
    else:
        assert told == sent


@pytest.mark.parametrize("name", STREAMS)
def test_nothing_that_was_said_is_in_the_facts(recordings: Recordings, name: str) -> None:
    facts = msgspec.msgpack.encode(told_by(recordings.one(name).frames()).batch)
    for marker in (b"CANARY-", b"canary-key"):
        assert marker not in facts


@pytest.mark.parametrize("name", STREAMS)
def test_every_name_of_a_recorded_release_is_known(recordings: Recordings, name: str) -> None:
    drift = told_by(recordings.one(name).frames()).drift
    # One client was made to send lines that are no messages.
    assert drift == ({"(client line)": 1} if name == "0.169.0/v_protocol" else {})


@pytest.mark.parametrize("name", STREAMS)
def test_parts_add_up_and_little_is_unexplained(recordings: Recordings, name: str) -> None:
    for row in told_by(recordings.one(name).frames()).turns:
        found = [getattr(row, f"{part}_ms") for part in Parts._fields]
        if row.duration_ms is None or row.tools_ms is None:
            assert found == [None] * len(found)
            continue
        # What exec says nothing of is unknown: hooks, compactions.
        assert sum(ms or 0 for ms in found) == row.duration_ms
        if row.status == "completed":
            assert row.unexplained_ms is not None
            assert row.unexplained_ms <= max(50, row.duration_ms // 20)


@pytest.mark.parametrize("name", names("*/a_plain", "*/v1_plain"))
def test_a_plain_turn_is_known_whole(recordings: Recordings, name: str) -> None:
    (row,) = told_by(recordings.one(name).frames()).turns
    assert row.status == "completed"
    assert (row.prompts, row.messages, row.reasoning_items, row.tool_calls) == (1, 1, 1, 0)
    assert (row.input_tokens, row.output_tokens, row.responses) == (1010, 51, 1)
    assert (row.cached_input_tokens, row.reasoning_output_tokens) == (401, 21)
    assert row.context_tokens == 1061
    assert row.context_window
    assert row.model
    assert row.cwd
    assert row.cwd.endswith("/work")
    assert row.cli_version == name.partition("/")[0]
    assert row.duration_ms is not None
    assert 300 < row.duration_ms < 1_000
    assert row.ttft_ms is not None
    assert 100 < row.ttft_ms < row.duration_ms
    assert row.ttfm_ms is not None
    assert row.ttfm_ms >= row.ttft_ms


@pytest.mark.parametrize("name", names("*/b_shell", "0.42.0/v1_shell"))
def test_commands_are_known_by_their_word_and_time(recordings: Recordings, name: str) -> None:
    told = told_by(recordings.one(name).frames())
    (row,) = told.turns
    assert (row.tool_calls, row.tool_failures) == (3, 1)
    assert row.tools_ms is not None
    assert 850 < row.tools_ms < 1_100
    (turn,) = told.batch.turns.values()
    commands = [i for i in turn.items.values() if i.kind == "command"]
    assert [i.name and i.name.value for i in commands] == ["echo", "echo", "sleep"]
    assert [i.exit_code and i.exit_code.value for i in commands] == [0, 3, 0]
    assert [i.output_bytes and i.output_bytes.value for i in commands] == [26, 17, 19]


@pytest.mark.parametrize("name", names("*/n_approval"))
def test_the_wait_for_an_approval_is_measured(recordings: Recordings, name: str) -> None:
    waits = [r.approval_ms for r in told_by(recordings.one(name).frames()).turns if r.approvals]
    assert len(waits) >= 4
    # The recorded client answers each after half a second; one turn asks twice.
    assert all(ms is not None and (495 <= ms <= 560 or 990 <= ms <= 1_100) for ms in waits)


@pytest.mark.parametrize("name", names("*/l_concurrent"))
def test_two_threads_at_once_are_kept_apart(recordings: Recordings, name: str) -> None:
    told = told_by(recordings.one(name).frames())
    by_thread: dict[str, list[int | None]] = {}
    for row in told.turns:
        by_thread.setdefault(row.session_id, []).append(row.tool_calls)
    assert len(by_thread) == 2
    assert told.total_tokens == sent_by_the_model(recordings.one(name))
    assert all(row.status == "completed" for row in told.turns)
    owned = [item for turn in told.batch.turns.values() for item in turn.items]
    assert len(owned) == len(set(owned))


@pytest.mark.parametrize("name", names("*/f_interrupt", "0.42.0/v1_interrupt"))
def test_what_an_interrupt_cut_short_is_unfinished(recordings: Recordings, name: str) -> None:
    told = told_by(recordings.one(name).frames())
    assert any(row.status == "interrupted" for row in told.turns)
    assert not any(row.status == "in_progress" for row in told.turns)


@pytest.mark.parametrize("name", names("*/p_steer"))
def test_a_turn_announced_while_another_runs_makes_no_ghost(
    recordings: Recordings, name: str
) -> None:
    assert [row.status for row in told_by(recordings.one(name).frames()).turns] == [
        "completed"
    ] * len(told_by(recordings.one(name).frames()).turns)


@pytest.mark.parametrize("name", names("*/i_review"))
def test_a_review_is_one_turn_under_the_outer_id(recordings: Recordings, name: str) -> None:
    told = told_by(recordings.one(name).frames())
    reviews = [
        turn
        for turn in told.batch.turns.values()
        if any(item.kind == "review" for item in turn.items.values())
    ]
    assert reviews
    assert all(row.status == "completed" for row in told.turns)


@pytest.mark.parametrize("name", names("*/o_subagent"))
def test_a_subagents_thread_is_linked_to_its_parent(recordings: Recordings, name: str) -> None:
    told = told_by(recordings.one(name).frames())
    children = [s for s in told.batch.sessions.values() if s.parent_session_id is not None]
    if name == "0.63.0/o_subagent":  # knows no subagents
        assert not children
        return
    (child,) = children
    assert child.parent_session_id is not None
    assert child.parent_session_id.value in told.batch.sessions
    assert child.relation is not None
    assert child.relation.value == "subagent"


@pytest.mark.parametrize("name", names("*/k_resume_fork", "0.42.0/v1_resume"))
def test_history_that_is_announced_again_makes_no_turns(recordings: Recordings, name: str) -> None:
    recording = recordings.one(name)
    asked = sum(
        b'"turn/start"' in f.line or b'"sendUserMessage"' in f.line
        for f in recording.frames()
        if f.direction == "c2s"
    )
    assert len(told_by(recording.frames()).turns) == asked


@pytest.mark.parametrize("name", names("*/g_errors"))
def test_errors_are_kept_by_kind_and_retries_apart(recordings: Recordings, name: str) -> None:
    rows = told_by(recordings.one(name).frames()).turns
    failed = [row for row in rows if row.status == "failed"]
    assert failed
    assert {row.error_kind for row in failed} >= {"internal_server_error", "other"}
    assert any(row.retries == 2 for row in failed)


@pytest.mark.parametrize("name", names("*/a_plain", "0.42.0/v1_plain"))
def test_rate_limits_are_read_by_window(recordings: Recordings, name: str) -> None:
    limits = told_by(recordings.one(name).frames()).limits
    assert {s.window_minutes for s in limits} == {300, 10_080}
    five_hours = next(s for s in limits if s.window_minutes == 300)
    assert five_hours.used_percent == 11
    assert five_hours.resets_at is not None
    assert 0 < five_hours.resets_at - five_hours.observed_at <= 3_601_000


def test_an_opened_thread_is_known_with_its_settings(recordings: Recordings) -> None:
    told = told_by(recordings.one("0.169.0/n_approval").frames())
    policies = {row.approval_policy for row in told.turns}
    assert policies == {"untrusted", "on-request"}
    assert {row.sandbox for row in told.turns} == {"read-only"}
    session = next(iter(told.batch.sessions.values()))
    assert session.client_name is not None
    assert session.client_name.value == "canary_client"
