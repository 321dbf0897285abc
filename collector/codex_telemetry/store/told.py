"""What each origin told: kept as it was told, joined with what others tell of the same things."""

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

import aiosqlite
import msgspec

from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import SessionFacts, TurnFacts
from codex_telemetry.core.identity import TurnId, is_uuid
from codex_telemetry.core.join import join
from codex_telemetry.core.pairing import united
from codex_telemetry.core.settle import owner
from codex_telemetry.store import statements as sql

F = TypeVar("F", TurnFacts, SessionFacts)

_encode = msgspec.msgpack.encode
_turn = msgspec.msgpack.Decoder(TurnFacts)
_session = msgspec.msgpack.Decoder(SessionFacts)


class Told(NamedTuple):
    """All that anyone ever told of the threads and turns that a save is about."""

    sessions: dict[str, SessionFacts]
    turns: dict[str, TurnFacts]
    bereft: set[str]
    """Threads that lost a turn: its row is removed, their turns need their places anew."""


async def tell(db: aiosqlite.Connection, origin: int, batch: Batch, *, afresh: bool) -> Told:
    """Keep what an origin tells now, joined into what it told before (`afresh`: instead of it)."""
    teller = _Teller(db, origin)
    orphans = await teller.forget() if afresh else set()
    sessions = await teller.told(
        "sessions", {str(k): v for k, v in batch.sessions.items()}, _session
    )
    turns = await teller.told("turns", {str(k): v for k, v in batch.turns.items()}, _turn)
    turns |= await teller.still_told(orphans - turns.keys())
    turns = await teller.unite(turns)
    return Told(sessions, turns, teller.bereft)


class _Teller:
    def __init__(self, db: aiosqlite.Connection, origin: int) -> None:
        self._db = db
        self._origin = origin
        self.bereft: set[str] = set()

    async def told(
        self, what: str, told: dict[str, F], decoder: msgspec.msgpack.Decoder[F]
    ) -> dict[str, F]:
        """Join what is told now into what this origin told before, save that, and give back all
        that any origin ever told of the same things."""
        everything = dict(told)
        mine = dict(told)
        rows = await self._all(sql.TOLD[what], (json_list(told),))
        for key, teller, body in rows:
            before = decoder.decode(body)
            if teller == self._origin:
                mine[key] = join(before, mine[key])
            everything[key] = join(before, everything[key])
        await self._db.executemany(
            sql.SAVE_TOLD[what],
            [(key, self._origin, _encode(facts)) for key, facts in mine.items()],
        )
        return everything

    async def forget(self) -> set[str]:
        """Forget all that the origin told; the ids of the turns it told of."""
        told = {row[0] for row in await self._all(sql.TOLD_BY, (self._origin,))}
        for statement in sql.FORGET:
            await self._db.execute(statement, (self._origin,))
        return told

    async def still_told(self, turns: set[str]) -> dict[str, TurnFacts]:
        """What others tell of these turns; those of which nobody tells are removed."""
        told: dict[str, TurnFacts] = {}
        for turn_id, _, body in await self._all(sql.TOLD["turns"], (json_list(turns),)):
            facts = _turn.decode(body)
            told[turn_id] = join(told[turn_id], facts) if turn_id in told else facts
        await self._remove(turns - told.keys())
        return told

    async def unite(self, turns: dict[str, TurnFacts]) -> dict[str, TurnFacts]:
        """Take a turn of an old release that was heard and one that was logged for one, where they
        are: see `core.pairing`. All turns of the thread without an id of Codex's own take part."""
        threads = {owner(facts) for turn, facts in turns.items() if not is_uuid(turn)}
        result = {turn: facts for turn, facts in turns.items() if is_uuid(turn)}
        for thread in threads:
            told: dict[TurnId, TurnFacts] = {}
            for turn_id, _, body in await self._all(sql.TOLD_BETWEEN, (f"{thread}:", f"{thread};")):
                facts = _turn.decode(body)
                told[turn_id] = join(told[turn_id], facts) if turn_id in told else facts
            one = united(told)
            await self._remove(set(told) - set(one))
            result |= {str(turn_id): facts for turn_id, facts in one.items()}
        return result

    async def _remove(self, turns: Iterable[str]) -> None:
        gone = [(turn_id,) for turn_id in turns]
        ids = json_list(turn_id for (turn_id,) in gone)
        self.bereft |= {row[0] for row in await self._all(sql.THREADS_OF, (ids,))}
        await self._db.executemany(sql.REMOVE_EVENTS, gone)
        await self._db.executemany(sql.REMOVE_TURN, gone)

    async def _all(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        return list(await self._db.execute_fetchall(query, values))


def json_list(keys: Iterable[str]) -> str:
    """A list of keys for `json_each(?)`: one statement, however many."""
    return msgspec.json.encode(list(keys)).decode()
