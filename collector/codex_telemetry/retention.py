"""How long details are kept: what the config or the user says, and when it is applied."""

import time
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.to_thread

from codex_telemetry import log, pricing
from codex_telemetry.config import Paths
from codex_telemetry.sections import SHORTEST, Retention
from codex_telemetry.settings import Settings, bytes_of
from codex_telemetry.store import prune
from codex_telemetry.store.keeper import UNWRITABLE
from codex_telemetry.store.prune import Going
from codex_telemetry.store.queries import reading
from codex_telemetry.store.writer import Writer

DAY_MS = 86_400_000
AGAIN_S = 86_400.0
"""How often who follows the logs applies it."""

SOON_S = 60.0
"""How long after its start it does so first: what waited to be read is read by then."""

MOST_ROUNDS = 5
"""What a size takes is known in advance only nearly: so often it is looked again."""


class Wanted(NamedTuple):
    """At least one of them."""

    older_than_ms: int | None = None
    size: int | None = None
    """Bytes."""


def wanted_by(retention: Retention) -> Wanted | None:
    """None where the user wants everything kept."""
    if retention.days is None and retention.size is None:
        return None
    return Wanted(
        None if retention.days is None else retention.days * DAY_MS,
        None if retention.size is None else bytes_of(retention.size),
    )


def plan(database: Path, wanted: Wanted, now: int) -> Going | None:
    """What would go; None if nothing would. Raises `UserError`."""
    cut = _cut(database, wanted, now)
    if cut is None:
        return None
    with reading(database) as db:
        going = prune.going(db, cut)
    return going if any((going.sessions, going.turns, going.limits)) else None


async def apply(database: Path, wanted: Wanted, now: int) -> list[Going]:
    """Let it go; what that was, in one step or several, each all or nothing.

    Raises what `Writer.open` and `Writer.save` do."""
    gone: list[Going] = []
    for _ in range(MOST_ROUNDS):
        going = await anyio.to_thread.run_sync(plan, database, wanted, now)
        if going is None:
            break
        # Given up half-way, its thread would complain of the loop that is gone.
        with anyio.CancelScope(shield=True):
            writer = await Writer.open(database)
        try:
            await writer.prune(going.before)
        finally:
            with anyio.CancelScope(shield=True):
                await writer.close()
        gone.append(going)
    return gone


async def look_after(paths: Paths, settings: Settings) -> None:
    """Apply what the config says once a day, for as long as the logs are followed. A day on which
    that can't be done is one on which more is kept."""
    wanted = wanted_by(settings.retention)
    if wanted is None:
        return
    await anyio.sleep(SOON_S)
    while True:
        # Costs stay as they are once their responses are gone.
        prices = pricing.wanted(settings)
        try:
            await anyio.to_thread.run_sync(pricing.bring_up_to_date, paths.database, prices)
            if await apply(paths.database, wanted, time.time_ns() // 1_000_000):
                log.event(log.PRUNED)
        except UNWRITABLE as error:
            log.event(log.SAVE_FAILED, error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the watch
            log.crash(error)
        await anyio.sleep(AGAIN_S)


def _cut(database: Path, wanted: Wanted, now: int) -> int | None:
    cuts = [] if wanted.older_than_ms is None else [now - wanted.older_than_ms]
    if wanted.size is not None:
        with reading(database) as db:
            by_size = prune.cut_for(db, wanted.size, now - SHORTEST * DAY_MS)
        cuts += [] if by_size is None else [by_size]
    return max(cuts, default=None)
