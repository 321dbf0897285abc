"""Send turns in the order of their changes, and totals; go on where it was, whatever happened.

The cursor moves when a batch was taken, so a kill sends at most one batch twice, by the same ids. A turn
that a receiver refuses for good is left out and counted; a receiver that refuses everything is waited
for, and nothing is lost.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import msgspec

from codex_telemetry.sinks.otlp import points, wire
from codex_telemetry.sinks.otlp.points import Memory
from codex_telemetry.sinks.otlp.receivers import Receiver
from codex_telemetry.sinks.otlp.span import Span
from codex_telemetry.sinks.otlp.spans import Shown, spans
from codex_telemetry.sinks.otlp.totals import totals
from codex_telemetry.sinks.retry import LaterError, Pause, RefusedError, patiently
from codex_telemetry.store import changes, consent, sink_cursors
from codex_telemetry.store.changes import Change, Place, changes_since
from codex_telemetry.store.grants import is_under
from codex_telemetry.store.queries import RAN_IN, Store, Where, all_of, reading, under
from codex_telemetry.store.whole_turns import WholeTurn, whole_turn

SPANS_AT_ONCE: Final = 512
CHANGES_AT_ONCE: Final = 200
REMEMBERED: Final = 5_000
"""Of so many turns it is known how they were sent: one that is the same isn't sent again."""


class Chosen(NamedTuple):
    """Which turns are sent. Folders as they may be stored; times are ms UTC."""

    projects: tuple[str, ...] = ()
    except_projects: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None

    def turns(self) -> Where:
        return self._under(RAN_IN)

    def usage(self) -> Where:
        return self._under("usage_groups.cwd")

    def _under(self, column: str) -> Where:
        out = under(column, self.except_projects)
        out = out and Where(f"({column} IS NULL OR NOT {out.sql})", out.values)
        return all_of(under(column, self.projects), out)

    def has(self, whole: WholeTurn) -> bool:
        started = whole.turn["started_at"]
        if started is None or not (self.since or 0) <= started < (self.until or 1 << 62):
            return False
        cwd = whole.turn["cwd"] or whole.session["cwd"]
        if cwd is None:
            return not self.projects
        left_out = any(is_under(cwd, folder) for folder in self.except_projects)
        wanted = not self.projects or any(is_under(cwd, folder) for folder in self.projects)
        return wanted and not left_out


class Content(Protocol):
    def __call__(self, db: Store, whole: WholeTurn, made: list[Span]) -> list[Span]:
        """The spans with what was said in them, where that is granted."""


class Turn(NamedTuple):
    """One that is ready to be sent, or was found not to be one for this receiver (no spans)."""

    id: str
    spans: list[Span]
    place: Place


class Sent(NamedTuple):
    turns: int = 0
    spans: int = 0
    rejected_turns: int = 0
    rejected_spans: int = 0
    bytes: int = 0
    """Uncompressed."""

    def and_(self, other: "Sent") -> "Sent":
        return Sent(*(a + b for a, b in zip(self, other, strict=True)))


class Exporter:
    """One sink: where it is, and how it sends."""

    def __init__(
        self, database: Path, sink: str, target: str, receiver: Receiver, chosen: Chosen, shown: Shown,
        pause: Pause, *, content: Content | None = None,
        left_s: Callable[[], float] = lambda: float("inf"),
        told: Callable[[Sent], None] = lambda _: None,
        complained: Callable[[str], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._database, self._sink, self._target = database, sink, target
        self._receiver, self._chosen, self._shown = receiver, chosen, shown
        self._pause, self._left_s, self._told, self._content = pause, left_s, told, content
        self._complained = complained
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self.sent = Sent()
        with reading(database) as db:
            self._resource = wire.resource(changes.state(db).database)

    def begin(self, *, from_now: bool, state: bytes | None = None) -> None:
        """If it never was begun: from the first turn, or from what comes now."""
        now_ns = time.time_ns()
        with reading(self._database) as db:
            found = sink_cursors.of(db, self._sink, self._target)
            if found is not None and state in (None, found.state):
                return
            place = changes.after(changes.state(db).number) if from_now else Place()
            before = list(self._totals(db, now_ns)) if from_now else []
            (first,) = db.execute(
                "SELECT min(started_at) FROM turns WHERE started_at > 0"
            ).fetchone()
        begun_ns = now_ns if from_now or first is None else min(now_ns, first * 1_000_000)
        memory = msgspec.msgpack.encode(points.begin(begun_ns, before))
        with consent.writing(self._database) as db:
            sink_cursors.begin(
                db, self._sink, self._target, now_ns // 1_000_000, place, state or memory
            )

    def send_up_to(self, number: int) -> None:
        """Every change by a save up to that one. Raises `LaterError` when it is to end before."""
        done = False
        while not done:
            with reading(self._database) as db:
                db.execute("BEGIN")  # all of it from one moment
                ready, place, done = self._ready(db, number)
            for batch in _batches(ready):
                self._advance(batch[-1].place, self._send(batch))
            if place is not None:
                self._advance(place, Sent())

    def send_totals(self, *, delta: bool, receiver: Receiver) -> None:
        """Raises as `send_up_to`."""
        now_ns = time.time_ns()
        with reading(self._database) as db:
            cursor = sink_cursors.of(db, self._sink, self._target)
            if cursor is None or cursor.state is None:
                return
            memory = msgspec.msgpack.decode(cursor.state, type=Memory)
            told = list(self._totals(db, now_ns))
        series, after = points.next_points(memory, told, now_ns, delta=delta)
        body = wire.totals(self._resource, series, delta=delta).SerializeToString()
        try:
            patiently(lambda: receiver.send(body), self._pause, self._failed, left_s=self._left_s)
        except RefusedError as error:
            raise LaterError(f"metrics: {error.why}", is_settled=True) from None
        with consent.writing(self._database) as db:
            sink_cursors.remember(db, self._sink, msgspec.msgpack.encode(after))

    @property
    def wire_bytes(self) -> int | None:
        """How much went over the wire in traces, compressed; None where it isn't seen."""
        return self._receiver.wire_bytes

    def waiting(self) -> int:
        """How many changed turns are still to be looked at."""
        with reading(self._database) as db:
            cursor = sink_cursors.of(db, self._sink, self._target)
            return 0 if cursor is None else sink_cursors.turns_behind(db, cursor.place)

    def forget(self) -> None:
        """It went through all that it was for."""
        with consent.writing(self._database) as db:
            sink_cursors.forget(db, self._sink)

    def _totals(self, db: Store, now_ns: int) -> Iterator[points.Series]:
        turns, usage = self._chosen.turns(), self._chosen.usage()
        return totals(db, turns, usage, self._shown, now_ns // 1_000_000)

    def _ready(self, db: Store, number: int) -> tuple[list[Turn], Place | None, bool]:
        """The next turns, up to where they were looked for, and whether that is all."""
        cursor = sink_cursors.of(db, self._sink, self._target)
        assert cursor is not None
        found = changes_since(db, cursor.place, CHANGES_AT_ONCE)
        due = [change for change in found if change.place.number <= number]
        ready = [turn for change in due if (turn := self._turn(db, change)) is not None]
        is_all = len(due) < CHANGES_AT_ONCE
        return ready, due[-1].place if due else None, is_all

    def _turn(self, db: Store, change: Change) -> Turn | None:
        if change.kind != "turn" or change.is_gone or change.id is None:
            return None
        whole = whole_turn(db, change.id)
        if whole is None or not self._chosen.has(whole):
            return None
        made = spans(whole, self._shown)
        if made and self._content is not None:
            made = self._content(db, whole, made)
        if not made or self._known.get(change.id) == _digest(made):
            return None
        return Turn(change.id, made, change.place)

    def _send(self, batch: Sequence[Turn]) -> Sent:
        try:
            return self._sent(batch)
        except RefusedError as error:
            if not error.is_too_large:
                self._probe(error)
        return self._sent_in_pieces(batch)

    def _sent_in_pieces(self, batch: Sequence[Turn]) -> Sent:
        """What it takes of a batch that it doesn't take."""
        if len(batch) == 1:
            return self._sent_in_parts(batch[0])
        done = Sent()
        for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
            try:
                done = done.and_(self._sent(half))
            except RefusedError:
                done = done.and_(self._sent_in_pieces(half))
        return done

    def _sent_in_parts(self, turn: Turn) -> Sent:
        """Of one turn those spans that it takes."""
        if len(turn.spans) == 1:
            return Sent(rejected_turns=1, rejected_spans=1)
        done = Sent()
        middle = len(turn.spans) // 2
        for half in (turn.spans[:middle], turn.spans[middle:]):
            part = turn._replace(spans=half)
            try:
                done = done.and_(self._sent([part]))
            except RefusedError:
                done = done.and_(self._sent_in_parts(part))
        # However many parts it went in, it is one turn.
        return done._replace(turns=min(1, done.turns), rejected_turns=min(1, done.rejected_turns))

    def _sent(self, batch: Sequence[Turn]) -> Sent:
        made = [span for turn in batch for span in turn.spans]
        body = wire.traces(self._resource, made).SerializeToString()
        rejected = patiently(
            lambda: self._receiver.send(body), self._pause, self._failed, left_s=self._left_s
        )
        # It doesn't say whose spans it refused; by the protocol they aren't sent again.
        rejected = max(0, min(rejected, len(made)))
        for turn in batch:
            self._known[turn.id] = _digest(turn.spans)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return Sent(
            len(batch), len(made) - rejected, min(len(batch), rejected), rejected, len(body)
        )

    def _probe(self, refused: RefusedError) -> None:
        """Whether it is this request that it refuses, or any. Raises `LaterError`."""
        try:
            patiently(
                lambda: self._receiver.send(b""), self._pause, self._failed, left_s=self._left_s
            )
        except RefusedError:
            why = f"it refuses an empty request too: {refused.why}"
            self._failed(why)
            raise LaterError(why, is_settled=True) from None

    def _advance(self, place: Place, sent: Sent) -> None:
        now = time.time_ns() // 1_000_000
        with consent.writing(self._database) as db:
            sink_cursors.advance(
                db, self._sink, place, now, sent=sent.turns, rejected=sent.rejected_turns
            )
        self.sent = self.sent.and_(sent)
        self._told(self.sent)

    def _failed(self, why: str) -> None:
        self._complained(why)
        with consent.writing(self._database) as db:
            sink_cursors.fail(db, self._sink, why, time.time_ns() // 1_000_000)


def _batches(turns: Sequence[Turn]) -> Iterator[list[Turn]]:
    """As many together as fit; one that is larger goes alone."""
    batch: list[Turn] = []
    size = 0
    for turn in turns:
        if batch and size + len(turn.spans) > SPANS_AT_ONCE:
            yield batch
            batch, size = [], 0
        batch.append(turn)
        size += len(turn.spans)
    if batch:
        yield batch


def _digest(made: Sequence[Span]) -> bytes:
    return hashlib.sha256(repr(made).encode()).digest()[:16]
