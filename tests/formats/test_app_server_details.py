"""Single data points of the stream, each from a recording in which it occurs, or the least of a story."""

import json

import pytest

from codex_telemetry.core.facts import Clock, Source
from codex_telemetry.core.rows import ItemRow
from codex_telemetry.core.settle import settle_session, settle_turn
from codex_telemetry.core.settle_items import settle_item
from recordings import Recordings, names
from told import Told, told_by

THREAD = "01a20723-e07a-7931-8126-7830aff6bc9a"
TURN = "01a20724-25db-75a2-b830-6a9c0d17030c"


def items_of(told: Told, kind: str) -> list[ItemRow]:
    return [
        settle_item(item_id, item, turn, settle_turn(turn).status)
        for turn in told.batch.turns.values()
        for item_id, item in turn.items.items()
        if item.kind == kind
    ]


def notify(told: Told, method: str, at: int = 0, **params: object) -> None:
    told.hear("server", json.dumps({"method": method, "params": params}).encode(), at)


def test_cache_writes_are_known_where_codex_tells_them(recordings: Recordings) -> None:
    (new,) = told_by(recordings.one("0.169.0/a_plain").frames()).turns
    (old,) = told_by(recordings.one("0.125.0/a_plain").frames()).turns
    assert (new.cache_write_input_tokens, old.cache_write_input_tokens) == (0, None)


def test_when_and_where_it_was_heard_is_kept(recordings: Recordings) -> None:
    (row,) = told_by(recordings.one("0.169.0/a_plain").frames()).turns
    assert row.captured_at is not None
    assert row.started_at is not None
    assert 0 <= row.captured_at - row.started_at < 1_000
    assert row.utc_offset_min == 0
    assert row.sources == Source.LIVE


@pytest.mark.parametrize("name", names("0.98.0/k_resume_fork", "0.1*/k_resume_fork"))
def test_a_fork_names_the_thread_it_was_made_from(recordings: Recordings, name: str) -> None:
    told = told_by(recordings.one(name).frames())
    forks = [s for s in map(settle_session, told.batch.sessions.values()) if s.forked_from_id]
    if name.startswith("0.98.0"):  # says so only in the rollout
        assert forks == []
        return
    (fork,) = forks
    assert fork.relation == "fork"
    assert fork.forked_from_id in told.batch.sessions


def test_an_archived_thread_says_so(recordings: Recordings) -> None:
    told = told_by(recordings.one("0.169.0/k_resume_fork").frames())
    archived = [settle_session(s).archived for s in told.batch.sessions.values()]
    assert sorted(archived, key=bool) == [None, True]


def test_git_is_known_where_codex_tells_it(recordings: Recordings) -> None:
    told = told_by(recordings.one("0.98.0/a_plain").frames())
    (session,) = map(settle_session, told.batch.sessions.values())
    assert session.git_branch == "master"
    assert len(session.git_commit or "") == 40


def test_a_turns_own_settings_override_its_threads() -> None:
    told = Told()
    sandbox = {
        "type": "workspaceWrite",
        "networkAccess": True,
        "writableRoots": ["/a", "/b"],
        "excludeTmpdirEnvVar": False,
        "excludeSlashTmp": True,
    }
    params = {
        "threadId": THREAD,
        "effort": "high",
        "summary": "concise",
        "serviceTier": "flex",
        "model": "gpt-x",
        "sandboxPolicy": sandbox,
    }
    told.hear("client", json.dumps({"id": 1, "method": "turn/start", "params": params}).encode())
    told.hear("server", json.dumps({"id": 1, "result": {"turn": {"id": TURN}}}).encode())
    notify(told, "turn/started", threadId=THREAD, turn={"id": TURN})
    (row,) = told.turns
    assert (row.effort, row.summary_mode, row.service_tier, row.model) == (
        "high",
        "concise",
        "flex",
        "gpt-x",
    )
    assert (row.sandbox, row.sandbox_network, row.sandbox_writable_roots) == (
        "workspace-write",
        True,
        2,
    )
    assert (row.exclude_tmpdir, row.exclude_slash_tmp) == (False, True)


def test_limits_are_sparse_and_kept_apart() -> None:
    told = Told()
    five, week = {"windowDurationMins": 300}, {"windowDurationMins": 10_080}
    first = {
        "limitId": "codex",
        "planType": "pro",
        "credits": {"hasCredits": True, "unlimited": False, "balance": "12.5"},
        "primary": {**five, "usedPercent": 10, "resetsAt": 2_000},
    }
    sparse = {
        "limitId": "codex",
        "planType": None,
        "credits": None,
        "primary": {**five, "usedPercent": 11, "resetsAt": 2_000},
    }
    other = {"limitId": "sonic", "primary": {**week, "usedPercent": 3, "resetsAt": 9_000}}
    for at, limits in enumerate((first, sparse, sparse, other)):
        notify(told, "account/rateLimits/updated", at, rateLimits=limits)
    assert [(s.limit_id, s.window_minutes, s.used_percent) for s in told.limits] == [
        ("codex", 300, 10),
        ("codex", 300, 11),
        ("sonic", 10_080, 3),
    ]
    kept = told.limits[1]
    assert (kept.plan_type, kept.has_credits, kept.unlimited_credits, kept.credit_balance) == (
        "pro",
        True,
        False,
        "12.5",
    )
    assert told.limits[2].plan_type is None


@pytest.mark.parametrize("name", names("*/e_mcp", "0.42.0/v1_mcp"))
def test_an_mcp_call_is_known_by_server_and_tool(recordings: Recordings, name: str) -> None:
    calls = items_of(told_by(recordings.one(name).frames()), "mcp_tool")
    assert [(c.server, c.name) for c in calls] == [("canary", "echo"), ("canary", "fail")]
    assert calls[0].duration_ms is not None
    assert 395 <= calls[0].duration_ms <= 460


@pytest.mark.parametrize("name", names("*/d_web"))
def test_a_web_search_is_known_by_its_action(recordings: Recordings, name: str) -> None:
    searches = items_of(told_by(recordings.one(name).frames()), "web_search")
    if name.startswith("0.63.0"):  # reports the first alone, without its action
        assert [s.action for s in searches] == [None]
    else:
        assert [s.action for s in searches] == ["search", "open_page", "find_in_page"]


@pytest.mark.parametrize("name", names("0.98.0/h_*compact", "0.1*/h_*compact"))
def test_a_compaction_is_a_part_of_its_turn(recordings: Recordings, name: str) -> None:
    told = told_by(recordings.one(name).frames())
    compacted = [
        settle_turn(turn)
        for turn in told.batch.turns.values()
        if any(item.kind == "compaction" for item in turn.items.values())
    ]
    assert len(compacted) == 1
    for row in compacted:
        # 0.98 never starts the turn of a compaction on request: it is from the request on.
        assert row.duration_ms is not None
        assert row.compaction_ms is not None
        assert row.compaction_ms > 200


@pytest.mark.parametrize("name", names("0.169.0/r_bigout"))
def test_an_output_at_codexs_cap_says_so(recordings: Recordings, name: str) -> None:
    (command,) = items_of(told_by(recordings.one(name).frames()), "command")
    assert command.output_bytes is not None
    assert 1 << 20 <= command.output_bytes < (1 << 20) + 200  # the rest says that it was cut
    assert command.output_capped


@pytest.mark.parametrize("name", names("*/c_patch"))
def test_a_file_change_is_known_by_its_lines(recordings: Recordings, name: str) -> None:
    changes = items_of(told_by(recordings.one(name).frames()), "file_change")
    assert [(c.lines_added, c.lines_removed) for c in changes[:2]] == [(2, 0), (1, 1)]


@pytest.mark.parametrize("name", names("*/n_approval"))
def test_a_decision_is_kept_with_its_item(recordings: Recordings, name: str) -> None:
    told = told_by(recordings.one(name).frames())
    asked = [i for kind in ("command", "file_change") for i in items_of(told, kind) if i.decision]
    assert {i.decision for i in asked} >= {"accept", "decline"}
    assert all(i.approval_ms is not None and 495 <= i.approval_ms <= 560 for i in asked)


@pytest.mark.parametrize("name", names("*/n_approval"))
def test_what_was_declined_did_not_fail(recordings: Recordings, name: str) -> None:
    told = told_by(recordings.one(name).frames())
    declined = [
        i
        for kind in ("command", "file_change")
        for i in items_of(told, kind)
        if i.decision == "decline"
    ]
    assert declined
    assert {i.status for i in declined} == {"declined"}


def test_a_reroute_is_an_event(recordings: Recordings) -> None:
    told = told_by(recordings.one("0.169.0/a_reroute").frames())
    events = [e for turn in told.batch.turns.values() for e in turn.events.values()]
    (event,) = (e for e in events if e.kind == "model_rerouted")
    assert event.name is not None
    assert event.name.value == "canary-served-model"


@pytest.mark.parametrize("name", names("0.1*/e_mcp"))
def test_the_start_of_an_mcp_server_is_timed(recordings: Recordings, name: str) -> None:
    told = told_by(recordings.one(name).frames())
    (event,) = (e for s in told.batch.sessions.values() for e in s.events.values())
    assert (event.kind, event.name and event.name.value) == ("mcp_server_startup", "canary")
    assert event.status is not None
    assert event.status.value == "ready"
    assert 0 < event.ends[Clock.WIRE] - event.starts[Clock.WIRE] < 5_000


def test_what_was_declined_took_no_time_but_the_wait() -> None:
    told = Told()
    notify(told, "turn/started", 0, threadId=THREAD, turn={"id": TURN})
    item = {"type": "commandExecution", "id": "c1", "status": "inProgress", "command": "rm x"}
    notify(told, "item/started", 100, threadId=THREAD, turnId=TURN, item=item)
    asked = {"threadId": THREAD, "turnId": TURN, "itemId": "c1"}
    method = "item/commandExecution/requestApproval"
    told.hear("server", json.dumps({"id": 0, "method": method, "params": asked}).encode(), 100)
    told.hear("client", b'{"id":0,"result":{"decision":"decline"}}', 600)
    done = {**item, "status": "declined"}
    notify(told, "item/completed", 610, threadId=THREAD, turnId=TURN, item=done)
    (command,) = items_of(told, "command")
    assert (command.status, command.duration_ms, command.approval_ms) == ("declined", 10, 500)


def test_058_tells_of_calls_in_the_older_events_alone() -> None:
    told = Told()
    told.hear("client", b'{"id":1,"method":"initialize","params":{}}')
    told.hear("server", b'{"id":1,"result":{"userAgent":"codex_cli_rs/0.58.0 (Debian)"}}')
    told.hear("client", b'{"id":2,"method":"thread/start","params":{}}')
    told.hear("server", json.dumps({"id": 2, "result": {"thread": {"id": THREAD}}}).encode())
    asked = {"id": 3, "method": "turn/start", "params": {"threadId": THREAD}}
    told.hear("client", json.dumps(asked).encode(), 100)
    told.hear("server", b'{"id":3,"result":{"turn":{"id":"0"}}}', 101)
    notify(told, "turn/started", 102, turn={"id": "0"})

    def event(at: int, kind: str, **msg: object) -> None:
        said = {"type": kind, **msg}
        notify(told, f"codex/event/{kind}", at, id="0", conversationId=THREAD, msg=said)

    event(200, "exec_command_begin", call_id="c1", command=["bash", "-lc", "sleep 1"])
    event(1_200, "exec_command_end", call_id="c1", exit_code=0, duration={"secs": 1, "nanos": 0})
    event(1_300, "task_complete")
    (row,) = told.turns
    assert (row.status, row.duration_ms, row.tool_calls, row.tools_ms) == (
        "completed",
        1_200,
        1,
        1_000,
    )
