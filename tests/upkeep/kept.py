"""Databases to look after: what is asked of each before and after."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
from msgspec.structs import asdict

from codex_telemetry.core.veil import Veil
from codex_telemetry.reports.tokens import By, Calendar, tokens
from codex_telemetry.store.db import open_reader
from codex_telemetry.store.queries import Filters
from codex_telemetry.store.usage import Offsets
from codex_telemetry.store.writer import Writer
from saved import query

QUARTER_MS = 900_000
ZONES = (-39_600_000, 0, 20_700_000)
"""What clocks are ahead of UTC in Pago Pago, and in Kathmandu, whose days begin at a quarter."""

EVERY: tuple[By, ...] = ("day", "week", "month", "model", "project", "tier", "session")


ALL = Filters()


def used(database: Path, filters: Filters = ALL) -> Mapping[Any, Any]:
    """What `tokens` says, by whatever it is asked, in several zones, rolled up or not."""
    with closing(open_reader(database)) as db:
        return {
            (by, ahead, roll_up): [
                _rounded(asdict(row))
                for row in tokens(db, filters, by, Calendar(_ahead_by(ahead)), roll_up=roll_up).rows
            ]
            for by in EVERY
            for ahead in ZONES
            for roll_up in (False, True)
        }


def _ahead_by(ms: int) -> Callable[[int, int], Offsets]:
    return lambda *_: ((None, ms),)


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    cost = row["cost_usd"]
    return {**row, "cost_usd": None if cost is None else round(cost, 8)}


def prune(database: Path, before: int) -> None:
    async def run() -> None:
        writer = await Writer.open(database)
        try:
            await writer.prune(before)
        finally:
            await writer.close()

    anyio.run(run)


def when(database: Path, share: float) -> int:
    """Before which moment this share of the turns had ended."""
    ends = [
        row[0] for row in query(database, "SELECT ended_at FROM turns WHERE ended_at ORDER BY 1")
    ]
    return int(ends[min(int(len(ends) * share), len(ends) - 1)])


def copied(database: Path, folder: Path) -> Path:
    """The same one more time; nobody has it open."""
    folder.mkdir(mode=0o700)
    return Path(shutil.copy2(database, folder / database.name))


def veil(database: Path, veil: Veil) -> None:
    async def run() -> None:
        writer = await Writer.open(database)
        try:
            await writer.veil_all(veil)
        finally:
            await writer.close()

    anyio.run(run)
