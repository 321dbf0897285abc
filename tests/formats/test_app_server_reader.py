"""The reader holds whatever comes down the line: any bytes, odd shapes, hostile names."""

import json

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from codex_telemetry.core.facts import Clock, Drift
from codex_telemetry.formats.base import Direction
from recordings import Recordings, names
from told import Told, told_by

THREAD = "01a20723-e07a-7931-8126-7830aff6bc9a"
TURN = "01a20724-25db-75a2-b830-6a9c0d17030c"
directions = st.sampled_from(["client", "server"])

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
methods = st.sampled_from(
    [
        "turn/started",
        "turn/completed",
        "item/started",
        "item/completed",
        "thread/started",
        "thread/tokenUsage/updated",
        "account/rateLimits/updated",
        "error",
        "model/rerouted",
        "codex/event/token_count",
        "codex/event/exec_command_end",
        "item/commandExecution/requestApproval",
        "turn/start",
        "thread/start",
        "initialize",
        "sendUserMessage",
        "newConversation",
    ]
)
keys = st.sampled_from(
    "id threadId turnId turn thread item type status msg conversationId info total last error "
    "tokenUsage rateLimits primary usedPercent decision call_id command duration".split()
)
values = st.recursive(
    leaves | st.sampled_from([THREAD, TURN, "commandExecution", "token_count"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)
messages = st.fixed_dictionaries(
    {}, optional={"method": methods, "id": leaves, "params": values, "result": values}
)


def said(method: str, **params: object) -> bytes:
    return json.dumps({"method": method, "params": params}).encode()


def turn_in_progress() -> Told:
    told = Told()
    told.hear(
        "client",
        b'{"id":1,"method":"turn/start","params":{"threadId":"%s"}}' % THREAD.encode(),
        100,
    )
    told.hear("server", said("turn/started", threadId=THREAD, turn={"id": TURN}), 150)
    return told


@given(st.lists(st.tuples(directions, st.binary(max_size=200)), max_size=5))
def test_any_bytes_raise_nothing(lines: list[tuple[Direction, bytes]]) -> None:
    told = turn_in_progress()
    for sent_by, line in lines:
        told.hear(sent_by, line)


@given(st.lists(st.tuples(directions, messages), max_size=8))
def test_any_shape_of_a_known_message_raises_nothing(
    lines: list[tuple[Direction, dict[str, object]]],
) -> None:
    told = turn_in_progress()
    for sent_by, message in lines:
        told.hear(sent_by, json.dumps(message).encode())
    msgspec.msgpack.encode(told.batch)
    assert told.turns is not None


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"method":' + b'{"a":' * 100_000,
        b'{"method":"turn/started","params":{"threadId":"\\ud800","turn":{"id":"\\ud800"}}}',
        b'{"method":"\xff\xfe"}',
        b"\x00" * 64,
        b'\xef\xbb\xbf{"method":"initialized"}',
        b'{"id":1e400,"result":{}}',
        b'{"method":"error","method":"turn/started","params":3}',
    ],
    ids=range(8),
)
def test_a_line_made_to_hurt_costs_only_itself(line: bytes) -> None:
    told = turn_in_progress()
    told.hear("server", line)
    told.hear("client", line)
    told.hear(
        "server",
        said("turn/completed", threadId=THREAD, turn={"id": TURN, "status": "completed"}),
        900,
    )
    assert [row.status for row in told.turns] == ["completed"]


def test_unknown_names_are_counted_and_hold_no_value() -> None:
    told = turn_in_progress()
    for _ in range(3):
        told.hear("server", said("turn/teleported", threadId=THREAD, secret="CANARY-X"))
    told.hear("server", said("CANARY X \x1b[31m", threadId=THREAD))
    item = {"type": "hologram", "id": "i1"}
    told.hear("server", said("item/started", threadId=THREAD, turnId=TURN, item=item))
    assert told.drift == {"turn/teleported": 3, "(unprintable)": 1, "item/hologram": 1}
    assert all("CANARY" not in "".join(key) for key in told.batch.drift)


def test_a_known_message_of_another_shape_is_drift_with_its_place() -> None:
    told = turn_in_progress()
    told.hear("server", said("turn/completed", threadId=THREAD, turn={"id": 7, "x": "CANARY"}))
    (key,) = told.batch.drift
    assert key[1:] == ("turn/completed", "unexpected shape at $.turn.id")


def test_numbers_that_no_database_holds_are_drift() -> None:
    told = turn_in_progress()
    turn = {"id": TURN, "status": "completed", "durationMs": 10**30}
    told.hear("server", said("turn/completed", threadId=THREAD, turn=turn))
    assert told.drift == {"turn/completed": 1}


def test_names_that_are_no_names_are_not_kept() -> None:
    told = turn_in_progress()
    item = {
        "type": "mcpToolCall",
        "id": "i1",
        "server": "my server\x1b",
        "tool": "a b",
        "status": "ok",
    }
    told.hear("server", said("item/started", threadId=THREAD, turnId=TURN, item=item))
    (turn,) = told.batch.turns.values()
    kept = turn.items[next(iter(turn.items))]
    assert (kept.name, kept.server, kept.status) == (None, None, None)


def test_an_answer_may_come_before_or_after_the_start() -> None:
    answer = json.dumps({"id": 1, "result": {"turn": {"id": TURN}}}).encode()
    before, after = turn_in_progress(), Told()
    before.hear("server", answer, 160)
    after.hear(
        "client",
        b'{"id":1,"method":"turn/start","params":{"threadId":"%s"}}' % THREAD.encode(),
        100,
    )
    after.hear("server", answer, 140)
    after.hear("server", said("turn/started", threadId=THREAD, turn={"id": TURN}), 150)
    for told in (before, after):
        (turn,) = told.batch.turns.values()
        assert turn.requested == {Clock.WIRE: 100}


def test_a_token_count_makes_no_turn() -> None:
    told = Told()
    usage = {"totalTokens": 10, "inputTokens": 8, "outputTokens": 2}
    told.hear(
        "server",
        said(
            "thread/tokenUsage/updated",
            threadId=THREAD,
            turnId=TURN,
            tokenUsage={"total": usage, "last": usage},
        ),
    )
    assert not told.batch.turns


def test_turns_in_answers_make_no_turns() -> None:
    told = Told()
    told.hear("client", b'{"id":5,"method":"thread/resume","params":{"threadId":"x"}}')
    thread = {"id": THREAD, "turns": [{"id": TURN, "items": [], "status": "completed"}]}
    told.hear("server", json.dumps({"id": 5, "result": {"thread": thread}}).encode())
    assert THREAD in told.batch.sessions
    assert not told.batch.turns


def test_a_version_is_read_from_the_user_agent(recordings: Recordings) -> None:
    for name in names("*/a_plain", "0.42.0/v1_plain"):
        told = told_by(recordings.one(name).frames())
        assert told.readers[0].codex_version == name.partition("/")[0]


def test_drift_is_a_name_and_a_reason() -> None:
    assert set(Drift.__struct_fields__) == {"codex_version", "name", "reason"}
