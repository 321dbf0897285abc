"""Automatic reviews, as Codex tells of them: of what, how long, and how they came out."""

import json
from typing import Any

import msgspec
import pytest

from codex_telemetry.core.rows import EventRow
from codex_telemetry.core.settle import settle_turn
from codex_telemetry.core.settle_events import settle_turn_events
from told import Told

THREAD = "01a21940-b06a-7012-802e-342798d36f88"
TURN = "01a21940-b085-7103-890f-1f6733a667b1"
BORN = 1_795_719_999_621
"""The millisecond in the turn's id."""

STARTED = (
    '{"method":"item/autoApprovalReview/started","params":{"threadId":"01a21940-b06a-7012-802e-342798d36f88",'
    '"turnId":"01a21940-b085-7103-890f-1f6733a667b1","startedAtMs":1795719999871,'
    '"reviewId":"d5240bcd-de4d-4866-9465-51e19172c51b","targetItemId":"call_approval_0_0_1",'
    '"review":{"status":"inProgress","riskLevel":null,"userAuthorization":null,"rationale":null},'
    '"action":{"type":"command","source":"unifiedExec","command":"/bin/bash -lc \'rm -f CANARY-ARG-1.old\'",'
    '"cwd":"/tmp/CANARY-PATH"}},"emittedAtMs":1795719999871}'
)
COMPLETED = (
    '{"method":"item/autoApprovalReview/completed","params":{"threadId":"01a21940-b06a-7012-802e-342798d36f88",'
    '"turnId":"01a21940-b085-7103-890f-1f6733a667b1","startedAtMs":1795719999871,"completedAtMs":1795720000223,'
    '"reviewId":"d5240bcd-de4d-4866-9465-51e19172c51b","targetItemId":"call_approval_0_0_1",'
    '"decisionSource":"agent","review":{"status":"approved","riskLevel":"low","userAuthorization":"high",'
    '"rationale":"CANARY-ANSWER-1 fine"},"action":{"type":"command","source":"unifiedExec",'
    '"command":"/bin/bash -lc \'rm -f CANARY-ARG-1.old\'","cwd":"/tmp/CANARY-PATH"}},"emittedAtMs":1795720000223}'
)
"""0.169's own words."""


def begun() -> Told:
    told = Told()
    notify(told, "turn/started", 20, turn={"id": TURN})
    command = {"type": "commandExecution", "id": "call_approval_0_0_1", "command": "rm x"}
    notify(told, "item/started", 248, turnId=TURN, item=command, startedAtMs=BORN + 248)
    return told


def notify(told: Told, method: str, at: int, **params: Any) -> None:
    message = {"method": method, "params": {"threadId": THREAD, **params}, "emittedAtMs": BORN + at}
    told.hear("server", json.dumps(message).encode(), BORN + at)


def hear(told: Told, line: str, **changed: str) -> None:
    for old, new in changed.items():
        line = line.replace(old, new)
    told.hear("server", line.encode(), json.loads(line)["emittedAtMs"])


def reviews(told: Told, kind: str = "auto_review") -> list[EventRow]:
    rows = [row for turn in told.batch.turns.values() for row in settle_turn_events(turn)]
    return [row for row in rows if row.kind == kind]


def test_a_review_is_an_event_with_its_length_outcome_risk_and_item() -> None:
    told = begun()
    hear(told, STARTED)
    hear(told, COMPLETED)
    (event,) = reviews(told)
    assert (event.name, event.status) == ("low", "approved")
    assert (event.at, event.duration_ms) == (1_795_719_999_871, 352)
    assert event.item_id == "call_approval_0_0_1"


def test_nobody_waits_for_a_person_so_its_time_is_the_tools() -> None:
    told = begun()
    hear(told, STARTED)
    hear(told, COMPLETED)
    item = {"type": "commandExecution", "id": "call_approval_0_0_1", "status": "completed"}
    notify(told, "item/completed", 700, turnId=TURN, item=item, completedAtMs=BORN + 700)
    notify(told, "turn/completed", 800, turn={"id": TURN, "status": "completed", "durationMs": 800})
    (row,) = told.turns
    assert (row.approvals, row.approval_ms, row.tools_ms) == (0, 0, 452)


@pytest.mark.parametrize(
    ("said", "kept"),
    [("denied", "denied"), ("timedOut", "timed_out"), ("aborted", "aborted"), ("odd", None)],
)
def test_a_review_says_how_it_came_out(said: str, kept: str | None) -> None:
    told = begun()
    hear(told, COMPLETED, approved=said)
    (event,) = reviews(told)
    assert (event.status, event.duration_ms) == (kept, 352)


def test_a_review_under_way_has_no_outcome_yet() -> None:
    told = begun()
    hear(told, STARTED)
    (event,) = reviews(told)
    assert (event.status, event.name, event.duration_ms) == (None, None, None)


def test_a_review_of_no_item_says_so() -> None:
    """One of a network call has no target (0.169)."""
    told = begun()
    hear(told, COMPLETED.replace('"targetItemId":"call_approval_0_0_1"', '"targetItemId":null'))
    (event,) = reviews(told)
    assert event.item_id is None


def test_0125_gives_a_review_no_times_so_ours_are_kept() -> None:
    told = begun()
    for line, ms in ((STARTED, 300), (COMPLETED, 716)):
        message = json.loads(line)
        for name in ("startedAtMs", "completedAtMs"):
            message["params"].pop(name, None)
        del message["emittedAtMs"]
        told.hear("server", json.dumps(message).encode(), BORN + ms)
    (event,) = reviews(told)
    assert (event.at, event.duration_ms) == (BORN + 300, 416)


def test_a_turn_that_has_more_reviewed_from_now_on_says_so() -> None:
    told = begun()
    notify(
        told, "autoApprovalReview/strictReviewRequired", 300, turnId=TURN, startedAtMs=BORN + 299
    )
    (event,) = reviews(told, "strict_review_required")
    assert event.at == BORN + 299


def test_a_review_of_a_turn_nobody_heard_of_makes_none() -> None:
    told = Told()
    hear(told, COMPLETED)
    assert told.batch.turns == {}


def test_what_is_reviewed_and_why_it_came_out_so_is_not_kept() -> None:
    told = begun()
    hear(told, STARTED)
    hear(told, COMPLETED, low="CANARY-RISK")
    assert b"CANARY" not in msgspec.msgpack.encode(told.batch)
    (turn,) = told.batch.turns.values()
    assert settle_turn(turn).approvals == 0
    assert told.drift == {}
