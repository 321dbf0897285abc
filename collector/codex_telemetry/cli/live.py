"""`run` as far as it is told here, and `collect`, which `run` starts beside the program."""

from typing import Annotated

import typer

from codex_telemetry.cli.options import Where, options
from codex_telemetry.errors import UsageError

Words = Annotated[
    list[str], typer.Argument(metavar="CMD…", help="the program, and what belongs to it")
]


@options
def run(where: Where, command: Words) -> None:  # noqa: ARG001 - for its help
    """Run Codex and record its turns.

    \b
    Every byte is passed on first. The exit code is the program's own.
    What belongs to the program comes after --.
    Example: codex-telemetry run -- codex app-server
    """
    # `main` takes `run` straight to the pump: only its help is asked for here.
    raise UsageError("run: start it as codex-telemetry run -- CMD…")


@options
def collect(where: Where) -> None:
    """Be the collector of one launch: frames on stdin, until they end. Not for people."""
    from codex_telemetry.cli.collect import collect as hear  # noqa: PLC0415 - heavy

    hear(*where)
