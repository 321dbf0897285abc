"""The context before and after a compaction, by its log alone and by the stream."""

import json
from typing import Any

import pytest

from codex_telemetry.core.facts import ItemFacts, TurnFacts
from codex_telemetry.core.identity import SessionId, TurnId
from codex_telemetry.core.settle import settle_turn
from codex_telemetry.core.settle_events import settle_turn_events
from codex_telemetry.core.settle_items import said
from codex_telemetry.formats.rollout import RolloutName
from recordings import Recordings, names
from rolled import Rolled, read, rolled_up
from told import told_by

THREAD = SessionId("01a20724-fcc6-7f13-95fa-c53f060f9f39")
TURN = "01a20724-fce0-78b3-8e8f-4eaaa0ae431d"
T0 = 1_795_416_194_300


def compactions(turns: dict[TurnId, TurnFacts]) -> list[tuple[int | None, int | None]]:
    items = [i for turn in turns.values() for i in turn.items.values() if i.kind == "compaction"]
    return [(said(item.context_before), said(item.context_after)) for item in items]


@pytest.mark.parametrize("name", names("0.155.0/h_*compact", "0.169.0/h_*compact"))
def test_a_log_and_the_stream_agree_on_a_compaction(recordings: Recordings, name: str) -> None:
    recording = recordings.one(name)
    logged = rolled_up(recording).batch.turns
    assert compactions(logged) == compactions(told_by(recording.frames()).batch.turns)
    ((before, after),) = compactions(logged)
    assert before == (25_050 if name.endswith("autocompact") else 1_105)
    assert after is not None
    assert compactions(rolled_up(recording, every=1).batch.turns) == [(before, after)]

    (event,) = [
        row
        for turn in logged.values()
        for row in settle_turn_events(turn)
        if row.kind == "context_compacted"
    ]
    assert (event.context_before, event.context_after) == (before, after)
    by_hand = [row for row in map(settle_turn, logged.values()) if row.prompts == 0]
    assert all(row.context_tokens == after for row in by_hand)


@pytest.mark.parametrize("name", names("0.98.0/h_*compact", "0.125.0/h_*compact"))
def test_older_logs_tell_no_context_of_a_compaction(recordings: Recordings, name: str) -> None:
    assert compactions(rolled_up(recordings.one(name)).batch.turns) == []


def lines(*payloads: tuple[int, str, dict[str, Any]]) -> list[bytes]:
    return [
        json.dumps(
            {
                "timestamp": f"2026-11-23T06:43:{14 + ms // 1000:02}.{ms % 1000:03}Z",
                "type": kind,
                "payload": payload,
            },
            separators=(",", ":"),
        ).encode()
        for ms, kind, payload in payloads
    ]


def count(ms: int, total: int, last: int, **tokens: int) -> tuple[int, str, dict[str, Any]]:
    info = {
        "total_token_usage": {"input_tokens": total, "output_tokens": 0, "total_tokens": total},
        "last_token_usage": {"input_tokens": last, "output_tokens": 0, "total_tokens": last}
        | tokens,
    }
    return ms, "event_msg", {"type": "token_count", "info": info}


def compaction(ms: int, **times: int) -> tuple[int, str, dict[str, Any]]:
    item = {"type": "ContextCompaction", "id": "c1"}
    return ms, "event_msg", {"type": "item_completed", "turn_id": TURN, "item": item} | times


def compacted(*told: tuple[int, str, dict[str, Any]]) -> ItemFacts:
    meta = (0, "session_meta", {"id": THREAD, "history_mode": "paginated"})
    started = (1, "event_msg", {"type": "task_started", "turn_id": TURN})
    rolled = Rolled()
    read(rolled, RolloutName(THREAD, ""), lines(meta, started, *told))
    (turn,) = rolled.batch.turns.values()
    (item,) = turn.items.values()
    return item


def test_an_estimate_from_before_a_compaction_is_not_what_it_left() -> None:
    """A full context is told as one too."""
    full = count(100, 0, 0, total_tokens=258_400)
    item = compacted(count(50, 500, 500), full, compaction(900, started_at_ms=T0))
    assert (said(item.context_before), item.context_after) == (500, None)


def test_what_came_while_it_compacted_is_not_what_was_there_before() -> None:
    at = {"started_at_ms": T0, "completed_at_ms": T0 + 500}
    item = compacted(count(50, 500, 500), count(600, 900, 400), compaction(900, **at))
    assert (said(item.context_before), item.context_after) == (500, None)


def test_of_a_compaction_without_a_start_nothing_is_guessed() -> None:
    item = compacted(count(50, 500, 500), compaction(900, completed_at_ms=T0 + 500))
    assert (item.context_before, item.context_after) == (None, None)
