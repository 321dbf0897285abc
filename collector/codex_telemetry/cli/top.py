"""`top`: what goes on, live."""

import os
from typing import Annotated

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.labelled import label_as
from codex_telemetry.cli.options import Narrow, Where, Zoned, options
from codex_telemetry.cli.reach import store
from codex_telemetry.errors import UsageError, UserError


@options
def top(
    where: Where,
    narrow: Narrow,
    zoned: Zoned,
    redact: Annotated[
        bool, typer.Option("--redact", help="labels for folders, branches, repositories, servers")
    ] = False,
) -> None:
    """Watch turns, tokens, limits and tools live in the terminal.

    \b
    Enter opens a turn, / filters, ? shows all keys, q quits.
    It takes textual: codex-telemetry[tui].
    Example: codex-telemetry top --project .
    """
    zone = zoned.zone()
    narrow.check(zone)
    paths, _ = where.paths(), where.settings()
    if redact:
        label_as(lambda: where.labels(redact=True))
    if not show.on_a_terminal():
        raise UsageError("top: this is no terminal", hint="codex-telemetry turns lists turns")
    if os.environ.get("TERM", "dumb") in ("", "dumb"):
        raise UsageError(
            "top: this terminal can only print (TERM=dumb)",
            hint="codex-telemetry turns lists turns",
        )
    # Its keys would stay another's if we were killed, and we need none of them.
    os.environ["TEXTUAL_DISABLE_KITTY_KEY"] = "1"
    try:
        from codex_telemetry.tui import app  # noqa: PLC0415 - an extra, and heavy
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "textual":
            raise
        raise UserError(
            "top takes textual, which isn't installed",
            hint="pip install 'codex-telemetry[tui]'",
        ) from None
    unicode = show.screen().unicode
    made = app.Top(paths.database, lambda: store(where), narrow, zone, unicode=unicode)
    raise typer.Exit(app.run(made))
