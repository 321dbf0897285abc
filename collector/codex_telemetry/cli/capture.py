"""`capture`: the user's say over content. What was kept is shown by `cli.captured`."""

import os
import time
from typing import Annotated

import typer

from codex_telemetry import keys
from codex_telemetry.cli import show
from codex_telemetry.cli.capture_words import erased, grant_columns, promised
from codex_telemetry.cli.consent import confirmed, new_passphrase, passphrase
from codex_telemetry.cli.listing import Listing, print_list
from codex_telemetry.cli.options import Form, Where, Zoned, options
from codex_telemetry.cli.period import shown
from codex_telemetry.cli.reach import store
from codex_telemetry.cli.words import counted
from codex_telemetry.config import Paths
from codex_telemetry.core.gate import KINDS
from codex_telemetry.errors import UsageError, UserError
from codex_telemetry.reports import capture as report
from codex_telemetry.reports.shapes_capture import CaptureGrant
from codex_telemetry.store import consent
from codex_telemetry.store.grants import FORBIDS, is_forbidden, is_under
from codex_telemetry.store.queries import Filters, Store

DAY_MS = 86_400_000
LONGEST_DAYS = 36_500

Project = Annotated[
    str | None, typer.Argument(metavar="PROJECT", help="a folder; without one, the current")
]
Yes = Annotated[bool, typer.Option("--yes", help="don't ask")]


@options
def enable(
    where: Where,
    zoned: Zoned,
    project: Project = None,
    prompts: Annotated[bool, typer.Option("--prompts", help="what you send")] = False,
    responses: Annotated[bool, typer.Option("--responses", help="what the model answers")] = False,
    reasoning: Annotated[
        bool, typer.Option("--reasoning", help="its summaries of thought")
    ] = False,
    tool_args: Annotated[
        bool, typer.Option("--tool-args", help="commands, edits, queries")
    ] = False,
    tool_outputs: Annotated[bool, typer.Option("--tool-outputs", help="what tools gave")] = False,
    titles: Annotated[bool, typer.Option("--titles", help="the titles of sessions")] = False,
    everything: Annotated[bool, typer.Option("--all", help="all of these")] = False,
    days: Annotated[
        int | None,
        typer.Option(
            "--days", metavar="N", min=1, max=LONGEST_DAYS, help="what is written in N days only"
        ),
    ] = None,
    yes: Yes = False,
) -> None:
    """Keep content of turns in a folder and under it, sealed.

    It says what will be kept and where, and asks. Nothing is kept without this.

    \b
    Example: codex-telemetry capture enable ~/src/app --prompts --days 30
    """
    asked = (prompts, responses, reasoning, tool_args, tool_outputs, titles)
    wanted = tuple(kind for kind, one in zip(KINDS, asked, strict=True) if one or everything)
    if not wanted:
        raise UsageError(
            "capture enable: nothing to keep is named",
            hint="--prompts, --responses, --reasoning, --tool-args, --tool-outputs, --titles, --all",
        )
    zone, found, folder = zoned.zone(), where.paths(), _folder(project)
    now = _now()
    until = None if days is None else now + days * DAY_MS
    _warn(folder)
    for line in promised(folder, wanted, shown(until, zone), found.database, keys.keeper()):
        show.note(line)
    if not confirmed("capture enable", "keep this?", yes=yes):
        show.note("nothing was changed")
        raise typer.Exit(1)
    with consent.writing(found.database) as db:
        public = _key(db, found, folder)
        # From the yes on, however long the question stood there.
        consent.grant(db, folder, public, wanted, until, max(now, _now()))
    show.note(f"enabled; codex-telemetry capture disable {folder} ends it")


@options
def disable(where: Where, project: Project = None) -> None:
    """Keep nothing more of a folder; what was kept stays.

    \b
    Example: codex-telemetry capture disable ~/src/app
    """
    found, folder = where.paths(), _folder(project)
    with consent.writing(found.database) as db:
        if consent.standing(db, folder) is None:
            raise _nothing_granted(db, folder)
        consent.end(db, folder, _now())
    show.note(f"disabled; codex-telemetry capture purge {folder} removes what was kept")


@options
def status(where: Where, form: Form, zoned: Zoned) -> None:
    """List what was granted, and how much was kept by it.

    \b
    Example: codex-telemetry capture status
    """
    chosen, zone, now = form.chosen(), zoned.zone(), _now()
    with store(where) as db:
        print_list(
            Listing(
                "grant",
                CaptureGrant,
                lambda f: report.granted(db, now, f.last),
                lambda _: consent.count_grants(db),
                grant_columns(zone),
            ),
            chosen,
            Filters(),
        )


@options
def rekey(where: Where, project: Project = None) -> None:
    """Make a new key for a folder, and seal anew what was kept.

    The old key is destroyed. A key file gets a new passphrase.

    \b
    Example: codex-telemetry capture rekey ~/src/app
    """
    found, folder = where.paths(), _folder(project)
    with consent.writing(found.database) as db:
        old = consent.key_of(db, folder)
        if old is None:
            raise _nothing_granted(db, folder)
        opener = keys.unlock(found.database, old.public, old.kept_in, passphrase)
        new = keys.make(found.database, new_passphrase)
        seal = keys.sealer(new.public)

        def reseal(box: bytes) -> bytes | None:
            plain = opener(box)
            return None if plain is None else seal(plain)

        try:
            items = consent.seal_anew(db, folder, old.key_id, new, _now(), reseal)
        except BaseException:
            keys.destroy(found.database, new.public, new.kept_in)
            raise
    gone = keys.destroy(found.database, old.public, old.kept_in)
    show.note(f"sealed {counted(items, 'item')} anew")
    if not gone:
        show.note("the old private key couldn't be destroyed; nothing is sealed with it any more")


@options
def purge(where: Where, project: Project = None, yes: Yes = False) -> None:
    """Erase all that was kept of a folder, with its key and its grants.

    Nothing of it is left in any file of ours. Backups aren't ours.

    \b
    Example: codex-telemetry capture purge ~/src/app
    """
    found, folder = where.paths(), _folder(project)
    with consent.writing(found.database) as db:
        old = consent.key_of(db, folder)
        if old is None:
            raise _nothing_granted(db, folder)
        if not confirmed("capture purge", f"erase all that was kept of {folder}?", yes=yes):
            show.note("nothing was changed")
            raise typer.Exit(1)
        # The key first: should we be killed now, nobody can read what is left.
        gone = keys.destroy(found.database, old.public, old.kept_in)
        result = consent.erase(db, folder)
        covered = consent.covering(db, folder)
    for line in erased(folder, result, key_gone=gone, covered_by=covered):
        show.note(line)
    if not (gone and result.clean):
        raise typer.Exit(1)


def _key(db: Store, found: Paths, folder: str) -> bytes:
    """The public key of a folder, made if it has none whose private key is there."""
    known = consent.key_of(db, folder)
    if known is not None and keys.is_there(found.database, known.public, known.kept_in):
        return known.public
    # What would be sealed with a lost key, nobody could ever open.
    if known is not None and not consent.drop_unused_key(db, folder):
        raise UserError(
            f"the private key of {folder} is gone, and what was kept was sealed for it",
            hint="put it back from a backup; codex-telemetry capture purge removes what was kept",
        )
    made = keys.make(found.database, new_passphrase)
    added = False
    try:
        added = consent.add_key(db, folder, made, _now())
    finally:
        if not added:  # another process was quicker, and `grant` will say so
            keys.destroy(found.database, made.public, made.kept_in)
    return made.public


def _folder(project: str | None) -> str:
    """The real path of a folder; one that isn't on this machine as it is written."""
    if project is not None and (not project.strip() or "\0" in project):
        raise UsageError("PROJECT is not a folder", hint="name a folder, such as .")
    try:
        named = os.path.abspath(os.path.expanduser(project or "."))  # noqa: PTH100, PTH111
    except FileNotFoundError:
        raise UserError("the current folder is gone", hint="name one in full") from None
    real = os.path.realpath(named)
    if os.path.exists(real) and not os.path.isdir(real):  # noqa: PTH110, PTH112 - strings here
        raise UsageError(f"{named} is not a folder", hint="name the folder it is in")
    try:
        real.encode()
    except UnicodeEncodeError:
        raise UsageError("PROJECT is not text", hint="only folders named in UTF-8") from None
    return real


def _warn(folder: str) -> None:
    if not os.path.isdir(folder):  # noqa: PTH112
        show.note(f"warning: there is no folder {folder} on this machine; taken as it is written")
    elif is_forbidden(folder):
        show.note(f"warning: a file {FORBIDS} forbids it there; nothing is kept as long as it does")
    if folder in ("/", os.path.realpath(os.path.expanduser("~"))):  # noqa: PTH111
        show.note(f"warning: {folder} covers everything under it")


def _nothing_granted(db: Store, folder: str) -> UserError:
    wider = consent.covering(db, folder)
    if wider is not None:
        return UserError(
            f"nothing is granted for {folder} by itself; the grant for {wider} covers it",
            hint=f'name {wider}, or put capture = "never" into {folder}/{FORBIDS}',
        )
    if consent.key_of(db, folder) is not None:
        return UserError(
            f"nothing more is granted for {folder}", hint="codex-telemetry capture status"
        )
    within = [p for p in consent.projects(db) if is_under(p, folder)]
    hint = f"name {within[0]}" if within else "codex-telemetry capture status lists what is"
    return UserError(f"nothing is granted for {folder}", hint=hint)


def _now() -> int:
    return time.time_ns() // 1_000_000
