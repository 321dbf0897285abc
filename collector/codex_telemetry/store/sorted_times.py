"""What turns and tool calls took, as it lies sorted in the store, and the turns it doesn't hold."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec

from codex_telemetry.store.queries import Filters, Store, Where, all_of, only_if, with_status
from codex_telemetry.store.sorting import SIZE, done_blocks, unpacked

FEW: Final = 4
"""Blocks that aren't sorted are read from the table, if they are so few; else nothing sorted is used."""

_keys = msgspec.json.Decoder(list[Any]).decode


class Sorted(NamedTuple):
    """Some of the turns or tool calls of one key: each may have several of these."""

    key: list[Any]
    number: int
    failures: int
    declines: int
    times: Sequence[Sequence[int]]
    """ms, each in order: those that were asked for."""


def unsorted(db: Store, filters: Filters) -> Where | None:
    """What to select from, to read those turns that match and aren't sorted; None where what is
    sorted is of no use."""
    if filters != Filters(status=filters.status):
        return None
    if not (done := done_blocks(db)):
        return None
    (newest,) = db.execute("SELECT max(turn_key) FROM turns").fetchone()
    rest = sorted({*range((newest or 0) // SIZE + 1)} - done)
    if len(rest) > FEW:
        return None
    where = all_of(with_status(filters.status))
    return Where(
        f"""json_each(?) AS block CROSS JOIN turns
        ON turn_key BETWEEN block.value * {SIZE} AND (block.value + 1) * {SIZE} - 1
        WHERE {where.sql}""",
        (msgspec.json.encode(rest).decode(), *where.values),
    )


def told_by(db: Store, by: str, filters: Filters, times: Sequence[str]) -> Iterator[Sorted]:
    """What is sorted by one thing, of those that match."""
    where = all_of(Where("told_by = ?", (by,)), only_if(filters.status, "status = ?"))
    rows = db.cursor()
    rows.row_factory = None  # there are thousands
    rows.execute(
        f"SELECT key, number, failures, declines, {', '.join(times)} FROM sorted_times "
        f"WHERE {where.sql}",
        where.values,
    )
    for text, its in groupby(rows, itemgetter(0)):
        key = _keys(text)
        for _, number, failures, declines, *runs in its:
            yield Sorted(key, number, failures, declines, [*map(unpacked, runs)])
