"""Save what was told: load what is known of the same things, join, settle, save. One transaction."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import aiosqlite
import anyio
import anyio.to_thread
import msgspec

from codex_telemetry.core.batch import MOST_DRIFT, THE_REST, Batch
from codex_telemetry.core.facts import SessionFacts, TurnFacts
from codex_telemetry.core.settle import (
    owner,
    settle_events,
    settle_item,
    settle_responses,
    settle_session,
    settle_turn,
)
from codex_telemetry.store import cursors
from codex_telemetry.store import db as database
from codex_telemetry.store import statements as sql
from codex_telemetry.store.cursors import Cursor
from codex_telemetry.store.order import Placed, place
from codex_telemetry.store.told import json_list, tell


class Writer:
    """One connection that writes. Others may write at once: each save is one transaction."""

    def __init__(self, path: Path, connection: aiosqlite.Connection) -> None:
        self._path = path
        self._db = connection
        self._inode = path.stat().st_ino

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the database, making or migrating it. Raises what `db.prepare` raises."""
        await anyio.to_thread.run_sync(database.prepare, path, abandon_on_cancel=True)
        connection = await aiosqlite.connect(
            path, timeout=database.BUSY_MS / 1000, isolation_level=None
        )
        try:
            await connection.executescript(
                "PRAGMA foreign_keys=ON; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
            )
            return cls(path, connection)
        except BaseException:
            await connection.close()
            raise

    async def close(self) -> None:
        await self._db.close()

    def is_current(self) -> bool:
        """Whether the file we write is still the one at its path: it may be deleted or replaced."""
        try:
            return self._path.stat().st_ino == self._inode
        except OSError:
            return False

    @property
    def connection(self) -> aiosqlite.Connection:
        """For what else of the store reads and writes by it."""
        return self._db

    async def save(
        self,
        batch: Batch,
        spool: str | None = None,
        *,
        cursor: Cursor | None = None,
        afresh: bool = False,
    ) -> bool:
        """Save all of a batch or nothing. Raises `sqlite3.Error`, `OSError`.

        `spool`: the name of the spool file it comes from; False if that was taken in before.
        `cursor`: how far the batch's rollout file is read with it. `afresh`: forget first all that
        this origin told before.
        """
        if not self.is_current():
            raise sqlite3.OperationalError("the database was moved away or replaced")
        await self._db.execute("BEGIN IMMEDIATE")
        try:
            fresh = await self._save(batch, spool, cursor, afresh=afresh)
            await self._db.execute("COMMIT")
        except BaseException:
            # A failed COMMIT may have rolled back by itself.
            with anyio.CancelScope(shield=True):
                if self._db.in_transaction:
                    await self._db.execute("ROLLBACK")
            raise
        return fresh

    async def _save(
        self, batch: Batch, spool: str | None, cursor: Cursor | None, *, afresh: bool
    ) -> bool:
        if spool is not None:
            taken = await self._db.execute(sql.TAKE_SPOOL, (spool,))
            if taken.rowcount == 0:
                return False
        origin = await self._origin(batch)
        _, turns, bereft = known = await tell(self._db, origin, batch, afresh=afresh)
        await self._save_sessions(known.sessions.values(), turns.values())
        await self._save_turns(turns, bereft)
        await self._save_events(known.sessions, turns)
        await self._save_limits(origin, batch)
        await self._save_drift(origin, batch)
        await self._db.executemany(
            sql.GAP, [(origin, g.at, g.reason, g.dropped_bytes, g.session_id) for g in batch.gaps]
        )
        if cursor is not None:
            await cursors.save(self._db, origin, cursor)
        return True

    async def _origin(self, batch: Batch) -> int:
        row = await self._one(sql.ORIGIN, (batch.kind, batch.origin, batch.codex_version))
        return int(row[0])

    async def _save_sessions(
        self, sessions: Iterable[SessionFacts], turns: Iterable[TurnFacts]
    ) -> None:
        await self._db.executemany(
            sql.SESSION, [msgspec.structs.astuple(settle_session(s)) for s in sessions]
        )
        # A turn may be told of a thread that nobody introduced.
        bare = {
            owner(turn): SessionFacts(owner(turn), sources=turn.sources, captured=turn.captured)
            for turn in turns
        }
        await self._db.executemany(
            sql.BARE_SESSION, [msgspec.structs.astuple(settle_session(s)) for s in bare.values()]
        )

    async def _save_turns(self, turns: dict[str, TurnFacts], bereft: set[str]) -> None:
        settled = {turn_id: settle_turn(facts) for turn_id, facts in turns.items()}
        owners = bereft | {row.session_id for row in settled.values()}
        stored = [
            Placed(*row)
            for row in await self._all(sql.PLACES, (json_list(owners), json_list(settled)))
        ]
        order = place(stored, settled.values())
        # Two steps, for the order is unique at every moment.
        await self._db.executemany(sql.SET_ASIDE, [(p.turn_id,) for p in order.moved])
        await self._db.executemany(
            sql.TURN,
            [(*msgspec.structs.astuple(r), order.places[r.turn_id]) for r in settled.values()],
        )
        await self._db.executemany(
            sql.PUT_BACK, [(order.places[p.turn_id], p.turn_id) for p in order.moved]
        )
        keys = dict(await self._all(sql.TURN_KEYS, (json_list(settled),)))
        items = [
            (keys[turn_id], *msgspec.structs.astuple(settle_item(i, item, facts, row.status)))
            for turn_id, facts in turns.items()
            for row in (settled[turn_id],)
            for i, item in facts.items.items()
        ]
        await self._db.executemany(sql.ITEM, items)
        responses = [
            (keys[turn_id], *msgspec.structs.astuple(response))
            for turn_id, facts in turns.items()
            for response in settle_responses(facts)
        ]
        await self._db.executemany(sql.RESPONSE, responses)
        touched = owners | {p.session_id for p in order.moved}
        await self._db.execute(sql.SUM_UP, (json_list(touched),))
        await self._save_models(touched)

    async def _save_models(self, sessions: set[str]) -> None:
        used: dict[str, list[str]] = {}
        for session, model in await self._all(sql.MODELS, (json_list(sessions),)):
            models = used.setdefault(session, [])
            if model not in models:
                models.append(model)
        await self._db.executemany(
            sql.SET_MODELS,
            [(msgspec.json.encode(models).decode(), s) for s, models in used.items()],
        )

    async def _save_events(
        self, sessions: dict[str, SessionFacts], turns: dict[str, TurnFacts]
    ) -> None:
        rows: list[tuple[Any, ...]] = []
        for turn_id, turn in turns.items():
            rows += [
                (owner(turn), turn_id, *msgspec.structs.astuple(event))
                for event in settle_events(turn.events, turn.asks)
            ]
        for session_id, session in sessions.items():
            rows += [
                (session_id, None, *msgspec.structs.astuple(event))
                for event in settle_events(session.events, {})
            ]
        await self._db.executemany(sql.EVENT, rows)
        touched = set(sessions) | {owner(turn) for turn in turns.values()}
        await self._db.execute(sql.COUNT_EVENTS, (json_list(touched),))

    async def _save_limits(self, origin: int, batch: Batch) -> None:
        await self._db.executemany(
            sql.LIMIT,
            [
                (
                    origin,
                    sample.observed_at,
                    sample.limit_id or "",
                    sample.window_minutes or 0,
                    sample.used_percent,
                    sample.resets_at,
                    sample.plan_type,
                    sample.has_credits,
                    sample.unlimited_credits,
                    sample.credit_balance,
                    sample.session_id,
                )
                for sample in batch.limits
            ],
        )

    async def _save_drift(self, origin: int, batch: Batch) -> None:
        if not batch.drift:
            return
        known = {tuple(row) for row in await self._all(sql.DRIFT_NAMES, (origin,))}
        rows = []
        for (version, name, reason), seen in batch.drift.items():
            key = (version, name, reason)
            if key not in known and len(known) >= MOST_DRIFT:
                key = (version, THE_REST, "too many names")
            known.add(key)
            rows.append((origin, *key, seen.n, seen.first_seen, seen.last_seen))
        await self._db.executemany(sql.DRIFT, rows)

    async def _all(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        return list(await self._db.execute_fetchall(query, values))

    async def _one(self, query: str, values: tuple[Any, ...]) -> Any:
        return (await self._all(query, values))[0]
