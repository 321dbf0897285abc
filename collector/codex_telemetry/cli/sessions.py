"""`sessions` and `session`."""

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.captured import openers
from codex_telemetry.cli.consent import passphrase
from codex_telemetry.cli.labelled import labelled
from codex_telemetry.cli.listing import ON_A_TERMINAL, Listing, print_list, print_one
from codex_telemetry.cli.options import ROLL_UP, Form, Narrow, Whence, Where, Zoned, options
from codex_telemetry.cli.period import Zone, lately, shown
from codex_telemetry.cli.reach import reached, store
from codex_telemetry.cli.table import Column, stream, table
from codex_telemetry.cli.turns import columns as turn_columns
from codex_telemetry.cli.words import (
    Line,
    Span,
    counted,
    dollars,
    folder,
    number,
    short_id,
    wrapped,
)
from codex_telemetry.errors import UsageError
from codex_telemetry.reports import capture, family, moments
from codex_telemetry.reports import sessions as report
from codex_telemetry.reports.elsewhere import Elsewhere
from codex_telemetry.reports.sessions import Link
from codex_telemetry.reports.shapes import Session
from codex_telemetry.reports.shapes_family import SessionInFull
from codex_telemetry.store import content
from codex_telemetry.store.find import find_session


@options
def sessions(
    where: Where,
    whence: Whence,
    form: Form,
    narrow: Narrow,
    zoned: Zoned,
    titles: Annotated[
        bool, typer.Option("--titles", help="with their titles, where granted: it takes the key")
    ] = False,
) -> None:
    """List sessions, the one last heard of last.

    \b
    Example: codex-telemetry sessions --since 7d --json
    """
    chosen, zone = form.chosen(), zoned.zone()
    filters = narrow.check(zone)
    with reached(where, whence) as db:
        named: dict[str, str] = {}
        if titles:
            if isinstance(db, Elsewhere):
                raise UsageError(
                    "--titles are kept on this machine alone", hint="leave it out, or --store local"
                )
            sealed = list(content.titles(db))
            named = capture.titles(sealed, openers(where.paths().database, sealed, passphrase))
        listing = Listing(
            "session",
            Session,
            lambda f: report.titled(report.sessions(db, f), named),
            lambda f: report.count(db, f),
            _columns(zone, show.now(), titles=titles),
        )
        print_list(listing, chosen, narrow.found(db, filters))


@options
def session(
    where: Where,
    form: Form,
    zoned: Zoned,
    wanted: Annotated[str, typer.Argument(metavar="ID", help="its id, or the beginning of it")],
    roll_up: Annotated[bool, ROLL_UP] = False,
) -> None:
    """Show one session with its turns.

    \b
    Example: codex-telemetry session 01a20738-20e7
    """
    if not wanted.strip():
        raise UsageError("session: the id is empty", hint="codex-telemetry sessions lists them")
    chosen, zone = form.chosen(), zoned.zone()
    with store(where) as db:
        row = find_session(db, wanted.strip())
        detail = family.session(db, row, roll_up=roll_up)
        if chosen is not None:
            print_one(detail, chosen)
        else:
            _draw(detail, report.links(db, row), zone)


def _draw(detail: SessionInFull, links: Sequence[Link], zone: Zone) -> None:
    on = show.screen()
    show.lines([*_head(labelled(detail), links, on.width, zone), []])
    columns = turn_columns(zone, show.now(), of_a_session=True)
    if not on.terminal:
        show.lines(stream(columns, detail.turn_list))
        return
    rows = detail.turn_list[-ON_A_TERMINAL:]
    show.lines(table(columns, rows, on.width))
    if hidden := len(detail.turn_list) - len(rows):
        show.note(f"{counted(hidden, 'earlier turn')}: --json has all of them")


def _head(detail: SessionInFull, links: Sequence[Link], width: int, zone: Zone) -> list[Line]:
    created = shown(moments.read(detail.created_at), zone)
    last = shown(moments.read(detail.last_at), zone)
    tokens = detail.total_tokens
    pieces = [
        [Span(f"session {detail.session_id}", "bold"), Span(detail.relation or "")],
        [
            Span((created and f"created {created}") or ""),
            Span((last and f"last heard of {last}") or ""),
        ],
        [
            Span(counted(detail.turns, "turn")),
            Span(f"{detail.turns_failed:,} failed" if detail.turns_failed else "", "failed"),
            Span(
                f"{detail.turns_interrupted:,} interrupted" if detail.turns_interrupted else "",
                "interrupted",
            ),
            Span(f"{number(tokens)} tokens" if tokens is not None else ""),
            Span(
                f"{dollars(detail.cost_usd)} API-equivalent" if detail.cost_usd is not None else ""
            ),
            Span(" ".join(detail.models or [])),
        ],
        [
            Span(folder(detail.cwd, os.environ.get("HOME")) if detail.cwd else ""),
            Span(f"branch {detail.git_branch}" if detail.git_branch else ""),
            Span(detail.client_name or detail.originator or ""),
            Span(f"Codex {detail.cli_version}" if detail.cli_version else ""),
        ],
        [Span(f"{link.relation} {short_id(link.session_id)}", "dim") for link in links],
    ]
    if detail.rolled_up is not None:
        from codex_telemetry.cli.family import together  # noqa: PLC0415 - only for people

        pieces.append(together(detail.rolled_up))
    return [
        line for each in pieces for line in wrapped([span for span in each if span.text], width)
    ]


def _columns(zone: Zone, now: int | None, *, titles: bool) -> list[Column[Session]]:
    home = os.environ.get("HOME")
    title = Column[Session]("title", lambda s: s.title, narrowest=16)
    return [
        Column("session", lambda s: short_id(s.session_id)),
        Column(
            "last heard of",
            lambda s: lately(moments.read(s.last_at), zone, now),
            rank=1,
            hoist=True,
        ),
        Column("turns", lambda s: number(s.turns), right=True),
        Column("failed", lambda s: number(s.turns_failed), rank=7, right=True),
        Column("tokens", lambda s: number(s.total_tokens), rank=2, right=True),
        Column("API-equivalent", lambda s: dollars(s.cost_usd), rank=5, right=True),
        Column("models", lambda s: " ".join(s.models) if s.models else None, rank=4),
        Column("kind", lambda s: s.relation, rank=6),
        Column("client", lambda s: s.client_name or s.originator, rank=8),
        Column("folder", lambda s: folder(s.cwd, home) if s.cwd else None, rank=3, narrowest=16),
        *([title] if titles else []),
    ]
