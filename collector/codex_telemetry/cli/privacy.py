"""`privacy`: how names are kept and shown, and the secret with which they are hashed."""

import os
from pathlib import Path
from typing import Annotated

import typer

from codex_telemetry import secret
from codex_telemetry.cli import show
from codex_telemetry.cli.consent import confirmed
from codex_telemetry.cli.listing import print_one
from codex_telemetry.cli.options import Form, Where, options
from codex_telemetry.cli.reach import store
from codex_telemetry.cli.words import Line, Span, counted
from codex_telemetry.errors import UsageError, UserError
from codex_telemetry.reports.privacy import privacy as report
from codex_telemetry.reports.shapes_privacy import Privacy
from codex_telemetry.secret import LARGEST, SIZE, Secret, secret_path

Yes = Annotated[bool, typer.Option("--yes", help="don't ask")]
File = Annotated[str, typer.Argument(metavar="FILE", help="a file that holds nothing else")]

_MEANS = {
    "normal": "names are kept and shown as they are",
    "redacted": "names are kept as they are, and shown as labels",
    "strict": "names are kept as keyed hashes, and shown as labels",
}


@options
def status(where: Where, form: Form) -> None:
    """Show how names of folders, branches, repositories and MCP servers are kept.

    \b
    Example: codex-telemetry privacy status
    """
    chosen, found, settings = form.chosen(), where.paths(), where.settings()
    secret_id = secret.known_id(found.database)
    if found.database.exists():
        with store(where) as db:
            told = report(db, settings, secret_id)
    else:
        told = report(None, settings, secret_id)
    if chosen is not None:
        print_one(told, chosen)
    else:
        show.lines(_described(told))


@options
def apply(where: Where, yes: Yes = False) -> None:
    """Hash what is stored already.

    \b
    Only where the config says privacy = "strict".
    It can't be taken back, but by reading the logs anew: backfill --rebuild.
    Example: codex-telemetry privacy apply
    """
    from codex_telemetry.history import veil_what_is_stored  # noqa: PLC0415 - heavy

    found, settings = where.paths(), where.settings()
    if settings.privacy != "strict":
        raise UsageError(
            f'privacy apply: the config says privacy = "{settings.privacy}", which hashes nothing',
            hint=f'put privacy = "strict" into {found.config}',
        )
    if not found.database.exists():
        raise UserError(f"there is no database yet at {found.database}", hint="nothing to do")
    question = "hash the names of folders, branches, commits, servers and commands for good?"
    if not confirmed("privacy apply", question, yes=yes):
        show.note("nothing was changed")
        raise typer.Exit(1)
    if not veil_what_is_stored(found, settings):
        show.note(
            "done, but another process holds the database, and its file may keep traces: "
            "end it and do this once more"
        )
        raise typer.Exit(1)
    show.note("done: what is stored is hashed; copies and backups of the database are not")


@options
def reset(where: Where, yes: Yes = False) -> None:
    """Forget the secret with which names are hashed.

    \b
    What was hashed with it can't be matched by anybody any more.
    The next run or backfill makes another.
    What is stored hashed stays, and isn't found by --project.
    Example: codex-telemetry privacy reset
    """
    path = secret_path(where.paths().database)
    if not path.exists():
        raise UserError("there is no secret to forget", hint="the first backfill makes one")
    question = (
        "forget the secret? Hashes made so far will match nothing that is hashed from now on, "
        "here or where it is shared"
    )
    if not confirmed("privacy reset", question, yes=yes):
        show.note("nothing was changed")
        raise typer.Exit(1)
    try:
        secret.forget(path)
    except OSError as error:
        raise UserError(
            f"cannot forget {path}: {error.strerror or error}", hint="check its permissions"
        ) from None
    show.note("forgotten; codex-telemetry backfill --rebuild hashes what the logs tell anew")


@options
def take(where: Where, file: File, yes: Yes = False) -> None:
    """Hash names with this secret from now on: who shares it gets the same hashes.

    \b
    Example: codex-telemetry privacy secret import team.secret
    """
    path = secret_path(where.paths().database)
    new, known = _read(file), _known(path)
    if known is not None and known.id == new.id:
        show.note(f"it is the one that is here already ({new.id})")
        return
    question = f"replace the secret {known.id if known else ''}? Hashes made with it match no more"
    if known is not None and not confirmed("privacy secret import", question, yes=yes):
        show.note("nothing was changed")
        raise typer.Exit(1)
    try:
        secret.replace(path, new)
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}", hint="nothing was changed"
        ) from None
    show.note(f"taken ({new.id}); codex-telemetry backfill --rebuild hashes what logs tell anew")


@options
def give(where: Where, file: File) -> None:
    """Write the secret into a new file (0600), for a team to share.

    \b
    Who has it can try whether a name they guess is the one behind a hash.
    Example: codex-telemetry privacy secret export team.secret
    """
    path, target = secret_path(where.paths().database), Path(os.path.expanduser(file))  # noqa: PTH111
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {target.parent}", hint="make it, or name another")
    try:
        found = secret.load(path)
    except OSError as error:
        raise UserError(
            f"cannot read the secret {path}: {error.strerror or 'it is none'}",
            hint="codex-telemetry privacy reset forgets it",
        ) from None
    try:
        secret.write(target, found)
    except FileExistsError:
        raise UsageError(f"{target} is there already", hint="name a new file") from None
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}", hint="name another") from None
    show.note(f"written ({found.id}); share it as you would a password")


def _read(file: str) -> Secret:
    path = Path(os.path.expanduser(file))  # noqa: PTH111 - pathlib's raises where no home is known
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is not a file", hint="name one that holds a secret")
        found = secret.find(path)
    except OSError as error:
        if error.strerror is not None:
            raise UserError(
                f"cannot read {path}: {error.strerror}", hint="check its permissions"
            ) from None
        raise UsageError(
            f"{path} is no secret: it must hold {SIZE} to {LARGEST} bytes",
            hint=f"openssl rand -out {path} {SIZE} makes one",
        ) from None
    if found is None:
        raise UsageError(
            f"there is no file {path}", hint="codex-telemetry privacy secret export makes one"
        )
    return found


def _known(path: Path) -> Secret | None:
    try:
        return secret.find(path)
    except OSError:
        return None


def _described(told: Privacy) -> list[Line]:
    strict = told.mode == "strict"
    lines: list[Line] = [
        [Span(f"{told.mode}  ", "bold"), Span(_MEANS[told.mode])],
        [
            Span("repositories  ", "bold"),
            Span(
                "by their address"
                if told.repo_names and not strict
                else "by a keyed hash of their address"
            ),
        ],
        [Span("secret  ", "bold"), Span(told.secret_id or "none yet")],
    ]
    lines += [
        [
            Span(f"  {used.secret_id}  "),
            Span(f"{counted(used.sessions, 'session')}, {counted(used.turns, 'turn')}"),
            Span("" if used.current else "  by a secret that isn't here", "dim"),
        ]
        for used in told.secrets
    ]
    plain = f"{counted(told.plain_sessions, 'session')}, {counted(told.plain_turns, 'turn')}"
    if strict and (told.plain_sessions or told.plain_turns):
        lines += [
            [Span("kept as they were  ", "warn"), Span(plain)],
            [Span("  codex-telemetry privacy apply hashes them", "dim")],
        ]
    hashed = told.sessions - told.plain_sessions
    if not strict and any(used.sessions or used.turns for used in told.secrets) and hashed:
        lines.append(
            [Span("  what was hashed stays so until backfill --rebuild reads its log anew", "dim")]
        )
    return lines
