"""Send what changed to a ClickHouse, a batch at a time, and move on when it has taken it.

What is sent again replaces itself there, so a batch of which nobody knows whether it arrived is sent
again. A version goes up with each save; after a restore, or once rows look otherwise, all are sent anew
with higher ones, and what the database then doesn't have is marked as deleted.
"""

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from codex_telemetry.sinks import clickhouse_rows as rows
from codex_telemetry.sinks.clickhouse_rows import Mark, Sender, Values
from codex_telemetry.sinks.retry import LaterError, Pause, patiently
from codex_telemetry.store import changes, sink_cursors, to_send
from codex_telemetry.store import db as database
from codex_telemetry.store.changes import Place
from codex_telemetry.store.clickhouse.address import Address
from codex_telemetry.store.clickhouse.connection import Connection, FailedError, connect
from codex_telemetry.store.clickhouse.schema import columns, migrate
from codex_telemetry.store.queries import Store, reading
from codex_telemetry.store.sink_cursors import Cursor

SINK: Final = "clickhouse"
AT_ONCE: Final = 2_000
"""Turns and sessions of a batch."""

FEW: Final = 1_000
"""Rows that the server may put together with those of other machines before it writes them."""

ANSWER_S: Final = 60.0
STEP_MS: Final = 300_000
"""Of the readings of a limit within so much time the last one is sent."""

OVERLAP_MS: Final = 3_600_000
"""What is read of limits again each time: who hears of them first may save last."""


class _State(Struct):
    """What the sink has to remember beside its place."""

    history: str
    base: int
    """Since when (Unix time, s) it counts by this history: the upper half of versions."""
    look: str
    since: int | None = None
    """What began before (ms UTC) is left out until it is through."""
    is_through: bool = False
    """All that there was has been sent once."""
    limits_number: int = 0
    """The save up to which readings of limits were sent."""
    limits_at: int | None = None
    limits_origin: int = 0


class Sent(NamedTuple):
    """What was taken there."""

    turns: int = 0
    sessions: int = 0
    limits: int = 0
    removed: int = 0


class Sink:
    """From one database to one ClickHouse."""

    def __init__(
        self, path: Path, address: Address, sender: Sender, *, cluster: str | None = None
    ) -> None:
        self._path = path
        self._address = address
        self._sender = sender
        self._cluster = cluster
        self._there: Connection | None = None
        self.sent = Sent()

    def begin(self, since: int | None = None) -> None:
        """Send everything anew, or all that began since a moment (ms UTC)."""
        with reading(self._path) as db:
            _, state = self._reached(db)
            fresh = self._fresh(db, state.base, since)
        self._start(fresh)

    def send(self, pause: Pause, left_s: Callable[[], float] = lambda: float("inf")) -> None:
        """Send all that changed. Raises `LaterError` when it is to end before that is done; `UserError`
        where a newer version made the tables there, or what it takes isn't installed."""
        while patiently(self._batch, pause, self._failed, left_s=left_s):
            pass

    def close(self) -> None:
        if self._there is not None:
            self._there.close()
            self._there = None

    def _batch(self) -> bool:
        """Send the next one; False if there was nothing more."""
        with reading(self._path) as db:
            cursor, state = self._reached(db)
            if cursor is None:
                self._start(state)
                return True
            if cursor.place == Place() and not state.is_through:
                # A copy that was restored doesn't know what was sent after it was made.
                sent = self._newest_base(changes.state(db).database)
                if sent >= state.base:
                    state.base = sent + 1
                    self._start(state)
            bundle = to_send.bundle(db, cursor.place, AT_ONCE)
            mark = Mark(bundle.state.database, state.base << 32 | bundle.state.number)
            if bundle.upto is None:
                self._finish(db, state, mark, bundle.state.number)
                return False
            upto = bundle.upto
        left_out = None if state.is_through else state.since
        if left_out is not None:
            bundle = to_send.since(bundle, left_out)
        turns, sessions = (make(bundle, self._sender, mark) for make in (rows.turns, rows.sessions))
        self._insert("turns", turns, mark, cursor.place)
        self._insert("sessions", sessions, mark, cursor.place)
        with self._writing() as db:
            sink_cursors.advance(db, SINK, upto, _now(), sent=len(bundle.turns))
        self.sent = self.sent._replace(
            turns=self.sent.turns + len(bundle.turns),
            sessions=self.sent.sessions + len(bundle.sessions),
            removed=self.sent.removed + len(bundle.gone),
        )
        return True

    def _newest_base(self, database: str) -> int:
        """Of what is there of this database; 0 where nothing is."""
        with _later():
            _, found = self._connected().rows(_NEWEST, {"database": database})
            ((version,),) = found
        return int(version) >> 32

    def _finish(self, db: Store, state: _State, mark: Mark, number: int) -> None:
        """What is left to do once there is no change more."""
        if state.is_through and state.limits_number == number:
            return
        since = None if state.limits_at is None else state.limits_at - OVERLAP_MS
        readings = to_send.readings(db, since, state.limits_origin, STEP_MS)
        origin, kept_from = to_send.newest_origin(db), to_send.kept_from(db)
        self._insert("limits", rows.limits(readings, self._sender, mark), mark, Place())
        if not state.is_through and state.since is None:
            self._remove_what_is_older(mark, state.base << 32, kept_from)
        state.is_through, state.limits_number, state.limits_origin = True, number, origin
        state.limits_at = max((row["observed_at"] for row in readings), default=state.limits_at)
        with self._writing() as writer:
            sink_cursors.remember(writer, SINK, _encode(state))
        self.sent = self.sent._replace(limits=self.sent.limits + len(readings))

    def _remove_what_is_older(self, mark: Mark, than: int, kept_from: int) -> None:
        """What this database sent before it counted anew, and has no more; pruned turns stay."""
        for statement in _REMOVE:
            self._command(statement, {**mark._asdict(), "than": than, "kept": kept_from})

    def _reached(self, db: Store) -> tuple[Cursor | None, _State]:
        """Where it is; None: it is to begin, with that state."""
        cursor = sink_cursors.of(db, SINK, self._address.shown)
        if cursor is None or cursor.state is None:
            return None, self._fresh(db, 0, None)
        state = msgspec.json.decode(cursor.state, type=_State)
        if (state.history, state.look) != (changes.state(db).history, _digest(self._sender.look)):
            return None, self._fresh(db, state.base, None)
        return cursor, state

    def _fresh(self, db: Store, former: int, since: int | None) -> _State:
        base = max(former + 1, _now() // 1_000)
        return _State(changes.state(db).history, base, _digest(self._sender.look), since)

    def _start(self, state: _State) -> None:
        with self._writing() as db:
            sink_cursors.begin(db, SINK, self._address.shown, _now(), state=_encode(state))

    def _insert(self, table: str, values: Values, mark: Mark, place: Place) -> None:
        number = len(values[0])
        if not number:
            return
        settings: dict[str, object] = {
            # Whoever claims to have run at any time takes a partition for each month of it.
            "max_partitions_per_insert_block": 0,
            "insert_deduplication_token": _digest(f"{mark} {place} {self._sender.look}"),
        }
        if number < FEW:
            settings |= {"async_insert": 1, "wait_for_async_insert": 1}
        with _later():
            self._connected().insert(table, columns(table), values, settings)

    def _command(self, sql: str, parameters: dict[str, object]) -> None:
        with _later():
            self._connected().command(sql, parameters)

    def _connected(self) -> Connection:
        if self._there is None:
            there = connect(self._address, answer_s=ANSWER_S)
            migrate(there, self._cluster)
            self._there = there
        return self._there

    def _failed(self, why: str) -> None:
        self.close()
        with contextlib.suppress(Exception), self._writing() as db:
            sink_cursors.fail(db, SINK, why, _now())

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Store]:
        with contextlib.closing(database.open_to_write(self._path)) as db, database.transaction(db):
            yield db


@contextlib.contextmanager
def _later() -> Iterator[None]:
    # Nothing is refused for good: what it can't take now, it may once somebody has seen to it.
    try:
        yield
    except FailedError as error:
        raise LaterError(error.why) from None


def _encode(state: _State) -> bytes:
    return msgspec.json.encode(state)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _now() -> int:
    return time.time_ns() // 1_000_000


_NEWEST: Final = "SELECT max(version) FROM turns WHERE database = {database:String}"

_REMOVE: Final = (
    """
    INSERT INTO turns (machine, user, day, turn_id, database, version, is_deleted)
    SELECT machine, user, day, turn_id, database, {version:UInt64}, 1 FROM turns FINAL
    WHERE database = {database:String} AND version < {than:UInt64}
        AND toUnixTimestamp64Milli(coalesce(ended_at, started_at, now64(3))) >= {kept:Int64}
    """,
    """
    INSERT INTO sessions (machine, user, session_id, database, version, is_deleted)
    SELECT machine, user, session_id, database, {version:UInt64}, 1 FROM sessions FINAL
    WHERE database = {database:String} AND version < {than:UInt64}
        AND toUnixTimestamp64Milli(coalesce(last_at, now64(3))) >= {kept:Int64}
    """,
)
