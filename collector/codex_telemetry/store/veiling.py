"""Put a veil over what is stored already: told bodies first, then the rows that are made from them."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import aiosqlite
import msgspec

from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import SessionFacts, Snapshot, TurnFacts
from codex_telemetry.core.veil import Veil
from codex_telemetry.store import snapshots
from codex_telemetry.store import statements as sql
from codex_telemetry.store.bodies import squeezed, unpacked
from codex_telemetry.store.told import Told, tell

AT_ONCE = 500
"""So many turns or sessions are made anew together."""

_KEYS: Final = {"sessions": "session_id", "turns": "turn_id"}
_SHAPES: Final = {"sessions": SessionFacts, "turns": TurnFacts}

# A reader that can't be restored reads its file anew.
_FORGET_STATES = "UPDATE rollout_files SET state = x'', size = -1"
_UNUSED_GROUPS = """
    DELETE FROM usage_groups WHERE usage_group NOT IN (
        SELECT usage_group FROM usage UNION SELECT usage_group FROM pruned_usage)
"""


async def veil_bodies(db: aiosqlite.Connection, veil: Veil) -> None:
    """Everything that was told, as it would be told now."""
    for what, shape in _SHAPES.items():
        decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(shape)
        select = f"SELECT {_KEYS[what]}, origin, body FROM told_{what}"
        rows = await db.execute_fetchall(f"SELECT {_KEYS[what]}, origin FROM told_{what}")
        for key, origin in list(rows):
            ((_, _, body),) = await db.execute_fetchall(
                f"{select} WHERE {_KEYS[what]} = ? AND origin = ?", (key, origin)
            )
            told = unpacked(body)
            veiled = msgspec.msgpack.encode(veil.over(decoder.decode(told)))
            if veiled != told:
                await db.execute(sql.SAVE_TOLD[what], (key, origin, squeezed(veiled)))
    await db.execute(_FORGET_STATES)


async def told_anew(db: aiosqlite.Connection) -> AsyncIterator[Told]:
    """All that was told, some at a time: rows are to be made from it."""
    for what, shape in _SHAPES.items():
        decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(shape)
        rows = await db.execute_fetchall(
            f"SELECT origin, {_KEYS[what]} FROM told_{what} ORDER BY 1, 2"
        )
        for origin, keys in _chunks(list(rows)):
            batch = Batch("live", "")
            for key in keys:
                ((body,),) = await db.execute_fetchall(
                    f"SELECT body FROM told_{what} WHERE {_KEYS[what]} = ? AND origin = ?",
                    (key, origin),
                )
                getattr(batch, what)[key] = decoder.decode(unpacked(body))
            yield await tell(db, {origin: batch})


async def veil_snapshots(db: aiosqlite.Connection, veil: Veil) -> None:
    """Folders that were read from a screen: of them no other form is stored."""
    for (cwd,) in list(await db.execute_fetchall(snapshots.FOLDERS)):
        veiled = veil.over_snapshot(Snapshot(0, "panel", cwd=cwd))
        if veiled.cwd != cwd:
            await db.execute(snapshots.VEIL, (veiled.cwd, veiled.secret_id, cwd))


async def forget_unused(db: aiosqlite.Connection) -> None:
    await db.execute(_UNUSED_GROUPS)


def _chunks(rows: list[Any]) -> Iterator[tuple[int, list[str]]]:
    """By origin, so many at a time."""
    by_origin: dict[int, list[str]] = {}
    for origin, key in rows:
        by_origin.setdefault(origin, []).append(key)
    for origin, keys in by_origin.items():
        for n in range(0, len(keys), AT_ONCE):
            yield origin, keys[n : n + AT_ONCE]
