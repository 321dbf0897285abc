"""`doctor`: whether all is well, and what to do where it isn't."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.listing import print_one
from codex_telemetry.cli.options import Form, Where, Zoned, options
from codex_telemetry.cli.period import Zone, shown
from codex_telemetry.cli.reach import take_in_spool, waiting
from codex_telemetry.cli.words import Line, Span, number
from codex_telemetry.config import Paths, codex_homes
from codex_telemetry.reports import moments
from codex_telemetry.reports.shapes_upkeep import Doctor
from codex_telemetry.reports.surroundings import Home, Surroundings

LISTED = 10
"""So many gaps and unknown names are shown to people."""


@options
def doctor(
    where: Where,
    form: Form,
    zoned: Zoned,
    whole: Annotated[
        bool, typer.Option("--whole", help="look for damage in a database over 100 MB too")
    ] = False,
) -> None:
    """Check whether all is well, and say what to do where it isn't.

    \b
    It looks at Codex and its homes (file names only), the database and who may
    read it, the key of hashed names, what waits in the spool, gaps, unknown
    names, turns that only one source knows, and times that can't be.
    It exits with 1 if any check fails; a warning is no failure.
    Example: codex-telemetry doctor
    """
    from codex_telemetry.reports.doctor import doctor as examine  # noqa: PLC0415

    chosen, zone, found = form.chosen(), zoned.zone(), where.paths()
    take_in_spool(found)
    with surroundings(found) as around:
        report = examine(found, around, time.time_ns() // 1_000_000, whole=whole)
    if chosen is not None:
        print_one(report, chosen)
    else:
        show.lines(_examined(report, zone))
    if any(check.status == "fail" for check in report.checks):
        raise typer.Exit(1)


@contextlib.contextmanager
def surroundings(paths: Paths) -> Iterator[Surroundings]:
    """What is around the database; it starts `codex --version`, whose answer is waited for later."""
    from codex_telemetry.cli.installed import (  # noqa: PLC0415
        installed_service,
        installed_shims,
    )
    from codex_telemetry.host.find import NoSuchCodexError, find_codex  # noqa: PLC0415
    from codex_telemetry.host.version import PATIENCE_S, asked  # noqa: PLC0415

    program, misnamed = None, None
    try:
        program = find_codex()
    except NoSuchCodexError as error:
        misnamed = error.message
    with asked(program) if program is not None else contextlib.nullcontext() as answer:
        yield Surroundings(
            program=program,
            release=lambda: answer(PATIENCE_S) if answer is not None else None,
            misnamed=misnamed,
            homes=[_home(path) for path in codex_homes()],
            waiting=list(waiting(paths)),
            shims=installed_shims(),
            service=installed_service(paths),
        )


def _home(path: Path) -> Home:
    from codex_telemetry.inputs import files  # noqa: PLC0415

    if not os.path.lexists(path):
        return Home(path, None, exists=False)
    try:
        found = files.find(path)
    except OSError:
        return Home(path, None)
    return Home(path, len(found.files), found.unreadable)


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
