"""One recording of each release, and what its rollout tells: whatever a release lacks is None."""

from typing import Any

import msgspec
import pytest

from codex_telemetry.core.facts import Clock, ItemFacts, LimitSample, Said
from recordings import Recordings, names
from rolled import name_of, one_turn, rolled_up

SESSIONS: dict[str, dict[str, Any]] = {
    "0.20.0/x_exec_shell": {"source": None, "originator": None, "cli_version": None, "cwd": None},
    "0.42.0/v1_shell": {
        "source": None,
        "originator": "codex_cli_rs",
        "cli_version": "0.42.0",
        "model_provider": None,
    },
    "0.63.0/b_shell": {
        "source": "vscode",
        "originator": "codex_cli_rs",
        "cli_version": "0.63.0",
        "model_provider": "mock",
    },
    "0.98.0/b_shell": {"source": "vscode", "originator": "canary_client", "cli_version": "0.98.0"},
    "0.125.0/b_shell": {"originator": "canary_client", "cli_version": "0.125.0"},
    "0.155.0/b_shell_cm": {"cli_version": "0.155.0", "model_provider": "mock"},
    "0.169.0/b_shell": {"cli_version": "0.169.0", "source": "vscode"},
    "0.169.0/x_exec_shell": {"originator": "codex_exec", "source": "exec"},
}

BASICS = {
    "status": "completed",
    "prompts": 1,
    "messages": 2,
    "reasoning_items": 1,
    "tool_calls": 3,
    "responses": 4,
    "input_tokens": 4100,
    "cached_input_tokens": 1610,
    "output_tokens": 210,
    "reasoning_output_tokens": 90,
    "total_tokens": 4310,
    "context_tokens": 1094,
    "approval_policy": "never",
    "sandbox": "danger-full-access",
}
TURNS: dict[str, dict[str, Any]] = {
    "0.20.0/x_exec_shell": {
        **{k: v for k, v in BASICS.items() if "tokens" not in k},
        "responses": None,
        "total_tokens": None,
        "approval_policy": None,
        "sandbox": None,
        "model": None,
        "duration_ms": None,
        "truncation_policy": None,
        "has_base_instructions": None,
    },
    "0.42.0/v1_shell": {
        **BASICS,
        "model": "gpt-5-codex",
        "context_window": 272000,
        "duration_ms": 2123,
        "duration_clock": "log",
        "summary_mode": "detailed",
        "truncation_policy": None,
        "ttft_ms": None,
        "cache_write_input_tokens": None,
        "has_base_instructions": None,
        "has_user_instructions": False,
        "has_developer_instructions": None,
    },
    "0.63.0/b_shell": {
        **BASICS,
        "model": "gpt-5.1-codex",
        "context_window": 258400,
        "duration_ms": 2001,
        "duration_clock": "log",
    },
    "0.98.0/b_shell": {
        **BASICS,
        "model": "gpt-5.2-codex",
        "duration_ms": 2237,
        "truncation_policy": "tokens:10000",
        "has_base_instructions": True,
        "has_user_instructions": True,
        "has_developer_instructions": False,
    },
    "0.125.0/b_shell": {
        **BASICS,
        "turn_id": "01a20738-26d0-75a1-985a-a461d7693af7",
        "model": "gpt-5.5",
        "duration_ms": 2113,
        "duration_clock": "codex_ms",
        "ttft_ms": 220,
        "has_user_instructions": False,
        "root_turn_id": None,
    },
    "0.155.0/b_shell_cm": {
        **BASICS,
        "turn_id": "01a2073e-cbbd-7bc0-b2ba-9ee90ad25ca1",
        "root_turn_id": "01a2073e-cbbd-7bc0-b2ba-9ee90ad25ca1",
        "model": "gpt-6-astra",
        "duration_ms": 2373,
        "ttft_ms": 273,
        "ttfm_ms": 362,
        "cache_write_input_tokens": 0,
    },
    "0.169.0/b_shell": {
        **BASICS,
        "model": "gpt-5.5",
        "duration_ms": 2171,
        "duration_clock": "codex_ms",
        "ttft_ms": 232,
        "summary_mode": "none",
        "context_window": 258400,
    },
    "0.169.0/x_exec_shell": {**BASICS, "sandbox": "danger-full-access"},
}


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_is_known_by_the_head_of_its_file(recordings: Recordings, name: str) -> None:
    recording = recordings.one(name)
    (row,) = rolled_up(recording).sessions
    found = msgspec.structs.asdict(row)
    assert {key: found[key] for key in SESSIONS[name]} == SESSIONS[name]
    assert row.session_id == name_of(recording.rollouts()[0]).thread_id
    assert row.relation == "root"
    assert row.git_branch == "master"
    assert len(row.git_commit or "") == 40
    assert row.git_repo is None
    assert row.created_at is not None
    assert row.last_at is not None
    assert row.cwd is None or row.cwd.endswith("/work")


@pytest.mark.parametrize("name", TURNS)
def test_a_turn_is_known_as_far_as_its_release_tells(recordings: Recordings, name: str) -> None:
    (row,) = rolled_up(recordings.one(name)).turns
    found = msgspec.structs.asdict(row)
    assert {key: found[key] for key in TURNS[name]} == TURNS[name]


def values(item: ItemFacts, *fields: str) -> list[Any]:
    told: list[Said[Any] | None] = [getattr(item, field) for field in fields]
    return [None if claim is None else claim.value for claim in told]


@pytest.mark.parametrize("name", names("*/b_shell*", "*/v1_shell", "*/x_exec_shell*"))
def test_commands_are_known_by_word_and_end(recordings: Recordings, name: str) -> None:
    (turn,) = rolled_up(recordings.one(name)).batch.turns.values()
    commands = [item for item in turn.items.values() if item.kind == "command"]
    assert [values(item, "name", "status", "exit_code") for item in commands] == [
        ["echo", "completed", 0],
        ["echo", "failed", 3],
        ["sleep", "completed", 0],
    ]
    (slept,) = values(commands[-1], "duration")
    assert 850 <= slept <= 1_000
    paginated = name.startswith(("0.155", "0.169"))
    sizes = [26, 17, 19] if paginated else [None] * 3
    assert [values(item, "output_bytes")[0] for item in commands] == sizes
    if paginated:
        assert all(Clock.CODEX_MS in item.starts for item in commands)


@pytest.mark.parametrize("name", names("0.169.0/b_shell", "0.169.0/b_shell_cm"))
def test_the_container_of_code_mode_is_no_call(recordings: Recordings, name: str) -> None:
    rolled = rolled_up(recordings.one(name))
    commands = [i for i in one_turn(rolled).items if i.startswith(("exec-", "call_"))]
    assert len(commands) == rolled.turns[0].tool_calls == 3
    assert {i.startswith("exec-") for i in commands} == {name.endswith("_cm")}
    assert rolled.count("custom_tool_call") == (3 if name.endswith("_cm") else 0)
    assert rolled.count("function_call") == (0 if name.endswith("_cm") else 3)


@pytest.mark.parametrize("name", names("*/e_mcp", "*/v1_mcp", "*/x_exec_mcp"))
def test_tools_of_mcp_are_known_by_server_and_name(recordings: Recordings, name: str) -> None:
    rolled = rolled_up(recordings.one(name))
    tools = [i for i in one_turn(rolled).items.values() if i.kind == "mcp_tool"]
    assert [values(i, "server", "name") for i in tools] == [["canary", "echo"], ["canary", "fail"]]
    if name.startswith(("0.155", "0.169")):
        assert rolled.turns[0].tool_failures == 1
        assert 400 <= values(tools[0], "duration")[0] <= 420


@pytest.mark.parametrize("name", names("*/c_patch", "*/v1_patch", "*/x_exec_patch"))
def test_patches_are_changes_of_files(recordings: Recordings, name: str) -> None:
    (turn,) = rolled_up(recordings.one(name)).batch.turns.values()
    patches = [item for item in turn.items.values() if item.kind == "file_change"]
    assert len(patches) == 3
    assert [values(item, "status")[0] for item in patches][:2] == ["completed"] * 2
    if name.startswith(("0.155", "0.169")):
        assert [values(i, "lines_added", "lines_removed") for i in patches] == [
            [2, 0],
            [1, 1],
            [None, None],
        ]


@pytest.mark.parametrize("name", names("0.[169][0-9]*/d_web", "0.63.0/d_web"))
def test_searches_are_counted_by_what_they_did(recordings: Recordings, name: str) -> None:
    rolled = rolled_up(recordings.one(name))
    assert rolled.turns[0].tool_calls == 3
    assert rolled.count("web_search_call") == 3
    assert [rolled.count(f"web_search.{a}") for a in ("search", "open_page", "find_in_page")] == [
        1,
        1,
        1,
    ]
    if name.startswith(("0.155", "0.169")):
        found = [values(item, "action")[0] for item in one_turn(rolled).items.values()]
        assert [a for a in found if a] == ["search", "open_page", "find_in_page"]


@pytest.mark.parametrize("name", names("*/m_image"))
def test_images_are_counted_by_their_kind(recordings: Recordings, name: str) -> None:
    rolled = rolled_up(recordings.one(name))
    # 0.63 writes every image as data; 0.98 puts the one that a tool viewed into a prompt as well.
    assert (rolled.count("images"), rolled.count("local_images")) in {(1, 1), (2, 0), (2, 1)}
    assert rolled.count("image_ext.png") == rolled.count("local_images")
    if name.startswith("0.169"):
        assert rolled.count("local_images") == 1
    viewed = [i for t in rolled.batch.turns.values() for i in t.items.values() if i.kind == "image"]
    assert len(viewed) == 1


@pytest.mark.parametrize("name", names("*/n_approval"))
def test_what_was_refused_is_declined(recordings: Recordings, name: str) -> None:
    items = [
        item
        for turn in rolled_up(recordings.one(name)).batch.turns.values()
        for item in turn.items.values()
    ]
    patches = [values(i, "status")[0] for i in items if i.kind == "file_change"]
    assert patches.count("declined") == 1
    commands = [values(i, "status")[0] for i in items if i.kind == "command"]
    assert "declined" in commands or name in {"0.98.0/n_approval", "0.125.0/n_approval"}


def test_limits_are_read_window_by_window(recordings: Recordings) -> None:
    old, new = (
        rolled_up(recordings.one(name)).batch.limits[0]
        for name in ("0.42.0/v1_shell", "0.169.0/b_shell")
    )
    assert old == LimitSample(
        limit_id=None,
        window_minutes=300,
        observed_at=1795417298371,
        used_percent=11.0,
        resets_at=1795417298371 + 3_600_000,
        session_id="01a20735-d567-7e92-8313-25d235453ab1",
    )
    assert (new.limit_id, new.window_minutes, new.used_percent) == ("codex", 300, 11.0)
    assert (new.has_credits, new.unlimited_credits, new.credit_balance) == (True, False, "12.5")
    assert new.resets_at == 1795419739000


def test_the_service_tier_stands_in_the_threads_settings(recordings: Recordings) -> None:
    tiers = [t.service_tier for t in rolled_up(recordings.one("0.169.0/j_rollback")).turns]
    assert "default" in tiers
