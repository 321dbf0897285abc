"""`demo`: a whole run on made-up traffic, ending in a turn's waterfall."""

from typing import Annotated

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.options import Zoned, options
from codex_telemetry.cli.words import Span


@options
def demo(
    zoned: Zoned,
    command_seconds: Annotated[
        float,
        # Codex itself waits 30 s for a command at most.
        typer.Option(metavar="S", min=0, max=25, help="how long the turn's command takes"),
    ] = 1.0,
) -> None:
    """Show it all on made-up traffic.

    \b
    A real Codex, without account or network, and a turn's waterfall at the end.
    Without a Codex on the PATH it replays a recorded run, and says so.
    Example: codex-telemetry demo
    """
    from codex_telemetry.cli.turns import draw  # noqa: PLC0415
    from codex_telemetry.demo import play  # noqa: PLC0415
    from codex_telemetry.host.find import find_codex  # noqa: PLC0415
    from codex_telemetry.store.find import find_turn  # noqa: PLC0415
    from codex_telemetry.store.queries import reading  # noqa: PLC0415

    zone = zoned.zone()
    with (
        play.run(find_codex(), command_seconds=command_seconds, narrate=show.note) as played,
        reading(played.database) as db,
    ):
        show.lines([[Span("")]])
        draw(db, find_turn(db, played.turn_id), zone)
