"""Bring what happened at a moment down to rows: events, requests to the client, items of note."""

from collections.abc import Mapping

from codex_telemetry.core.facts import (
    AskFacts,
    EventFacts,
    ItemFacts,
    SessionFacts,
    Source,
    TurnFacts,
)
from codex_telemetry.core.identity import ItemId
from codex_telemetry.core.join import join
from codex_telemetry.core.rows import EventRow
from codex_telemetry.core.settle_items import said, waited
from codex_telemetry.core.spans import best, between

TOLD_BY_BOTH = frozenset({"thread_rolled_back", "context_compacted"})
"""Kinds of event that the stream and the log both tell of."""

NEAR_MS = 2_000

OF_NOTE = {"compaction": "context_compacted", "hook": "hook", "web_search": "web_search"}
"""Kinds of item that are events too → what they are called there."""


def settle_turn_events(turn: TurnFacts) -> list[EventRow]:
    """What happened during a turn, and each request to the client."""
    rows = [_event(key, event, turn.items) for key, event in _as_one(_all_of(turn)).items()]
    rows += [_asked(key, ask) for key, ask in turn.asks.items() if ask.kind != "tool"]
    return _in_order(rows)


def settle_session_events(session: SessionFacts) -> list[EventRow]:
    """What happened to a thread beside its turns."""
    return _in_order([_event(key, event, {}) for key, event in _as_one(session.events).items()])


def _in_order(rows: list[EventRow]) -> list[EventRow]:
    return sorted(rows, key=lambda row: (row.at or 0, row.event_key))


def _event(key: str, event: EventFacts, items: Mapping[ItemId, ItemFacts]) -> EventRow:
    item = items.get(event.item_id) if event.item_id is not None else None
    return EventRow(
        event_key=key,
        kind=event.kind,
        name=said(event.name),
        at=best(event.starts),
        duration_ms=between(event.starts, event.ends),
        status=said(event.status),
        sources=event.sources,
        item_id=event.item_id,
        context_before=said(item.context_before) if item is not None else None,
        context_after=said(item.context_after) if item is not None else None,
    )


def _asked(key: str, ask: AskFacts) -> EventRow:
    return EventRow(
        event_key=f"ask:{key}",
        kind=ask.kind,
        name=None,
        at=best(ask.starts),
        duration_ms=waited(ask),
        status=said(ask.decision),
        sources=Source.LIVE,
        item_id=ask.item_id,
        context_before=None,
        context_after=None,
    )


def _all_of(turn: TurnFacts) -> dict[str, EventFacts]:
    """The turn's events, and its items of note as events."""
    of_note = {
        f"item:{item_id}": EventFacts(
            kind=OF_NOTE[item.kind],
            name=item.action if item.kind == "web_search" else item.name,
            starts=item.starts,
            ends=item.ends,
            status=item.status,
            sources=turn.sources,
            item_id=item_id,
        )
        for item_id, item in turn.items.items()
        if item.kind in OF_NOTE
    }
    return {**turn.events, **of_note}


def _as_one(events: dict[str, EventFacts]) -> dict[str, EventFacts]:
    """What was heard and what was logged of one event have no id in common: the nearest in time of
    the same kind are one, under the log's key. It tells of all, and would be counted twice."""
    result = dict(events)
    logged = [k for k, e in events.items() if e.sources == Source.ROLLOUT and not e.item_id]
    for key, event in sorted(events.items()):
        if key in logged or event.kind not in TOLD_BY_BOTH:
            continue
        twins = [
            (distance, k)
            for k in logged
            if events[k].kind == event.kind and (distance := _apart(events[k], event)) is not None
        ]
        distance, twin = min(twins, default=(NEAR_MS + 1, ""))
        if distance <= NEAR_MS:
            logged.remove(twin)
            result[twin] = join(events[twin], event)
            del result[key]
    return result


def _apart(logged: EventFacts, event: EventFacts) -> int | None:
    """How far the moment of a log's line lies from the stretch of an event (ms)."""
    at, start = best(logged.starts), best(event.starts)
    end = best(event.ends)
    if at is None or (start is None and end is None):
        return None
    first, last = (start if start is not None else end), (end if end is not None else start)
    assert first is not None
    assert last is not None
    return max(first - at, at - last, 0)
