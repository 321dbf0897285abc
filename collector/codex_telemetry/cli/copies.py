"""`backup`, `restore` and `merge`: whole databases, there and back and into one."""

import time
from itertools import count
from pathlib import Path
from typing import Annotated

import typer

from codex_telemetry import pricing
from codex_telemetry.cli import show
from codex_telemetry.cli.consent import confirmed
from codex_telemetry.cli.listing import print_one
from codex_telemetry.cli.options import Form, Where, options
from codex_telemetry.cli.reach import store
from codex_telemetry.cli.words import Line, Span, counted
from codex_telemetry.config import option_path
from codex_telemetry.errors import UsageError
from codex_telemetry.reports.privacy import privacy
from codex_telemetry.reports.shapes_privacy import SecretUse
from codex_telemetry.reports.shapes_upkeep import BackedUp, Merged, Restored
from codex_telemetry.secret import known_id
from codex_telemetry.store import copies
from codex_telemetry.store.queries import Store, totals

Yes = Annotated[bool, typer.Option("--yes", help="don't ask")]


@options
def backup(
    where: Where,
    form: Form,
    file: Annotated[str, typer.Argument(metavar="FILE", help="a new file")],
    force: Annotated[
        bool, typer.Option("--force", help="in the place of an older copy of ours")
    ] = False,
) -> None:
    """Copy the database into one file, as it is at this moment.

    \b
    While it is used, too. The copy is looked at before it gets its name.
    Sealed content is in it, the keys that open it and the secret of hashed names
    are not.
    Example: codex-telemetry backup telemetry-2026-11.db
    """
    chosen, target = form.chosen(), _path("FILE", file)
    with store(where):
        pass  # what waits in the spool is in it
    made = copies.backup(where.paths().database, target, force=force)
    told = BackedUp(
        file=str(target),
        bytes=made.bytes,
        sessions=made.rows["sessions"],
        turns=made.rows["turns"],
        content=made.rows["content"],
    )
    if chosen is not None:
        print_one(told, chosen)
    else:
        what = f"{counted(told.sessions, 'session')}, {counted(told.turns, 'turn')}"
        show.lines([[Span(f"{what}, {told.bytes:,} bytes in {told.file}")]])


@options
def restore(
    where: Where,
    form: Form,
    file: Annotated[str, typer.Argument(metavar="FILE", help="a copy by `backup`")],
    content: Annotated[
        bool,
        typer.Option("--content", help="with content, where no database here vouches for it"),
    ] = False,
    yes: Yes = False,
) -> None:
    """Put a copy in the place of the database.

    \b
    What is there now is kept beside it. What was granted, taken back or erased
    of content stays as it is now.
    Example: codex-telemetry restore telemetry-2026-11.db
    """
    from codex_telemetry.store.restore import restore as put_back  # noqa: PLC0415 - of this alone

    chosen, source, database = form.chosen(), _path("FILE", file), where.paths().database
    with copies.opened(source, database.parent):
        pass  # it is ours and whole: else nothing needs to be asked
    question = f"put {source} in the place of {database}?"
    if not confirmed("restore", question, yes=yes):
        show.note("nothing was changed")
        raise typer.Exit(1)
    beside = _beside(database)
    done = put_back(source, database, beside, content=content)
    told = Restored(
        kept=None if done.kept is None else str(done.kept),
        sessions=done.rows["sessions"],
        turns=done.rows["turns"],
        content=done.rows["content"],
        content_left_out=done.content_left_out,
    )
    if chosen is not None:
        print_one(told, chosen)
    else:
        show.lines(_restored(told))


@options
def merge(
    where: Where,
    form: Form,
    other: Annotated[str, typer.Argument(metavar="OTHER.db", help="another machine's database")],
) -> None:
    """Take in all that another machine's database was told.

    \b
    A session or a turn that both know is one. What either has pruned is pruned.
    Content and grants are never taken from it. The other file isn't changed.
    Example: codex-telemetry merge laptop.db
    """
    from codex_telemetry import history  # noqa: PLC0415 - heavy

    chosen, source, found = form.chosen(), _path("OTHER", other), where.paths()
    if source.exists() and found.database.exists() and source.samefile(found.database):
        raise UsageError("that is the database itself", hint="name another machine's")
    before = (0, 0)
    if found.database.exists():
        with store(where) as db:
            before = _counts(db)
    history.merge(found, source)
    pricing.bring_up_to_date(found.database, pricing.wanted(where.settings()))
    with store(where) as db:
        sessions, turns = _counts(db)
        secrets = privacy(db, where.settings(), known_id(found.database)).secrets
    told = Merged(
        sessions=sessions,
        sessions_added=sessions - before[0],
        turns=turns,
        turns_added=turns - before[1],
        secrets=[secret for secret in secrets if secret.sessions or secret.turns],
    )
    if chosen is not None:
        print_one(told, chosen)
    else:
        show.lines(_merged(told))


def _path(name: str, text: str) -> Path:
    path = option_path(name, text)
    assert path is not None
    return path


def _beside(database: Path) -> Path:
    """A name that nothing has yet, for what is there now."""
    stamp = time.strftime("%Y-%m-%dT%H-%M-%S", time.gmtime(time.time_ns() // 1_000_000_000))
    names = (f"{database.name}.{stamp}{(n and f'-{n}') or ''}.before-restore" for n in count())
    return next(path for name in names if not (path := database.with_name(name)).exists())


def _counts(db: Store) -> tuple[int, int]:
    row = totals(db)
    return row["sessions"], row["turns"]


def _restored(told: Restored) -> list[Line]:
    what = f"restored: {counted(told.sessions, 'session')}, {counted(told.turns, 'turn')}"
    lines: list[Line] = [[Span(what, "bold")]]
    if told.kept is not None:
        lines.append([Span(f"  what was there before is in {told.kept}")])
    if told.content_left_out:
        pieces = counted(told.content_left_out, "piece")
        lines.append(
            [
                Span(
                    f"  {pieces} of sealed content left out: erased since, or not known here",
                    "warn",
                )
            ]
        )
    return lines


def _merged(told: Merged) -> list[Line]:
    lines: list[Line] = [
        [Span(f"{counted(told.sessions, 'session')}, {told.sessions_added:,} of them new", "bold")],
        [Span(f"{counted(told.turns, 'turn')}, {told.turns_added:,} of them new", "bold")],
    ]
    if len(told.secrets) > 1:
        lines.append(
            [Span("names were hashed with several secrets, so these never match:", "warn")]
        )
        lines += [[Span(f"  {_used(secret)}")] for secret in told.secrets]
        lines.append(
            [
                Span(
                    "  codex-telemetry privacy secret import, then backfill --rebuild on each",
                    "dim",
                )
            ]
        )
    return lines


def _used(secret: SecretUse) -> str:
    what = f"{counted(secret.sessions, 'session')}, {counted(secret.turns, 'turn')}"
    return f"{secret.secret_id}  {what}{'  the one that is here' if secret.current else ''}"
