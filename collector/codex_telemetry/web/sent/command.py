"""`report`: a page to send to someone, in a file."""

import os
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.labelled import label_as
from codex_telemetry.cli.options import Narrow, Where, Zoned, options
from codex_telemetry.cli.period import SPANS, moment
from codex_telemetry.cli.reach import store
from codex_telemetry.cli.words import counted, number
from codex_telemetry.errors import UsageError, UserError
from codex_telemetry.host import placed
from codex_telemetry.reports.shapes_export import Reported
from codex_telemetry.store import queries
from codex_telemetry.store.find import find_session, find_turn
from codex_telemetry.store.queries import Filters, Store

NEEDED = "jinja2"
PERIOD = "30d"
"""Where none is asked for."""

STDOUT = "-"


@options
def report(
    where: Where,
    narrow: Narrow,
    zoned: Zoned,
    html: Annotated[str, typer.Option("--html", metavar="FILE", help="the page; - for stdout")],
    turn: Annotated[
        str | None, typer.Option("--turn", metavar="ID", help="one turn, by its id")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON: the file, its size, turns")] = False,
    redact: Annotated[
        bool, typer.Option("--redact", help="labels for folders, branches, repositories, servers")
    ] = False,
) -> None:
    """Write one page to send to someone.

    \b
    The page needs nothing else, loads nothing and runs nothing. Without a
    period it is of the last 30 days. It takes codex-telemetry[web].
    Example: codex-telemetry report --html week.html --since 7d --redact
    Example: codex-telemetry report --html turn.html --turn 01a20738-20e7
    """
    _check(narrow, html, turn, json=json)
    if find_spec(NEEDED) is None:
        raise UserError(
            f"a report takes {NEEDED}, which is not installed",
            hint="pip install 'codex-telemetry[web]'",
        )
    from codex_telemetry.web.sent.page import page  # noqa: PLC0415 - perhaps not there
    from codex_telemetry.web.source import Source  # noqa: PLC0415

    if redact:
        label_as(lambda: where.labels(redact=True))
    zone, now, home = zoned.zone(), time.time_ns() // 1_000_000, os.environ.get("HOME")
    filters = narrow.check(zone)
    source = Source(where.paths(), zone, zoned.settings.week_start, home)
    with store(where) as db:
        if turn is None and narrow.session is None:
            if not any((filters.since, filters.until, filters.last)):
                filters = filters._replace(since=moment("--since", PERIOD, zone, now))
            filters = _newest(db, filters)
            turns, template, told = _period(db, filters, source, now)
        else:
            turns, template, told = _one(db, turn, narrow.session, now)
        body = page(template, zone, now, home, **told)
    if html == STDOUT:
        show.text(body.decode())
        return
    placed.write(Path(html).expanduser(), body, 0o600)
    if json:
        show.json_object(Reported(html, len(body), turns))
    else:
        show.note(f"{html}: {counted(turns, 'turn')}, {number(-(-len(body) // 1_000))} kB")


def _check(narrow: Narrow, html: str, turn: str | None, *, json: bool) -> None:
    """Raises `UsageError`, before any file is opened."""
    names = (*SPANS, "since", "until", "last", "project", "model", "status")
    given = [f"--{name}" for name in names if getattr(narrow, name)]
    given += ["--session"] if narrow.session is not None else []
    given += ["--turn"] if turn is not None else []
    if len(given) > 1 and given[-1] in ("--session", "--turn"):
        raise UsageError(f"{given[-2]} and {given[-1]} exclude each other", hint="take one")
    if json and html == STDOUT:
        raise UsageError("--json and --html - exclude each other", hint="name a file")
    if html != STDOUT and not Path(html).expanduser().parent.is_dir():
        raise UsageError(
            f"--html: can't write {html}: No such file or directory",
            hint="name a file in a folder that is there",
        )
    if any(word is not None and not word.strip() for word in (turn, narrow.session)):
        raise UsageError("the id is empty", hint="codex-telemetry turns lists turns")


def _newest(db: Store, filters: Filters) -> Filters:
    """The newest so many, as a stretch of time."""
    if filters.last is None:
        return filters
    first = next(queries.turns(db, filters), None)
    since = first["started_at"] if first is not None else filters.since
    return filters._replace(since=since, last=None)


def _period(db: Store, filters: Filters, source: Any, now: int) -> tuple[int, str, dict[str, Any]]:
    from codex_telemetry.web.sent import period  # noqa: PLC0415 - as above

    told = period.names(db, filters, source, now)
    return told["whole"].turns, "report_period.html", told


def _one(
    db: Store, turn: str | None, session: str | None, now: int
) -> tuple[int, str, dict[str, Any]]:
    from codex_telemetry.web.sent import session as sessions  # noqa: PLC0415 - as above
    from codex_telemetry.web.sent import turn as turns  # noqa: PLC0415

    if turn is not None:
        return 1, "report_turn.html", turns.names(db, find_turn(db, turn.strip()), now)
    assert session is not None
    told = sessions.names(db, find_session(db, session.strip()), now)
    return len(told["turns"]), "report_session.html", told
