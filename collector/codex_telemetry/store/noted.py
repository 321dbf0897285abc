"""What is kept as it was told, as nobody else tells of it: limits, panels, drift, gaps."""

from collections.abc import Collection, Mapping

import aiosqlite

from codex_telemetry.core.batch import Batch, DriftKey, counted_as
from codex_telemetry.core.facts import Gap, LimitSample
from codex_telemetry.store import readings, snapshots
from codex_telemetry.store import statements as sql
from codex_telemetry.store.at_once import write
from codex_telemetry.store.stored_values import stored_uuid


async def note(db: aiosqlite.Connection, batches: Mapping[int, Batch]) -> None:
    """Save all of that, by origin."""
    told = batches.items()
    await write(db, readings.SAVE, [_limit(n, each) for n, batch in told for each in batch.limits])
    await write(db, readings.SPAN, [_span(n, batch.limits) for n, batch in told if batch.limits])
    await write(
        db,
        snapshots.SAVE,
        [snapshots.row_of(n, each) for n, batch in told for each in batch.snapshots],
    )
    for origin, batch in told:
        await _note_drift(db, origin, batch)
    for origin, batch in told:
        for gap in batch.gaps:
            await note_gap(db, origin, gap)


async def note_gap(db: aiosqlite.Connection, origin: int, gap: Gap) -> None:
    """One more of this origin."""
    await db.execute(sql.GAP, (origin, gap.at, gap.reason, gap.dropped_bytes, gap.session_id))


async def _note_drift(db: aiosqlite.Connection, origin: int, batch: Batch) -> None:
    if not batch.drift:
        return
    rows = await db.execute_fetchall(sql.DRIFT_NAMES, (origin,))
    known: set[DriftKey] = {(version, name, reason) for version, name, reason in rows}
    counts = []
    for name, seen in batch.drift.items():
        key = counted_as(name, known)
        known.add(key)
        counts.append((origin, *key, seen.n, seen.first_seen, seen.last_seen))
    await db.executemany(sql.DRIFT[batch.kind], counts)


def _span(origin: int, samples: Collection[LimitSample]) -> tuple[int, int, int]:
    moments = [sample.observed_at for sample in samples]
    return origin, min(moments), max(moments)


def _limit(origin: int, sample: LimitSample) -> tuple[object, ...]:
    return (
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
        stored_uuid(sample.session_id),
    )
