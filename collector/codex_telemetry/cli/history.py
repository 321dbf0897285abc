"""`backfill`: read what Codex has written to disk, and say what there was."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codex_telemetry import pricing, watch_lock
from codex_telemetry.cli import show
from codex_telemetry.cli.listing import print_one
from codex_telemetry.cli.options import Form, Where, options
from codex_telemetry.cli.reach import bring_up_to_date, waiting
from codex_telemetry.cli.words import Span, counted
from codex_telemetry.config import codex_homes
from codex_telemetry.reports.shapes_upkeep import BackfillSummary

if TYPE_CHECKING:
    from codex_telemetry.backfill import Progress

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
    from codex_telemetry.history import follow_rollouts, read_rollouts  # noqa: PLC0415 - heavy

    chosen, found, settings = form.chosen(), where.paths(), where.settings()
    prices = pricing.wanted(settings)
    homes = [home.expanduser().absolute() for home in codex_home or codex_homes()]
    began, waited = time.monotonic(), set(waiting(found))
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


@contextlib.contextmanager
def _bar() -> Iterator[Callable[["Progress"], None]]:
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
