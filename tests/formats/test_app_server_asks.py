"""Requests of Codex to the client: timed from the question to its end, whoever ends it."""

import json
from typing import Any

from codex_telemetry.core.identity import ItemId, uuid7_ms
from codex_telemetry.core.rows import EventRow
from codex_telemetry.core.settle import settle_turn
from codex_telemetry.core.settle_events import settle_turn_events
from codex_telemetry.core.settle_items import settle_item
from told import Told

THREAD = "01a21940-e9a7-7bb3-8c7b-6fdcfac63871"
TURN = "01a21940-e9b6-7b33-bc60-8cd5aeaa4ed8"
T0 = uuid7_ms(TURN) or 0
LAG = 2
"""By how much a line is heard later than Codex stamped it."""
PROMPT = {"type": "userMessage", "id": "01a21940-e9dc-7800-89eb-4864bde68608"}
MESSAGE = {"type": "agentMessage", "id": "msg_06c11684a40345c194c406d0"}


def notify(told: Told, at: int, method: str, **params: Any) -> None:
    """As 0.169 does: with its own stamp."""
    message = {"method": method, "params": {"threadId": THREAD, "turnId": TURN, **params}}
    line = json.dumps({**message, "emittedAtMs": T0 + at}).encode()
    told.hear("server", line, T0 + at + LAG)


def item(told: Told, start: int, end: int, item: dict[str, Any]) -> None:
    notify(told, start, "item/started", item=item, startedAtMs=T0 + start)
    notify(told, end, "item/completed", item=item, completedAtMs=T0 + end)


def ask(told: Told, at: int, method: str, **params: Any) -> None:
    """A request, which has no stamp but what its parameters say."""
    message = {"id": 0, "method": method, "params": {"threadId": THREAD, "turnId": TURN, **params}}
    told.hear("server", json.dumps(message).encode(), T0 + at + LAG)


def answer(told: Told, at: int, **result: Any) -> None:
    told.hear("client", json.dumps({"id": 0, "result": result}).encode(), T0 + at + LAG)


def resolved(told: Told, at: int) -> None:
    notify(told, at, "serverRequest/resolved", requestId=0)


def begun() -> Told:
    told = Told()
    notify(told, 20, "turn/started", turn={"id": TURN})
    item(told, 40, 42, PROMPT)
    return told


def ended(told: Told, at: int, status: str = "completed") -> Any:
    turn = {"id": TURN, "status": status, "durationMs": at}
    notify(told, at, "turn/completed", turn=turn)
    (facts,) = told.batch.turns.values()
    return settle_turn(facts)


def questions(told: Told) -> list[EventRow]:
    (facts,) = told.batch.turns.values()
    return [row for row in settle_turn_events(facts) if row.event_key.startswith("ask:")]


def test_a_question_without_a_stamp_of_codexs_counts_all_the_same() -> None:
    """Only requests for a permission say when Codex made them (0.130 to 0.169)."""
    told = begun()
    ask(told, 200, "item/tool/requestUserInput", itemId="call_asks_user_0_0_1", questions=[])
    answer(told, 700, answers={"which": {"answers": ["CANARY-ARG"]}})
    resolved(told, 701)
    item(told, 850, 890, MESSAGE)
    row = ended(told, 900)
    assert (row.approval_ms, row.model_ms, row.approvals) == (500, 350, 0)
    (event,) = questions(told)
    assert (event.kind, event.at, event.duration_ms) == ("user_input", T0 + 200 + LAG, 500)


def test_an_elicitation_is_decided_by_its_action() -> None:
    told = begun()
    ask(told, 200, "mcpServer/elicitation/request", serverName="asking", mode="form")
    answer(told, 300, action="decline", content=None)
    ended(told, 900)
    (event,) = questions(told)
    assert (event.kind, event.status, event.duration_ms) == ("user_input", "decline", 100)


def test_a_question_that_is_resolved_without_an_answer_is_over_then() -> None:
    """An interrupt, or another client answered."""
    told = begun()
    command = {"type": "commandExecution", "id": "call_1", "command": "rm x"}
    notify(told, 200, "item/started", item=command, startedAtMs=T0 + 200)
    method = "item/commandExecution/requestApproval"
    ask(told, 200, method, itemId="call_1", startedAtMs=T0 + 200)
    resolved(told, 600)
    answer(told, 800, decision="accept")  # too late
    row = ended(told, 900, "interrupted")
    assert (row.approval_ms, row.approvals) == (400, 1)
    (event,) = questions(told)
    assert (event.duration_ms, event.status) == (400, None)
    (facts,) = told.batch.turns.values()
    asked = ItemId("call_1")
    assert settle_item(asked, facts.items[asked], facts, "interrupted").approval_ms == 400


def test_an_answered_question_was_over_with_its_answer() -> None:
    told = begun()
    ask(told, 200, "item/commandExecution/requestApproval", startedAtMs=T0 + 200)
    answer(told, 600, decision="accept")
    resolved(told, 800)
    assert ended(told, 900).approval_ms == 400
    assert [event.status for event in questions(told)] == ["accept"]


def test_resolving_what_was_never_asked_tells_nothing() -> None:
    told = begun()
    resolved(told, 300)
    ended(told, 900)
    assert questions(told) == []
    assert told.drift == {}


def test_a_clients_own_tool_waits_for_nobody() -> None:
    told = begun()
    call = {"type": "dynamicToolCall", "id": "call_2", "tool": "client_lookup"}
    notify(told, 200, "item/started", item=call, startedAtMs=T0 + 200)
    ask(told, 200, "item/tool/call", callId="call_2", tool="client_lookup", arguments={})
    answer(told, 700, contentItems=[], success=True)
    notify(told, 705, "item/completed", item=call, completedAtMs=T0 + 705)
    row = ended(told, 900)
    assert (row.tools_ms, row.approval_ms, row.tool_calls) == (505, 0, 1)
    (facts,) = told.batch.turns.values()
    (tool,) = (i for i in facts.items if i == "call_2")
    assert settle_item(tool, facts.items[tool], facts, "completed").approval_ms is None
    assert questions(told) == []


def test_a_retry_without_a_stamp_of_codexs_counts_all_the_same() -> None:
    """0.130 to 0.140 stamp items, but neither errors nor token counts."""
    told = begun()
    params = {"threadId": THREAD, "turnId": TURN, "willRetry": True, "error": {"message": "x"}}
    line = json.dumps({"method": "error", "params": params}).encode()
    told.hear("server", line, T0 + 300 + LAG)
    item(told, 700, 890, MESSAGE)
    row = ended(told, 900)
    assert (row.retry_ms, row.retries) == (400, 1)
