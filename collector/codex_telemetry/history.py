"""Bring the logs of Codex into the store: when asked to, during a live session and after it."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import anyio
from anyio.abc import TaskStatus

from codex_telemetry import log, privacy
from codex_telemetry.backfill import Progress, Tally
from codex_telemetry.backfill.homes import backfill
from codex_telemetry.backfill.unchanged import Seen
from codex_telemetry.config import Paths, codex_homes, complaints
from codex_telemetry.errors import UserError
from codex_telemetry.settings import DEFAULT, Settings
from codex_telemetry.store import consent, copies, ours, spool
from codex_telemetry.store.compact import compact
from codex_telemetry.store.grants import Standing
from codex_telemetry.store.keeper import UNWRITABLE
from codex_telemetry.store.price_list import PriceList
from codex_telemetry.store.queries import Store
from codex_telemetry.store.writer import Writer

AFTER_A_SESSION_S = 30.0
"""How long the collector may read logs after the session: the rest waits for a `backfill`."""

RETRY_S = 1.0
"""How soon who follows the logs tries a database again that couldn't be written."""

PATIENCE_S = 30.0
"""How long a backfill waits for its turn among others who write, before it gives up."""

MUCH = 50_000_000
"""Bytes of logs: who reads so many at once, and `MOST_OF` times what the database then takes, has filled
it, and may write it anew in order. That takes a hundredth of the time, and a fifteenth of its size away."""
MOST_OF = 10

DAY_S = 86_400.0

CLOCK_SLACK_NS = 2_000_000_000
"""A file system may cut the time of a change to whole seconds."""


def read_rollouts(
    paths: Paths,
    homes: Sequence[Path],
    *,
    settings: Settings = DEFAULT,
    prices: PriceList | None = None,
    rebuild: bool = False,
    hash_commands: bool = False,
    required: bool = True,
    seen: Mapping[Path, Seen] = MappingProxyType({}),
    progress: Callable[[Progress], None] = lambda _: None,
) -> Tally:
    """Take in what waits in the spool, then all rollouts that are new or have changed. `seen`: homes
    that were looked at just now.

    Raises `UserError` if no home can be read, where one is `required`, or the database can't be
    written.
    """
    tally = anyio.run(
        _read, paths, homes, settings, prices, rebuild, hash_commands, required, seen, progress
    )
    _pack(paths.database, tally.bytes_read)
    return tally


def _pack(database: Path, read: int) -> None:
    """Where it was filled just now: what came file by file has left room on its pages."""
    if read >= max(MUCH, MOST_OF * database.stat().st_size):
        # Another writes, or there is no room for it: it is as good as it was.
        with contextlib.suppress(UserError):
            compact(database)


async def _read(
    paths: Paths,
    homes: Sequence[Path],
    settings: Settings,
    prices: PriceList | None,
    rebuild: bool,
    hash_commands: bool,
    required: bool,
    seen: Mapping[Path, Seen],
    progress: Callable[[Progress], None],
) -> Tally:
    readable = [home for home in homes if _is_readable(home)]
    nothing_to_read = UserError(
        f"no home of Codex can be read: {', '.join(map(str, homes))}",
        hint="name it with --codex-home, or with CODEX_HOME",
    )
    if required and not readable and not any(spool.waiting(paths.spool)):
        raise nothing_to_read
    with writing(paths):
        writer = await Writer.open(paths.database, prices=prices, patience_s=PATIENCE_S)
        try:
            tally = Tally()
            tally.taken_in = await spool.take_in(writer, paths.spool)
            if required and not readable:
                raise nothing_to_read
            return await backfill(
                writer,
                readable,
                tally=tally,
                rebuild=rebuild,
                veil=privacy.veil(settings, paths.database),
                hash_commands=hash_commands,
                # Only who reads everything anew has asked for what is older than a grant.
                standing=Standing(paths.database, reach_back=rebuild),
                seen=seen,
                progress=progress,
            )
        finally:
            await writer.close()


def follow_rollouts(
    paths: Paths,
    homes: Sequence[Path],
    tally: Tally,
    *,
    settings: Settings = DEFAULT,
    hash_commands: bool = False,
    begun: Callable[[], None] = lambda: None,
) -> None:
    """Go on reading what is written to the homes, into the same tally, until SIGINT or SIGTERM.

    `begun` is called once these are listened to.
    A database that can't be written for a while is waited for. Raises `UserError` if it is another
    program's, or a newer one's.
    """
    anyio.run(_follow, paths, homes, tally, settings, hash_commands, begun)


async def _follow(
    paths: Paths,
    homes: Sequence[Path],
    tally: Tally,
    settings: Settings,
    hash_commands: bool,
    begun: Callable[[], None],
) -> None:
    from codex_telemetry import retention, to_clickhouse  # noqa: PLC0415 - only who watches pays
    from codex_telemetry.backfill.watch import watch  # noqa: PLC0415
    from codex_telemetry.sending_on import send_on  # noqa: PLC0415

    async with anyio.create_task_group() as tasks:
        await tasks.start(_end_when_told, tasks.cancel_scope)
        tasks.start_soon(_every_day, paths)
        tasks.start_soon(retention.look_after, paths, settings)
        if settings.otlp.enabled:
            tasks.start_soon(send_on, paths.database, settings)
        if settings.clickhouse.url is not None:
            tasks.start_soon(to_clickhouse.send_on, paths.database, settings.clickhouse)
        begun()
        while True:
            try:
                # Given up half-way, its thread would complain of the loop that is gone.
                with anyio.CancelScope(shield=True):
                    writer = await Writer.open(paths.database)
                try:
                    await watch(
                        writer,
                        homes,
                        veil=privacy.veil(settings, paths.database),
                        hash_commands=hash_commands,
                        standing=Standing(paths.database),
                        tally=tally,
                    )
                finally:
                    with anyio.CancelScope(shield=True):
                        await writer.close()
            except UserError:
                raise
            except UNWRITABLE as error:
                log.event(log.SAVE_FAILED, error=type(error).__name__)
                await anyio.sleep(RETRY_S)


async def _every_day(paths: Paths) -> None:
    """What is due at the start and once a day, for as long as somebody follows the logs."""
    while True:
        log.begin_stderr_anew(complaints(paths))
        await anyio.sleep(DAY_S)


def merge(paths: Paths, other: Path) -> None:
    """Take in all that another database was told. Raises `UserError`, and has changed nothing then."""
    with copies.opened(other, paths.database.parent) as db, writing(paths):
        anyio.run(_merge, paths, db)


async def _merge(paths: Paths, other: Store) -> None:
    writer = await Writer.open(paths.database)
    try:
        await writer.merge(other)
    finally:
        await writer.close()


def veil_what_is_stored(paths: Paths, settings: Settings) -> bool:
    """Keep all that is stored as the config says now; False if traces of what it was may be left in
    the database's file, because another process holds it. Raises `UserError`."""
    with writing(paths):
        anyio.run(_veil, paths, settings)
    with consent.writing(paths.database) as db:
        return consent.leave_nothing(db)


async def _veil(paths: Paths, settings: Settings) -> None:
    writer = await Writer.open(paths.database)
    try:
        await spool.take_in(writer, paths.spool)
        await writer.veil_all(privacy.veil(settings, paths.database))
    finally:
        await writer.close()


async def _end_when_told(
    everything: anyio.CancelScope, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            everything.cancel()


async def read_what_a_session_left(paths: Paths, since: float, threads: set[str]) -> None:
    """Read the logs that changed since a session began (Unix time, s), under the child's own home; add
    the `threads` that they tell of.

    The stream doesn't carry a reviewer's tokens, nor some of a subagent's. Never raises.
    """
    with contextlib.suppress(Exception), anyio.move_on_after(AFTER_A_SESSION_S):
        homes = [home for home in codex_homes(os.environ) if _is_readable(home)]
        if not homes:
            return
        writer = await Writer.open(paths.database)
        try:
            tally = await backfill(
                writer,
                homes,
                since_ns=int(since * 1e9) - CLOCK_SLACK_NS,
                veil=privacy.veil_of_a_log(paths),
                standing=Standing(paths.database),
            )
            threads |= tally.sessions
            log.event(log.ROLLOUTS_READ)
        finally:
            with anyio.CancelScope(shield=True):
                await writer.close()


async def follow_a_session(paths: Paths, since: float, threads: set[str]) -> None:
    """Read what is written to the logs of a session that began then (Unix time, s), under the child's
    own home, until cancelled; add the `threads` that they tell of. Never raises.

    A database that can't be written is tried again.
    """
    from codex_telemetry.backfill.watch import watch  # noqa: PLC0415

    log.event(log.ROLLOUTS_FOLLOWED)
    homes = codex_homes(os.environ)
    while homes:
        try:
            writer = await Writer.open(paths.database)
            try:
                await watch(
                    writer,
                    homes,
                    since_ns=int(since * 1e9) - CLOCK_SLACK_NS,
                    veil=privacy.veil_of_a_log(paths),
                    standing=Standing(paths.database),
                    news=lambda tally: threads.update(tally.sessions),
                )
            finally:
                with anyio.CancelScope(shield=True):
                    await writer.close()
        except Exception as error:  # noqa: BLE001 - what isn't read now is read when the session ends
            log.event(log.SAVE_FAILED, error=type(error).__name__)
            await anyio.sleep(RETRY_S)


def _is_readable(home: Path) -> bool:
    try:
        os.scandir(home).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def writing(paths: Paths) -> Iterator[None]:
    """Whatever keeps us from writing to the database becomes one line."""
    try:
        yield
    except UserError:
        raise
    except UNWRITABLE as error:
        raise UserError(
            f"cannot write to the database {paths.database}: {ours.unquoted(error)}",
            hint="codex-telemetry doctor says more",
        ) from error
