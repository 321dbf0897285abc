"""`prune` and `vacuum`: let details go, and make the file as small as what is left."""

import time
from functools import partial
from typing import Annotated

import typer

from codex_telemetry import pricing, retention
from codex_telemetry.cli import show
from codex_telemetry.cli.listing import print_one
from codex_telemetry.cli.options import Form, Where, Zoned, options
from codex_telemetry.cli.period import Zone, shown, stretch
from codex_telemetry.cli.reach import store
from codex_telemetry.cli.words import Line, Span, counted
from codex_telemetry.errors import UsageError
from codex_telemetry.reports.moments import written
from codex_telemetry.reports.shapes_upkeep import Pruned, Vacuumed
from codex_telemetry.retention import Wanted
from codex_telemetry.sections import SHORTEST
from codex_telemetry.settings import Settings, bytes_of
from codex_telemetry.store.prune import Going, Size
from codex_telemetry.store.prune import size as size_of

Yes = Annotated[bool, typer.Option("--yes", help="do it: without this nothing is changed")]
WHAT = ("sessions", "turns", "items", "responses", "events")


@options
def prune(
    where: Where,
    form: Form,
    zoned: Zoned,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="TIME", help="what ended 90d ago, say")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option("--size", metavar="SIZE", help="the oldest, until the rest takes 1GB, say"),
    ] = None,
    yes: Yes = False,
) -> None:
    """Let the details of old turns go; what they used stays.

    \b
    Without --yes it says what would go. Without either limit it takes those of
    [retention] in config.toml.
    Turns that haven't ended stay, and by --size whatever is of the last 8 days.
    Example: codex-telemetry prune --older-than 400d
    """
    chosen, zone, settings = form.chosen(), zoned.zone(), where.settings()
    wanted = _wanted(older_than, size, settings)
    database = where.paths().database
    now = time.time_ns() // 1_000_000
    with store(where) as db:  # whatever is priced anew is priced before it goes
        before = size_of(db)
    if yes:
        gone = _carried_out(where, wanted, now, settings)
    else:
        would = retention.plan(database, wanted, now)
        gone = [] if would is None else [would]
    with store(where) as db:
        after = size_of(db) if yes else before
    told = _summed(gone, after, dry_run=not yes)
    if wanted.size is not None and yes and after.used > wanted.size:
        show.note(
            f"it takes more still: what is of the last {SHORTEST} days, or hasn't ended, stays"
        )
    if chosen is not None:
        print_one(told, chosen)
    else:
        show.lines(_described(told, gone, zone))


@options
def vacuum(where: Where, form: Form) -> None:
    """Make the database's file as small as what is in it.

    \b
    There has to be room for a second one meanwhile. Others may go on reading.
    Example: codex-telemetry vacuum
    """
    from codex_telemetry.store.compact import compact  # noqa: PLC0415 - of this alone

    chosen, database = form.chosen(), where.paths().database
    with store(where):
        pass  # there is one, and it is ours
    done = compact(database)
    told = Vacuumed(before_bytes=done.before, after_bytes=done.after, clean=done.clean)
    if chosen is not None:
        print_one(told, chosen)
    else:
        show.lines([[Span(f"{told.before_bytes:,} bytes before, {told.after_bytes:,} after")]])
    if not told.clean:
        show.note("another process still reads what was before; the journal is emptied after it")


def _wanted(older_than: str | None, size: str | None, settings: Settings) -> Wanted:
    if older_than is None and size is None:
        by_config = retention.wanted_by(settings.retention)
        if by_config is None:
            raise UsageError(
                "prune: nothing says how much to keep",
                hint="--older-than 400d, --size 2GB, or [retention] in config.toml",
            )
        return by_config
    wanted = None if size is None else bytes_of(size)
    if size is not None and wanted is None:
        raise UsageError("--size is no size", hint="write 500MB or 2GB")
    return Wanted(None if older_than is None else stretch("--older-than", older_than), wanted)


def _carried_out(where: Where, wanted: Wanted, now: int, settings: Settings) -> list[Going]:
    import anyio  # noqa: PLC0415 - heavy

    from codex_telemetry.history import writing  # noqa: PLC0415 - heavy

    found = where.paths()
    pricing.bring_up_to_date(found.database, pricing.wanted(settings))
    with writing(found):
        return anyio.run(partial(retention.apply, found.database, wanted, now))


def _summed(gone: list[Going], left: Size, *, dry_run: bool) -> Pruned:
    counts = {
        name: sum(getattr(one, name) for one in gone)
        for name in (*WHAT, "limits", "content", "bytes")
    }
    return Pruned(
        dry_run=dry_run,
        before_at=written(gone[-1].before) if gone else None,
        **counts,
        used_bytes=left.used,
        file_bytes=left.file,
    )


def _described(told: Pruned, gone: list[Going], zone: Zone) -> list[Line]:
    used = f"{told.used_bytes:,} bytes in use, in a file of {told.file_bytes:,}"
    if not gone:
        return [[Span("nothing goes: nothing that has ended is old enough; "), Span(used, "dim")]]
    nouns = [counted(getattr(told, name), name.removesuffix("s")) for name in WHAT]
    nouns.append(counted(told.limits, "reading") + " of limits")
    if told.content:
        nouns.append(counted(told.content, "piece") + " of sealed content")
    verb = "would go" if told.dry_run else "went"
    lines: list[Line] = [
        [Span(f"what ended before {shown(gone[-1].before, zone)} {verb}", "bold")],
        [Span(f"  {', '.join(nouns)}")],
        [Span(f"  nearly {told.bytes:,} bytes; {used}")],
        [
            Span(
                "  what they used stays, by the quarter of an hour, and what it cost: tokens", "dim"
            )
        ],
    ]
    if told.dry_run:
        return [*lines, [Span("nothing was changed: --yes lets it go", "warn")]]
    return [*lines, [Span("codex-telemetry vacuum makes the file smaller", "dim")]]
