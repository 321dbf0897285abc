"""`metrics`: what Prometheus is told, once or whenever it asks."""

from pathlib import Path
from typing import Annotated

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.options import Where, options
from codex_telemetry.cli.reach import store
from codex_telemetry.errors import UsageError, UserError
from codex_telemetry.host import placed


@options
def metrics(
    where: Where,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="write it there, all at once")
    ] = None,
    serve: Annotated[
        str | None,
        typer.Option("--serve", metavar="127.0.0.1:PORT", help="answer Prometheus, until Ctrl-C"),
    ] = None,
) -> None:
    """Print totals, histograms and limits for Prometheus.

    \b
    Once, for the node exporter's textfile collector, or by HTTP under /metrics
    to programs on this machine. No id, folder or name of a tool is in it.
    Example: codex-telemetry metrics --out /var/lib/node_exporter/codex.prom
    Example: codex-telemetry metrics --serve 127.0.0.1:9478
    """
    if out is not None and serve is not None:
        raise UsageError("--out and --serve exclude each other", hint="take one")
    if serve is not None:
        _serve(where, serve)
    elif out is not None:
        _write(out, _now(where))
    else:
        show.text(_now(where).decode())


def _now(where: Where) -> bytes:
    from codex_telemetry.sinks.prometheus import exposition  # noqa: PLC0415 - heavy

    with store(where) as db:
        return exposition(db)


def _serve(where: Where, address: str) -> None:
    from codex_telemetry.sinks import scraped  # noqa: PLC0415 - heavy

    host, port = _address(address)
    database = where.paths().database
    try:
        server = scraped.server(host, port, database, lambda: _now(where))
    except OSError as error:
        raise UserError(
            f"can't listen on {host}:{port}: {error.strerror}", hint="take another port"
        ) from None
    with server:
        show.note(f"http://{host}:{server.server_port}/metrics, until Ctrl-C")
        server.serve_forever()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if host not in ("127.0.0.1", "localhost"):
        raise UsageError(
            "--serve: only programs on this machine are answered",
            hint="say 127.0.0.1:PORT; from elsewhere, use the node exporter's textfile collector",
        )
    if not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise UsageError("--serve: no such port", hint="say 127.0.0.1:9478, for example")
    return "127.0.0.1", int(port)


def _write(path: Path, text: bytes) -> None:
    """In one step, so that nobody reads half of it; readable for others, as the node exporter is one."""
    if not path.parent.is_dir():
        raise UserError(
            f"can't write {path}: No such file or directory",
            hint="name a file in a folder that is there",
        )
    placed.write(path, text, 0o644)
