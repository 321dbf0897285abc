"""What was pruned stays so: whoever tells of it again isn't heard. What it used is all that is left."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Final

import aiosqlite
import msgspec

from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import LimitSample, TurnFacts
from codex_telemetry.core.identity import is_uuid
from codex_telemetry.core.pairing import LATEST_MS
from codex_telemetry.core.veil import Veil
from codex_telemetry.store.queries import PRUNED_BEFORE
from codex_telemetry.store.told import json_list

_PRUNED: Final = "SELECT turn FROM pruned_turns WHERE turn IN (SELECT value FROM json_each(?))"
_TOLD: Final = "SELECT turn_id FROM told_turns WHERE turn_id IN (SELECT value FROM json_each(?))"
_GONE: Final = """
SELECT session_id FROM pruned_sessions
WHERE session_id IN (SELECT value FROM json_each(?))
    AND session_id NOT IN (SELECT session_id FROM sessions)
"""
ENDS: Final = """
SELECT session_id, last_started_at FROM pruned_sessions WHERE last_started_at IS NOT NULL
"""
_THESE: Final = "session_id IN (SELECT value FROM json_each(?))"
_MOVE: Final = "UPDATE pruned_sessions SET cwd = ? WHERE session_key = ?"
_GROUPS: Final = """
SELECT usage_group, model, service_tier, status, git_repo, cwd FROM usage_groups
WHERE usage_group IN (SELECT usage_group FROM pruned_usage)
"""
ADD_GROUP: Final = """
INSERT INTO usage_groups (model, service_tier, status, git_repo, cwd) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""
GROUP: Final = """
SELECT usage_group FROM usage_groups
WHERE coalesce(model, '') = coalesce(?, '') AND coalesce(service_tier, '') = coalesce(?, '')
    AND status = ? AND coalesce(git_repo, '') = coalesce(?, '') AND coalesce(cwd, '') = coalesce(?, '')
"""
_REGROUP: Final = f"UPDATE pruned_usage SET usage_group = ({GROUP}) WHERE usage_group = ?"


def digest(turn_id: str) -> int:
    """64 bits: of a million turns two would have the same once in forty million databases."""
    return int.from_bytes(blake2b(turn_id.encode(), digest_size=8).digest(), "big", signed=True)


def is_over(sample: LimitSample, moment: int) -> bool:
    """Whether the window that was read had reset by then."""
    return max(sample.observed_at, sample.resets_at or 0) < moment


async def without(db: aiosqlite.Connection, batches: Sequence[Batch]) -> list[Batch]:
    """Batches without what was pruned: turns, sessions that have no other, windows that were over."""
    ((moment,),) = await db.execute_fetchall(PRUNED_BEFORE)
    if moment is None:
        return list(batches)
    return [await _without(db, batch, moment) for batch in batches]


async def _without(db: aiosqlite.Connection, batch: Batch, moment: int) -> Batch:
    left = await turns_without(db, batch)
    alive = {str(thread) for turn in left.turns.values() for thread in turn.tellers}
    bare = json_list(str(session_id) for session_id in batch.sessions if session_id not in alive)
    gone = {row[0] for row in await db.execute_fetchall(_GONE, (bare,))}
    return msgspec.structs.replace(
        left,
        sessions={
            session_id: facts
            for session_id, facts in batch.sessions.items()
            if session_id not in gone or (facts.last_at or 0) >= moment
        },
        limits=[sample for sample in batch.limits if not is_over(sample, moment)],
    )


async def turns_without(
    db: aiosqlite.Connection, batch: Batch, ends: Mapping[str, int] | None = None
) -> Batch:
    """A batch without turns that were pruned. `ends`: as `late` wants them, if not the stored."""
    digests = {turn_id: digest(turn_id) for turn_id in batch.turns}
    gone = {row[0] for row in await db.execute_fetchall(_PRUNED, (json_list(digests.values()),))}
    if ends is None:
        threads = {str(thread) for turn in batch.turns.values() for thread in turn.tellers}
        rows = await db.execute_fetchall(f"{ENDS} AND {_THESE}", (json_list(threads),))
        ends = {row[0]: row[1] for row in rows}
    old = late(batch.turns.values(), ends)
    if old:
        old -= {row[0] for row in await db.execute_fetchall(_TOLD, (json_list(old),))}
    turns = {
        turn_id: turn
        for turn_id, turn in batch.turns.items()
        if digests[turn_id] not in gone and turn_id not in old
    }
    return msgspec.structs.replace(batch, turns=turns)


def late(turns: Iterable[TurnFacts], ends: Mapping[str, int]) -> set[str]:
    """Turns without an id of Codex's own that one source tells of only after what another told of
    them was pruned: turns of a thread come one after another. `ends`: when the latest of a thread's
    pruned turns began."""
    return {
        str(turn.turn_id)
        for turn in turns
        if turn.starts and not is_uuid(turn.turn_id)
        for thread in turn.tellers
        if thread in ends and min(turn.starts.values()) <= ends[thread] + LATEST_MS
    }


async def veil(db: aiosqlite.Connection, veil: Veil) -> None:
    """Keep the folders in what is left as they would be kept now."""
    sessions = await db.execute_fetchall("SELECT cwd, session_key FROM pruned_sessions")
    await db.executemany(_MOVE, [(veil.folder(cwd), key) for cwd, key in sessions])
    for group, *others, cwd in list(await db.execute_fetchall(_GROUPS)):
        veiled = veil.folder(cwd)
        if veiled != cwd:
            await db.execute(ADD_GROUP, (*others, veiled))
            await db.execute(_REGROUP, (*others, veiled, group))
