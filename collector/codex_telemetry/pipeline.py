"""The collector: what is heard of a launch is kept, and the logs that it left are read."""

import contextlib
import os
import signal

import anyio
import anyio.to_thread
from anyio.abc import TaskStatus

from codex_telemetry import log, pricing, privacy
from codex_telemetry.config import Paths
from codex_telemetry.hearing import Hearing
from codex_telemetry.history import follow_a_session, read_what_a_session_left
from codex_telemetry.inputs import live
from codex_telemetry.store import grants, spool
from codex_telemetry.store.keeper import PATIENCE_S, Keeper
from codex_telemetry.store.price_list import PriceList
from codex_telemetry.store.writer import Writer

GATHER_S = 1.0
"""Facts heard within this time are saved together, unless a turn has ended: that is saved at once."""

RETRY_S = 0.5
"""How soon it is tried again to save what couldn't be saved."""

FOLLOW_AFTER_S = 1.0
"""How long a Codex is given to begin a stream that tells all, before its logs are followed."""


def collect(paths: Paths, log_level: str | None = None, *, patience_s: float = PATIENCE_S) -> None:
    """Be the collector: hear the pump on stdin until it ends, keep what is heard. Never raises for
    what Codex says or the disk does."""
    log.configure(log_level, paths.log)
    _make_way()
    anyio.run(_collect, paths, patience_s)


def _make_way() -> None:
    """When we wake up, let those who pass the bytes on run to their end first."""
    with contextlib.suppress(AttributeError, OSError):  # not Linux, or forbidden
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def take_in_spool(paths: Paths) -> int:
    """Take in what an earlier collector couldn't write; how many files. Raises what a `Writer` does."""
    if not any(spool.waiting(paths.spool)):
        return 0
    return anyio.run(_take_in, paths)


async def _take_in(paths: Paths) -> int:
    writer = await Writer.open(paths.database)
    try:
        return await spool.take_in(writer, paths.spool)
    finally:
        await writer.close()


async def _collect(paths: Paths, patience_s: float) -> None:
    log.event(log.COLLECTOR_STARTED)
    hearing = Hearing(grants.load(paths.database), privacy.veil_of_a_stream(paths))
    prices = pricing.wanted_by(paths.config)
    keeper = Keeper(paths.database, paths.spool, patience_s=patience_s, prices=prices)
    reading_logs, following_logs = anyio.CancelScope(), anyio.CancelScope()
    async with anyio.create_task_group() as ears:
        if prices is not None:
            ears.start_soon(_get_ready, paths, prices)
        listening = await ears.start(_listen, hearing)
        await ears.start(_end_when_told, keeper, listening, reading_logs)
        ears.start_soon(_follow, paths, hearing, following_logs)
        await _keep(hearing, keeper)
        following_logs.cancel()
        with reading_logs:
            if hearing.began is not None:
                await read_what_a_session_left(paths, hearing.began, hearing.threads)
                hearing.tell_whose_it_is()
                await _keep(hearing, keeper)
        ears.cancel_scope.cancel()
    log.event(log.COLLECTOR_STOPPED)


async def _get_ready(paths: Paths, prices: PriceList) -> None:
    await anyio.to_thread.run_sync(
        pricing.get_ready, paths.database, prices, abandon_on_cancel=True
    )


async def _listen(hearing: Hearing, task_status: TaskStatus[anyio.CancelScope]) -> None:
    """Hear all there is to hear. However that ends, what was heard is kept."""
    try:
        with anyio.CancelScope() as scope:
            task_status.started(scope)
            async for heard in live.listen(0):
                for what in heard:
                    hearing.hear(what)
                await hearing.heard_some()
    except Exception as error:  # noqa: BLE001 - see above
        log.crash(error)
    finally:
        hearing.end()


async def _follow(paths: Paths, hearing: Hearing, scope: anyio.CancelScope) -> None:
    """While a Codex runs whose stream doesn't tell all, read its logs as they grow."""
    with scope:
        await hearing.codex.wait()
        with anyio.move_on_after(FOLLOW_AFTER_S):
            await hearing.recognised.wait()
        async with anyio.create_task_group() as following:
            if hearing.began is not None and not hearing.is_told_all:
                following.start_soon(follow_a_session, paths, hearing.began, hearing.threads)
            await hearing.recognised.wait()
            if hearing.is_told_all:
                following.cancel_scope.cancel()


async def _end_when_told(
    keeper: Keeper, *doing: anyio.CancelScope, task_status: TaskStatus[None]
) -> None:
    """The machine shuts down, say: write what there is now, wherever it can be written."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        task_status.started()
        async for _ in signals:
            keeper.hurry()
            for scope in doing:
                scope.cancel()


async def _keep(hearing: Hearing, keeper: Keeper) -> None:
    try:
        while not (hearing.is_over and keeper.is_done):
            if keeper.is_done:
                await hearing.news()
                await hearing.gather(GATHER_S)
            elif hearing.has_ended:
                await anyio.sleep(RETRY_S)
            else:
                await hearing.gather(RETRY_S)
            await keeper.keep(hearing.take(), last=hearing.has_ended)
    finally:
        await keeper.close()
