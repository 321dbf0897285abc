"""`path` and `schema`: what applies."""

from typing import Annotated

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.listing import print_one
from codex_telemetry.cli.options import Form, Where, options
from codex_telemetry.cli.words import Span
from codex_telemetry.errors import UsageError
from codex_telemetry.reports.shapes_upkeep import PathInfo


@options
def path(where: Where, form: Form) -> None:
    """Say where the files are.

    \b
    Example: codex-telemetry path
    """
    chosen, found = form.chosen(), where.paths()
    info = PathInfo(
        database=str(found.database),
        config=str(found.config),
        log=str(found.log),
        spool=[str(folder) for folder in found.spool],
    )
    if chosen is not None:
        print_one(info, chosen)
        return
    named = [("database", info.database), ("config", info.config), ("log", info.log)]
    named += [("spool" if n == 0 else "", folder) for n, folder in enumerate(info.spool)]
    show.lines([[Span(f"{name:8}  ", "bold"), Span(place)] for name, place in named])


def schema(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="one of those listed")] = None,
) -> None:
    """Print the JSON Schema of a --json output.

    Without a name it lists them.

    \b
    Example: codex-telemetry schema turn
    """
    from codex_telemetry.reports import schemas  # noqa: PLC0415

    if name is None:
        show.lines(
            [Span(f"{known:16}", "bold"), Span(schemas.PRINTED_BY[known])]
            for known in schemas.SHAPES
        )
    elif (known := schemas.ALSO_CALLED.get(name, name)) in schemas.SHAPES:
        show.text(schemas.published(known))
    else:
        raise UsageError(
            f"schema: none is called {name}", hint=f"one of {', '.join(schemas.SHAPES)}"
        )
