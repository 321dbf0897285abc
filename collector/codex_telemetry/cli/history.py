"""`backfill`: read what Codex has written to disk, and say what there was."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from codex_telemetry import pricing, secret, watch_lock
from codex_telemetry.backfill import Progress, Tally
from codex_telemetry.backfill.unchanged import Seen, unchanged
from codex_telemetry.cli import show
from codex_telemetry.cli.listing import print_one
from codex_telemetry.cli.options import Form, Where, options
from codex_telemetry.cli.reach import bring_up_to_date, is_up_to_date, waiting
from codex_telemetry.cli.words import Span, counted
from codex_telemetry.config import Paths, codex_homes
from codex_telemetry.errors import UserError
from codex_telemetry.reports.shapes_upkeep import BackfillSummary
from codex_telemetry.store.price_list import PriceList
from codex_telemetry.store.queries import only_reading

Home = Annotated[
    list[Path] | None,
    typer.Option("--codex-home", metavar="DIR", help="a home of Codex; may be given again"),
]


@options
def backfill(
    where: Where,
    form: Form,
    codex_home: Home = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="forget what the files told, and read them anew")
    ] = False,
    hash_commands: Annotated[
        bool,
        typer.Option(
            "--hash-commands", help="keep a keyed hash of each command, to tell them apart"
        ),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="go on reading what is written, until Ctrl-C")
    ] = False,
) -> None:
    """Read the history that Codex has on disk.

    \b
    Each file once, only what is new of it.
    Without --codex-home it reads $CODEX_HOME (a list, separated by commas),
    else ~/.codex.
    Example: codex-telemetry backfill
    """
    chosen, found, settings = form.chosen(), where.paths(), where.settings()
    prices = pricing.wanted(settings)
    homes = [home.expanduser().absolute() for home in codex_home or codex_homes()]
    began, waited = time.monotonic(), set(waiting(found))
    tally = {} if rebuild or watch or waited else _looked_at(found, homes, prices)
    if isinstance(tally, dict):
        pricing.get_ready_meanwhile(found.database, prices)
        from codex_telemetry.history import follow_rollouts, read_rollouts  # noqa: PLC0415 - heavy

        alone = watch_lock.held(found.database, homes) if watch else contextlib.nullcontext()
        with alone:
            with _bar() as progress:
                tally = read_rollouts(
                    found,
                    homes,
                    settings=settings,
                    prices=prices,
                    rebuild=rebuild,
                    hash_commands=hash_commands,
                    required=not watch,  # a home that isn't there yet is waited for
                    seen=tally,
                    progress=progress,
                )
            bring_up_to_date(found.database, prices, settings)
            if watch:
                follow_rollouts(
                    found,
                    homes,
                    tally,
                    settings=settings,
                    hash_commands=hash_commands,
                    begun=lambda: show.note("watching for what is new; Ctrl-C ends it"),
                )
    if tally.unreadable:
        show.note(f"{tally.unreadable:,} of the files and folders can't be read")
    if tally.taken_in:
        show.note(f"took in {counted(tally.taken_in, 'recording')} that waited")
    # Not those that came while it read: there was no room for them for a moment, and they can be read.
    if left := len(waited.intersection(waiting(found))):
        show.note(f"{counted(left, 'file')} of the spool can't be read; codex-telemetry path")
    summary = BackfillSummary(
        files=tally.files,
        files_read=tally.files_read,
        bytes_read=tally.bytes_read,
        lines=tally.lines,
        sessions=len(tally.sessions),
        turns=len(tally.turns),
        responses=tally.responses,
        drift=tally.drift,
        skipped_lines=tally.skipped_lines,
        seconds=round(time.monotonic() - began, 3),
    )
    if chosen is not None:
        print_one(summary, chosen)
        return
    show.lines(
        [
            [Span(f"{name.replace('_', ' '):13}  "), Span(f"{value:>12,}")]
            for name in summary.__struct_fields__
            for value in (getattr(summary, name),)
        ]
    )


def _looked_at(found: Paths, homes: Sequence[Path], prices: PriceList) -> Tally | dict[Path, Seen]:
    """What there is, where a backfill has nothing to do; where it has, or something may be the matter,
    what it needn't look at again."""
    with contextlib.suppress(UserError, OSError):
        may_write = all(
            os.access(path, os.W_OK) for path in (found.database, found.database.parent)
        )
        if may_write and secret.find(secret.secret_path(found.database)) is not None:
            with only_reading(found.database) as db:
                return unchanged(db, homes) if is_up_to_date(db, prices) else {}
    return {}


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    """A progress bar on stderr, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - heavy
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (TextColumn("reading rollouts"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=None)
        yield lambda p: bar.update(task, completed=p.done, total=p.files)
