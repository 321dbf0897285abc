"""Automatic reviews of what would else be asked of a person: who was reviewed, how long, the outcome.

Nobody waits for a person meanwhile, so a review is no approval: its time stays that of the tool it
is about, which has begun and waits (0.125 to 0.169). What the reviewer gives as its reason is content.
"""

from collections.abc import Iterator

import msgspec
from msgspec import Raw, Struct

from codex_telemetry.core.facts import Clock, EventFacts, Fact, Source
from codex_telemetry.core.identity import ItemId, is_safe_id
from codex_telemetry.formats.app_server import wire
from codex_telemetry.formats.app_server.process import Process, heard_at
from codex_telemetry.formats.app_server.state import live
from codex_telemetry.formats.app_server.values import snake
from codex_telemetry.formats.base import Stamp


class ReviewOutcome(Struct):
    """Its `rationale` is content."""

    status: str | None = None
    riskLevel: str | None = None  # noqa: N815


class ReviewNotice(Struct):
    """What is reviewed (`action`) is content: a command, a patch."""

    threadId: str  # noqa: N815
    turnId: str  # noqa: N815
    reviewId: str  # noqa: N815
    review: ReviewOutcome
    targetItemId: str | None = None  # noqa: N815
    startedAtMs: wire.Int | None = None  # noqa: N815
    completedAtMs: wire.Int | None = None  # noqa: N815


class StrictReview(Struct):
    threadId: str  # noqa: N815
    turnId: str  # noqa: N815
    startedAtMs: wire.Int | None = None  # noqa: N815


_review = msgspec.json.Decoder(ReviewNotice)
_strict = msgspec.json.Decoder(StrictReview)

OUTCOMES = frozenset({"approved", "denied", "timed_out", "aborted"})
RISKS = frozenset({"low", "medium", "high", "critical"})


class Reviews:
    def __init__(self, process: Process) -> None:
        self._process = process

    def started(self, params: Raw, at: Stamp, _emitted: int | None) -> Iterator[Fact]:
        yield from self._review(_review.decode(params), at, ended=False)

    def completed(self, params: Raw, at: Stamp, _emitted: int | None) -> Iterator[Fact]:
        yield from self._review(_review.decode(params), at, ended=True)

    def strict(self, params: Raw, at: Stamp, _emitted: int | None) -> Iterator[Fact]:
        """From here on Codex reviews more of the turn (by 0.169's own protocol; never seen)."""
        told = _strict.decode(params)
        event = EventFacts(
            "strict_review_required", starts=heard_at(at, told.startedAtMs), sources=Source.LIVE
        )
        yield from self._event(told.threadId, told.turnId, "strict_review", event, at)

    def _review(self, told: ReviewNotice, at: Stamp, *, ended: bool) -> Iterator[Fact]:
        if not is_safe_id(told.reviewId):
            return
        item = told.targetItemId
        outcome, risk = snake(told.review.status or ""), told.review.riskLevel
        event = EventFacts(
            "auto_review",
            name=live(risk if risk in RISKS else None, at),
            status=live(outcome if outcome in OUTCOMES else None, at),
            sources=Source.LIVE,
            item_id=ItemId(item) if item is not None and is_safe_id(item) else None,
        )
        if ended:
            event.ends = heard_at(at, told.completedAtMs)
            if told.startedAtMs is not None:
                event.starts = {int(Clock.CODEX_MS): at.steady(told.startedAtMs)}
        else:
            event.starts = heard_at(at, told.startedAtMs)
        yield from self._event(
            told.threadId, told.turnId, f"auto_review:{told.reviewId}", event, at
        )

    def _event(
        self, thread_id: str, turn_id: str, key: str, event: EventFacts, at: Stamp
    ) -> Iterator[Fact]:
        thread = self._process.thread(thread_id, at)
        codex_turn = thread and self._process.turn_of(thread, turn_id)
        if thread is None or not codex_turn:
            return
        yield from self._process.heard(thread, codex_turn)
        facts = thread.facts(thread.turn(codex_turn, self._process.launch), at)
        facts.events[key] = event
        yield facts
