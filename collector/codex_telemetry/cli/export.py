"""`export --anonymous`: a database as a bug report needs it."""

from pathlib import Path
from typing import Annotated

import typer

from codex_telemetry import private_files
from codex_telemetry.cli import show
from codex_telemetry.cli.options import Where, options
from codex_telemetry.cli.reach import store
from codex_telemetry.config import option_path
from codex_telemetry.errors import UsageError, UserError
from codex_telemetry.reports.anonymous import anonymous as report

TURNS = 1_000
"""So many are told of unless more are wanted: a report has to be sent."""


@options
def export(
    context: typer.Context,
    where: Where,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="times and counts, with ids and names hashed")
    ] = False,
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE", help="a new file, instead of here")
    ] = None,
    last: Annotated[
        int, typer.Option("--last", metavar="N", min=1, help="the newest N turns")
    ] = TURNS,
) -> None:
    # What it is for is said in `app`: a group's help comes from there.
    if context.invoked_subcommand is not None:
        return
    if not anonymous:
        raise UsageError("export: what is to be exported isn't said", hint="--anonymous")
    target = None if out is None else option_path("--out", out)
    with store(where) as db:
        told = report(db, last)
    if target is None:
        show.json_object(told)
    else:
        _write(target, show.as_json(told))
        show.note(f"written to {target}: look at it before you send it")


def _write(target: Path, body: bytes) -> None:
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {target.parent}", hint="make it, or name another")
    try:
        private_files.write(target, body, anew=False)
    except FileExistsError:
        raise UsageError(f"{target} is there already", hint="name a new file") from None
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}", hint="name another") from None
