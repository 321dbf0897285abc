"""Put a veil over what is stored already: told bodies first, then the rows that are made from them."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import aiosqlite
import msgspec

from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import SessionFacts, Snapshot
from codex_telemetry.core.identity import TurnId
from codex_telemetry.core.veil import Veil
from codex_telemetry.store import snapshots, told_turns
from codex_telemetry.store import statements as sql
from codex_telemetry.store.bodies import squeezed, unpacked
from codex_telemetry.store.told import Told, tell

AT_ONCE = 500
"""So many turns or sessions are made anew together."""

_SESSIONS: Final = "SELECT origin, session_id FROM told_sessions ORDER BY 1, 2"
_SESSION: Final = "SELECT body FROM told_sessions WHERE session_id = ? AND origin = ?"
_BODIES: Final = "SELECT min(origin), told_body FROM told_by_origin GROUP BY 2 ORDER BY 1, 2"
_BODY: Final = "SELECT body FROM told_bodies WHERE told_body = ?"
_VEIL: Final = "UPDATE told_bodies SET body = ? WHERE told_body = ?"

_session: Final = msgspec.msgpack.Decoder(SessionFacts).decode

# A reader that can't be restored reads its file anew.
_FORGET_STATES = "UPDATE rollout_files SET state = x'', size = -1"
_UNUSED_GROUPS = """
    DELETE FROM usage_groups WHERE usage_group NOT IN (
        SELECT usage_group FROM usage UNION SELECT usage_group FROM pruned_usage)
"""


async def veil_bodies(db: aiosqlite.Connection, veil: Veil) -> None:
    """Everything that was told, as it would be told now."""
    for origin, key in list(await db.execute_fetchall(_SESSIONS)):
        ((body,),) = await db.execute_fetchall(_SESSION, (key, origin))
        told = unpacked(body)
        veiled = msgspec.msgpack.encode(veil.over_session(_session(told)))
        if veiled != told:
            await db.execute(sql.SAVE_SESSION_TOLD, (key, origin, squeezed(veiled)))
    for origin, key in list(await db.execute_fetchall(_BODIES)):
        ((body,),) = await db.execute_fetchall(_BODY, (key,))
        told_body = told_turns.decoded(body, origin)
        veiled_body = {
            teller: {turn_id: _veiled(veil, told) for turn_id, told in its.items()}
            for teller, its in told_body.items()
        }
        if veiled_body != told_body:
            await db.execute(_VEIL, (told_turns.encoded(veiled_body), key))
    await db.execute(_FORGET_STATES)


def _veiled(veil: Veil, told: msgspec.Raw) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(veil.over_turn(told_turns.read(told))))


async def told_anew(db: aiosqlite.Connection) -> AsyncIterator[Told]:
    """All that was told, some at a time: rows are to be made from it."""
    sessions = list(await db.execute_fetchall(_SESSIONS))
    for some in _chunks(sessions, AT_ONCE):
        batches: dict[int, Batch] = {}
        for origin, key in some:
            ((body,),) = await db.execute_fetchall(_SESSION, (key, origin))
            batch = batches.setdefault(origin, Batch("live", ""))
            batch.sessions[key] = _session(unpacked(body))
        yield await tell(db, batches)
    bodies = list(await db.execute_fetchall(_BODIES))
    for some in _chunks(bodies, AT_ONCE // told_turns.TOGETHER):
        batches = {}
        for origin, key in some:
            ((body,),) = await db.execute_fetchall(_BODY, (key,))
            for teller, its in told_turns.decoded(body, origin).items():
                batch = batches.setdefault(teller, Batch("live", ""))
                batch.turns |= {TurnId(turn): told_turns.read(told) for turn, told in its.items()}
        yield await tell(db, batches)


async def veil_snapshots(db: aiosqlite.Connection, veil: Veil) -> None:
    """Folders that were read from a screen: of them no other form is stored."""
    for (cwd,) in list(await db.execute_fetchall(snapshots.FOLDERS)):
        veiled = veil.over_snapshot(Snapshot(0, "panel", cwd=cwd))
        if veiled.cwd != cwd:
            await db.execute(snapshots.VEIL, (veiled.cwd, veiled.secret_id, cwd))


async def forget_unused(db: aiosqlite.Connection) -> None:
    await db.execute(_UNUSED_GROUPS)


def _chunks(rows: list[Any], at_once: int) -> Iterator[list[Any]]:
    for n in range(0, len(rows), at_once):
        yield rows[n : n + at_once]
