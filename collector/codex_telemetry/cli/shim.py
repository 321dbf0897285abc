"""`shim`: the launcher that editors start in Codex's place."""

from pathlib import Path
from typing import Annotated

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.installed import installed_shims
from codex_telemetry.cli.listing import print_rows
from codex_telemetry.cli.options import Form, Where, options
from codex_telemetry.cli.words import Line, Span
from codex_telemetry.host import shims
from codex_telemetry.reports.shapes_host import Shim

Name = Annotated[str, typer.Option("--name", metavar="NAME", help="what it is called")]
Folder = Annotated[
    Path | None, typer.Option("--dir", metavar="DIR", help="where it lies; else ~/.local/bin")
]


@options
def install(
    where: Where,
    name: Name = shims.NAME,
    folder: Folder = None,
    codex: Annotated[
        Path | None,
        typer.Option("--codex", metavar="PATH", help="start this Codex, whatever is on the PATH"),
    ] = None,
) -> None:
    """Write a launcher that starts Codex under `run`, for editors.

    \b
    Name it in an editor's setting for the Codex executable. It starts the first
    codex on the PATH that isn't a shim, and where codex-telemetry is broken or
    gone, Codex alone. --db, --config and --log-level go to `run`.
    Example: codex-telemetry shim install
    """
    found, path = where.paths(), shims.place(name, folder)
    said = [f"--db={found.database}"] if where.db is not None else []
    said += [f"--config={found.config}"] if where.config is not None else []
    said += [f"--log-level={where.log_level}"] if where.log_level is not None else []
    done = shims.install(path, codex, said)
    show.lines([[Span(str(path))]])
    show.note(
        "it is installed already; nothing was changed"
        if done == "unchanged"
        else f"{done}; name it in your editor's setting for the Codex executable"
    )


@options
def status(form: Form, folder: Folder = None) -> None:
    """List the shims there are, and which Codex each would start.

    \b
    It looks into ~/.local/bin, or --dir, and along the PATH.
    Example: codex-telemetry shim status
    """
    chosen, found = form.chosen(), installed_shims(folder)
    if chosen is not None:
        print_rows(Shim, found, chosen)
    elif found:
        show.lines(line for shim in found for line in _told(shim))
    else:
        show.note("no shim is installed: codex-telemetry shim install")


@options
def uninstall(name: Name = shims.NAME, folder: Folder = None) -> None:
    """Remove a shim.

    \b
    Editors that name it start nothing any more: change their setting first.
    Example: codex-telemetry shim uninstall
    """
    path = shims.place(name, folder)
    shims.uninstall(path)
    show.note(f"removed {path}")


_MEANS = {
    "ok": ("ok", "ok"),
    "bare": ("warn", "starts Codex alone: codex-telemetry isn't where it looks for it"),
    "no_codex": ("fail", "there is no Codex that it could start"),
}


def _told(shim: Shim) -> list[Line]:
    style, meaning = _MEANS[shim.state]
    how = "that it was told to start" if shim.fixed else "the first on the PATH, or where it was"
    lines: list[Line] = [[Span(f"{shim.path}  ", "bold"), Span(meaning, style)]]
    if shim.codex is not None:
        lines.append([Span(f"  starts {shim.codex}"), Span(f"  {how}", "dim")])
    lines.append([Span(f"  under {shim.python}")])
    return lines
