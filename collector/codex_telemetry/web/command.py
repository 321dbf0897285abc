"""`serve`."""

import os
import webbrowser
from importlib.util import find_spec
from typing import Annotated

import typer
from msgspec import Struct

from codex_telemetry.cli import show
from codex_telemetry.cli.labelled import label_as
from codex_telemetry.cli.options import Where, Zoned, options
from codex_telemetry.cli.reach import store
from codex_telemetry.errors import UserError

NEEDED = ("jinja2", "starlette", "uvicorn")


class Served(Struct):
    """Where the dashboard is."""

    url: str
    port: int


@options
def serve(
    where: Where,
    zoned: Zoned,
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="0: any that is free")
    ] = 0,
    open_it: Annotated[bool, typer.Option("--open", help="open it in the browser")] = False,
    json: Annotated[bool, typer.Option("--json", help="JSON: its address and port")] = False,
    redact: Annotated[
        bool, typer.Option("--redact", help="labels for folders, branches, repositories, servers")
    ] = False,
) -> None:
    """Show the dashboard in a browser on this machine, until Ctrl-C.

    \b
    The address that is printed holds a token of this start: without it nobody
    is let in. It takes codex-telemetry[web].
    Example: codex-telemetry serve --open
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UserError(
            f"the dashboard takes {', '.join(missing)}, which is not installed",
            hint="pip install 'codex-telemetry[web]'",
        )
    from codex_telemetry.web import server  # noqa: PLC0415 - heavy, and perhaps not there
    from codex_telemetry.web.guard import Doors  # noqa: PLC0415
    from codex_telemetry.web.source import Source  # noqa: PLC0415

    if redact:
        label_as(lambda: where.labels(redact=True))
    zone = zoned.zone()
    with store(where):
        """What waits is taken in, priced and sorted now: later pages only read."""
    source = Source(where.paths(), zone, zoned.settings.week_start, os.environ.get("HOME"))
    with server.listen(port) as at:
        doors = Doors.made(at.getsockname()[1])
        if json:
            show.json_object(Served(doors.url, doors.port))
        else:
            show.text(f"{doors.url}\n")
        if open_it:
            webbrowser.open(doors.url)
        server.serve(at, source, doors)
