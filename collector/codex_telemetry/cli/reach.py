"""Reach the database for a report; what waits in a spool file is taken in first, if it can be."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from codex_telemetry import log, pricing
from codex_telemetry.cli.options import Whence, Where
from codex_telemetry.cli.period import Zone
from codex_telemetry.config import Paths
from codex_telemetry.reports.elsewhere import Elsewhere
from codex_telemetry.settings import Settings
from codex_telemetry.store import sorting, summing
from codex_telemetry.store.price_list import PriceList, is_current
from codex_telemetry.store.queries import Store, reading


@contextlib.contextmanager
def store(where: Where) -> Iterator[Store]:
    """The store, to be read from."""
    found, settings = where.paths(), where.settings()
    wanted = pricing.wanted(settings)
    take_in_spool(found)
    with reading(found.database) as db:
        current = is_up_to_date(db, wanted)
        if current:
            yield db
    if not current:
        bring_up_to_date(found.database, wanted, settings)
        with reading(found.database) as db:
            yield db


@contextlib.contextmanager
def reached(where: Where, whence: Whence) -> Iterator[Store | Elsewhere]:
    """The store here, or where all machines send what they have."""
    told = whence.said(where)
    if told is None:
        with store(where) as db:
            yield db
        return
    from codex_telemetry.reports.clickhouse import warehouse  # noqa: PLC0415 - heavy
    from codex_telemetry.store.clickhouse.address import address  # noqa: PLC0415

    where.paths()
    with warehouse(address(*told)) as there:
        yield there


def is_up_to_date(db: Store, wanted: PriceList) -> bool:
    """Whether there is nothing for `bring_up_to_date` to do."""
    return is_current(db, wanted) and not (sorting.due(db) or summing.due(db))


def bring_up_to_date(database: Path, wanted: PriceList, settings: Settings) -> None:
    """Price, sum up and sort what isn't yet. Never a reason for a report to fail: it shows what there
    is."""
    pricing.bring_up_to_date(database, wanted)
    try:
        summing.sum_due(database)
        sorting.sort_due(database, Zone(settings.tz).days)
    except Exception as error:  # noqa: BLE001 - see above
        log.crash(error)


def take_in_spool(paths: Paths) -> None:
    """Never a reason for a report to fail: it shows what there is."""
    if not any(waiting(paths)):
        return
    from codex_telemetry import pipeline  # noqa: PLC0415 - heavy, and hardly ever needed

    with contextlib.suppress(Exception):
        pipeline.take_in_spool(paths)


def waiting(paths: Paths) -> Iterator[Path]:
    """Files that look like spool files, whether or not they can be read."""
    for folder in paths.spool:
        with contextlib.suppress(OSError):
            yield from sorted(folder.glob("*.spool"))
