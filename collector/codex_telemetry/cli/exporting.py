"""`export parquet`, `csv`, `jsonl`: all that is stored, by day, for other programs to read."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.labelled import labelled, labels
from codex_telemetry.cli.listing import print_one
from codex_telemetry.cli.options import Form, Narrow, Where, Zoned, one_of, options
from codex_telemetry.cli.reach import store
from codex_telemetry.cli.table import Column, stream
from codex_telemetry.config import option_path
from codex_telemetry.errors import UserError
from codex_telemetry.reports.exported import EXPORTABLE, Exportable
from codex_telemetry.reports.shapes_export import Exported, ExportedTable
from codex_telemetry.sinks import days, writing
from codex_telemetry.store.changes import DAY_MS
from codex_telemetry.store.queries import Store

Out = Annotated[str, typer.Option("--out", metavar="DIR", help="a folder, made if it isn't there")]
Since = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help="only days (UTC) from then on")
]
Until = Annotated[str | None, typer.Option("--until", metavar="WHEN", help="only days up to then")]
Tables = Annotated[
    str,
    typer.Option("--tables", metavar="NAMES", help="some of turns,sessions,items,responses,events"),
]
NAMES = [each.name for each in EXPORTABLE]
ALL = ",".join(NAMES)


@options
def parquet(
    where: Where, form: Form, zoned: Zoned, out: Out, since: Since = None, until: Until = None,
    tables: Tables = ALL,
) -> None:  # fmt: skip
    """Write all that is stored as Parquet, by day.

    \b
    Turns, sessions, items, responses and events, in
    DIR/turns/day=2026-11-23/part.parquet, with types. The next export writes
    only the days that changed. It takes pyarrow: codex-telemetry[parquet].
    Example: codex-telemetry export parquet --out telemetry
    """
    _export("parquet", where, form, zoned, out, Narrow(since, until), tables)


@options
def csv(
    where: Where, form: Form, zoned: Zoned, out: Out, since: Since = None, until: Until = None,
    tables: Tables = ALL,
) -> None:  # fmt: skip
    """Write the same as CSV: DIR/turns/day=2026-11-23/part.csv.

    \b
    Example: codex-telemetry export csv --out telemetry --tables turns,sessions
    """
    _export("csv", where, form, zoned, out, Narrow(since, until), tables)


@options
def jsonl(
    where: Where, form: Form, zoned: Zoned, out: Out, since: Since = None, until: Until = None,
    tables: Tables = ALL,
) -> None:  # fmt: skip
    """Write the same as JSON, an object a line.

    \b
    DIR/turns/day=2026-11-23/part.jsonl, and so on.
    Example: codex-telemetry export jsonl --out telemetry --since 7d
    """
    _export("jsonl", where, form, zoned, out, Narrow(since, until), tables)


def _export(
    kind: writing.Format, where: Where, form: Form, zoned: Zoned, out: str, narrow: Narrow, tables: str
) -> None:  # fmt: skip
    chosen, target = form.chosen(), option_path("--out", out)
    assert target is not None
    since, until = narrow.bounds(zoned.zone(), time.time_ns() // 1_000_000)
    asked = [_named(name) for name in dict.fromkeys(tables.split(","))]
    writers = {each.name: writing.writer(kind, each.columns()) for each in asked}

    def wanted(day: int | None) -> bool:
        if day is None:
            return since is None and until is None
        starts, ends = day * DAY_MS, (day + 1) * DAY_MS
        return (since is None or ends > since) and (until is None or starts < until)

    try:
        with store(where) as db, days.folder(target, kind, db, _look()) as folder:
            done = [folder.export(_table(db, each, writers[each.name]), wanted) for each in asked]
            folder.finish()
    except OSError as error:
        raise UserError(
            f"cannot export into {target}: {error.strerror}",
            hint="what is there is whole; the next export goes on from there",
        ) from None
    told = Exported(str(target), kind, [ExportedTable(*each) for each in done])
    if chosen is not None:
        print_one(told, chosen)
    else:
        show.lines(stream(COLUMNS, told.tables))


COLUMNS: Sequence[Column[ExportedTable]] = (
    Column("table", lambda row: row.table),
    Column("days", lambda row: f"{row.days_written:,}", right=True),
    Column("removed", lambda row: f"{row.days_removed:,}", right=True),
    Column("waiting", lambda row: f"{row.days_waiting:,}", right=True),
    Column("rows", lambda row: f"{row.rows:,}", right=True),
    Column("bytes", lambda row: f"{row.bytes:,}", right=True),
)


def _named(name: str) -> Exportable:
    one_of("--tables", "table", name, NAMES)
    return next(each for each in EXPORTABLE if each.name == name)


def _table(db: Store, exported: Exportable, write: days.Write) -> days.Table:
    names = [name for name, _ in exported.columns()]

    def rows(day: int | None) -> Iterator[Sequence[Any]]:
        for row in map(labelled, exported.rows(db, day)):
            yield [getattr(row, name) for name in names]

    return days.Table(exported.name, rows, exported.of, write)


def _look() -> str:
    """What makes every row another one: the columns, and how names are shown."""
    columns = repr([(each.name, each.columns()) for each in EXPORTABLE])
    shown = labels().of("folder", "/")
    return hashlib.sha256(f"{columns} {shown}".encode()).hexdigest()[:16]
