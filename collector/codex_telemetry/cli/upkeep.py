"""`path`, `schema` and `doctor`: what applies, and whether all is well."""

from typing import Annotated

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.listing import print_one
from codex_telemetry.cli.options import Form, Where, Zoned, options
from codex_telemetry.cli.period import Zone, shown
from codex_telemetry.cli.reach import take_in_spool, waiting
from codex_telemetry.cli.words import Line, Span, number
from codex_telemetry.errors import UsageError
from codex_telemetry.reports import moments
from codex_telemetry.reports.shapes import Doctor, PathInfo

LISTED = 10
"""So many gaps and unknown names are shown to people."""


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


@options
def doctor(where: Where, form: Form, zoned: Zoned) -> None:
    """Check whether all is well.

    The database, its permissions, the spool, gaps and unknown names; it fails if any check does.

    \b
    Example: codex-telemetry doctor
    """
    from codex_telemetry.reports.doctor import doctor as examine  # noqa: PLC0415

    chosen, zone, found = form.chosen(), zoned.zone(), where.paths()
    take_in_spool(found)
    report = examine(found, list(waiting(found)))
    if chosen is not None:
        print_one(report, chosen)
    else:
        show.lines(_examined(report, zone))
    if any(check.status == "fail" for check in report.checks):
        raise typer.Exit(1)


def _examined(report: Doctor, zone: Zone) -> list[Line]:
    lines: list[Line] = []
    for check in report.checks:
        lines.append(
            [Span(f"{check.status:4}  ", check.status), Span(f"{check.name:12} {check.detail}")]
        )
        if check.hint is not None:
            lines.append([Span(f"{'':18} {check.hint}", "dim")])
    if report.drift:
        lines += [[], [Span("unknown names", "heading")]]
        lines += [
            [
                Span(f"{number(d.n):>8}  {d.name}  {d.reason}"),
                Span(f"  {d.source} {d.codex_version or ''}", "dim"),
            ]
            for d in report.drift[:LISTED]
        ]
        lines += _rest(len(report.drift))
    if report.gaps:
        lines += [[], [Span("gaps", "heading")]]
        lines += [
            [
                Span(f"{shown(moments.read(gap.at), zone) or '-'}  {gap.reason}"),
                Span("" if gap.dropped_bytes is None else f"  {gap.dropped_bytes:,} bytes", "dim"),
            ]
            for gap in report.gaps[-LISTED:]
        ]
        lines += _rest(len(report.gaps))
    return lines


def _rest(n: int) -> list[Line]:
    return [[Span(f"{'':10}{n - LISTED:,} more: --json has all", "dim")]] if n > LISTED else []
