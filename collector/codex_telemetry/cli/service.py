"""`service`: the watch in the background, run by this platform's own service manager."""

from pathlib import Path
from typing import Annotated

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.installed import installed_service
from codex_telemetry.cli.listing import print_one
from codex_telemetry.cli.options import Form, Where, options
from codex_telemetry.cli.words import Line, Span
from codex_telemetry.config import CONFIG, codex_homes, complaints, said_by
from codex_telemetry.config import log_level as level_of
from codex_telemetry.host import service
from codex_telemetry.host.watching import watch
from codex_telemetry.reports.shapes_host import Service

Home = Annotated[
    list[Path] | None,
    typer.Option("--codex-home", metavar="DIR", help="a home of Codex; may be given again"),
]


@options
def install(
    where: Where,
    codex_home: Home = None,
    force: Annotated[
        bool, typer.Option("--force", help="in the place of one with other settings")
    ] = False,
) -> None:
    """Read what Codex logs in the background, from each login on.

    \b
    A systemd unit or launchd agent of yours that runs `backfill --watch`, with
    little of the processor and of memory. Homes and paths are those of now.
    Example: codex-telemetry service install
    """
    found, before = where.paths(), service.installed()
    where.settings()  # what is wrong in it is better said now than in a log
    named = said_by(where.config, CONFIG) != "default"
    homes = [home.expanduser().absolute() for home in codex_home or codex_homes()]
    level = level_of(where.log_level) or "info"
    wanted = watch(found.database, found.config if named else None, homes, level)
    done = service.install(wanted, complaints(found), force=force)
    if done == "unchanged":
        show.note(f"it is installed already; nothing was changed: {service.path()}")
        return
    show.lines([[Span(str(service.path()))]])
    _say(service.start(anew=before is not None), "installed and started", "installed; start it")


@options
def status(where: Where, form: Form) -> None:
    """Say whether the service is installed and running.

    \b
    It runs if a process follows each of its homes, whoever started that.
    Example: codex-telemetry service status
    """
    chosen, found = form.chosen(), installed_service(where.paths())
    if chosen is not None:
        print_one(found, chosen)
    else:
        show.lines(_told(found))


@options
def uninstall() -> None:
    """Stop the service and remove it.

    \b
    What it has read stays.
    Example: codex-telemetry service uninstall
    """
    where = service.path()
    untold = service.uninstall()
    _say(untold, f"stopped, and removed {where}", f"removed {where}; if it runs, stop it")


def _say(untold: service.Untold | None, done: str, left: str) -> None:
    if untold is None:
        show.note(done)
        return
    by_hand = " && ".join(" ".join(command) for command in untold.commands)
    why = "that failed" if untold.failed else "no service manager of yours could be reached here"
    show.note(f"{left} by hand ({why}): {by_hand}")
    if untold.failed:
        raise typer.Exit(1)


_MEANS = {
    "not_installed": ("", "not installed: codex-telemetry service install"),
    "stopped": ("warn", "installed, and not running"),
    "running": ("ok", "running"),
    "broken": ("fail", "what it runs is gone: codex-telemetry service install --force"),
    "foreign": ("warn", "a file that isn't ours is in its place"),
}


def _told(found: Service) -> list[Line]:
    style, meaning = _MEANS[found.state]
    lines: list[Line] = [[Span(f"{found.manager}  ", "bold"), Span(meaning, style)]]
    lines.append([Span(f"  {found.path}")])
    if found.state in ("stopped", "running", "broken"):
        lines.append([Span("  started at login" if found.enabled else "  not started at login")])
        lines.append([Span(f"  {found.python}  into {found.database}")])
    for home in found.homes:
        who = "" if home.pid is None else f" by process {home.pid}"
        lines.append(
            [
                Span(f"  {home.home}"),
                Span(f"  {'followed' if home.watched else 'not followed'}{who}", "dim"),
            ]
        )
    return lines
