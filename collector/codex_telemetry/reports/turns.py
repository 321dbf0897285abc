"""Which turns there were, and one of them with all that is known of it."""

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import NamedTuple

import msgspec

from codex_telemetry.core.facts import TurnFacts
from codex_telemetry.core.identity import SessionId
from codex_telemetry.core.join import join
from codex_telemetry.core.parts import Outline, outline
from codex_telemetry.core.spans import Window, window
from codex_telemetry.reports.elsewhere import Elsewhere
from codex_telemetry.reports.shapes import (
    Item,
    TokenResponse,
    Turn,
    TurnContext,
    TurnCounts,
    TurnDetail,
)
from codex_telemetry.reports.shaping import one, shaped
from codex_telemetry.reports.waterfall import Cut, Event
from codex_telemetry.store import queries, startups, told_turns
from codex_telemetry.store.queries import Filters, Row, Store


def turns(db: Store | Elsewhere, filters: Filters) -> Iterator[Turn]:
    """Newest last."""
    if isinstance(db, Elsewhere):
        return shaped(Turn, db.turns(filters))
    return shaped(Turn, queries.turns(db, filters))


def page(
    db: Store, filters: Filters, order: str, *, down: bool, size: int, skipped: int
) -> Iterator[Turn]:
    """Some of those that match, out of one of `queries.ORDERS`."""
    rows = queries.page_of_turns(db, filters, order, down=down, size=size, skipped=skipped)
    return shaped(Turn, rows)


def count(db: Store | Elsewhere, filters: Filters) -> int:
    """How many those are."""
    if isinstance(db, Elsewhere):
        return db.count_turns(filters)
    return queries.count_turns(db, filters)


def detail(db: Store, row: Row) -> TurnDetail:
    """A turn with its items in order of start and the model's responses."""
    head = one(Turn, row)
    return TurnDetail(
        **msgspec.structs.asdict(head),
        items=list(shaped(Item, queries.items_of(db, row["turn_key"]))),
        token_responses=list(shaped(TokenResponse, queries.responses_of(db, row["turn_key"]))),
        context=_context(row, head),
        counts=one(TurnCounts, row),
    )


def _context(row: Row, head: Turn) -> TurnContext:
    context = one(TurnContext, row)
    context.sandbox_type = head.sandbox
    return context


class Outlined(NamedTuple):
    """What was told of a turn, to be cut into its parts at any moment while it runs."""

    facts: TurnFacts
    frame: Window
    runs: bool

    def cut(self, now: int) -> Cut | None:
        """`now`: ms UTC. None where nobody knows."""
        frame = self.frame
        if self.runs and frame.end is None:
            frame = frame._replace(end=max(now, frame.start))
        parts = outline(self.facts, frame)
        if not parts:
            return None
        return Cut(frame.start, _so_far(parts, frame.end) if self.runs else parts)


def _so_far(parts: Sequence[Outline], now: int | None) -> list[Outline]:
    """Of a turn that runs, what comes after the last sign is the model's: nobody else has begun."""
    spans = {part: list(spans) for part, spans in parts}
    unexplained = spans["unexplained"]
    if "model" in spans and unexplained and unexplained[-1][1] == now:
        spans["model"].append(unexplained.pop())
    return [Outline(*each) for each in spans.items()]


def outlined(db: Store, row: Row) -> Outlined | None:
    """What the turn's parts can be told from; None where that isn't known."""
    try:
        told = told_turns.told_of(db, row["turn_id"])
    except msgspec.MsgspecError:  # told by another version: the sums are still there
        return None
    if not told:
        return None
    facts = reduce(join, told)
    frame = window(facts, facts.last_heard.get(SessionId(row["session_id"])))
    runs = row["status"] == "in_progress"
    return None if frame is None else Outlined(facts, frame, runs)


def events(db: Store, row: Row) -> list[Event]:
    """What happened during the turn at a known moment, and the servers that started meanwhile."""
    return [
        Event(event["kind"], event["at"], event["name"], event["status"], event["duration_ms"])
        for event in (*queries.events_of(db, row["turn_id"]), *startups.startups_during(db, row))
        if event["at"] is not None
    ]
