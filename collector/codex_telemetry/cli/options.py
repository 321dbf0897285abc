"""The options that commands share, and the decorator that gives them to one.

A command asks for a group by a parameter of that type; on the command line it is its options.
"""

import inspect
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar, get_origin, get_type_hints

import typer

from codex_telemetry import log, privacy
from codex_telemetry.cli.labelled import label_as
from codex_telemetry.cli.period import SPANS, Zone, moment, span_start
from codex_telemetry.config import CONFIG, LOG_LEVELS, Paths, said_by
from codex_telemetry.config import log_level as level_of
from codex_telemetry.config import paths as all_paths
from codex_telemetry.core.labels import Labels
from codex_telemetry.errors import UsageError
from codex_telemetry.reports.elsewhere import Elsewhere
from codex_telemetry.settings import Loaded, Settings, load
from codex_telemetry.store.find import find_session
from codex_telemetry.store.queries import Filters, Store

ROLL_UP = typer.Option("--roll-up", help="add up with what subagents and reviewers did for it")

STATUSES = ("completed", "interrupted", "failed", "in_progress")

STORE = "CODEX_TELEMETRY_STORE"
LOCAL = "local"

C = TypeVar("C", bound=Callable[..., None])
Text = str | None


class Where(NamedTuple):
    """Which files."""

    db: Annotated[Text, typer.Option(metavar="PATH", help="the database")] = None
    config: Annotated[Text, typer.Option(metavar="PATH", help="the config file")] = None
    log_level: Annotated[
        Text, typer.Option(metavar="LEVEL", help=f"what is logged: {', '.join(LOG_LEVELS)}")
    ] = None

    def paths(self) -> Paths:
        """Where things are. From here on what is logged is logged."""
        found = all_paths(self.db, self.config)
        log.configure(level_of(self.log_level), found.log)
        return found

    def settings(self) -> Settings:
        """What the config file says, or the defaults. Raises `UsageError` for what is wrong in it."""
        return self.loaded().settings

    def loaded(self) -> Loaded:
        """The same, and which options the file sets."""
        named = said_by(self.config, CONFIG) != "default"
        return load(all_paths(self.db, self.config).config, required=named)

    def labels(self, *, redact: bool) -> Labels:
        """What names are shown as. Where the config can't be read, as little as it may ask for."""
        try:
            settings = self.settings()
        except UsageError:
            settings = privacy.STRICTEST
        return privacy.labels(settings, all_paths(self.db).database, redact=redact)


class Form(NamedTuple):
    """How data is printed: without any of these a table for people."""

    json: Annotated[bool, typer.Option("--json", help="JSON: one array, or one object")] = False
    ndjson: Annotated[bool, typer.Option("--ndjson", help="JSON: one object a line")] = False
    csv: Annotated[bool, typer.Option("--csv", help="a header and rows")] = False
    redact: Annotated[
        bool, typer.Option("--redact", help="labels for folders, branches, repositories, servers")
    ] = False

    def chosen(self) -> str | None:
        """json, ndjson or csv; None for a table."""
        given = [name for name in ("json", "ndjson", "csv") if getattr(self, name)]
        if len(given) > 1:
            raise UsageError(f"--{given[0]} and --{given[1]} exclude each other", hint="take one")
        return given[0] if given else None


class Whence(NamedTuple):
    """Whether a report is about this machine, or about all that send to one place."""

    store: Annotated[
        Text,
        typer.Option(metavar="URL", help="clickhouse://host/database: all who send there; local"),
    ] = None

    def said(self, where: Where) -> tuple[str, str] | None:
        """Who says it and what; None: the database here. An option comes first, then the environment."""
        if self.store is not None and self.store != LOCAL and where.db is not None:
            raise UsageError("--store and --db exclude each other", hint="take one")
        if self.store is not None or where.db is not None:
            told = ("--store", self.store or LOCAL)
        elif os.environ.get(STORE):
            told = (STORE, os.environ[STORE])
        else:
            told = ("store in the config file", where.settings().store or LOCAL)
        return None if told[1] == LOCAL else told


class Zoned(NamedTuple):
    """Where the clock on the wall is."""

    tz: Annotated[
        Text,
        typer.Option(metavar="ZONE", help="time zone of what is shown and of days: Europe/Berlin"),
    ] = None
    settings: Settings = Settings()

    def zone(self) -> Zone:
        """The one asked for, else the user's own, else this machine's."""
        return Zone(self.tz if self.tz is not None else self.settings.tz, self.settings.week_start)


class Narrow(NamedTuple):
    """What a list is narrowed to."""

    since: Annotated[
        Text, typer.Option(metavar="WHEN", help="from 2026-11-01, 2026-11-01T09:00Z, 7d or 24h ago")
    ] = None
    until: Annotated[
        Text, typer.Option(metavar="WHEN", help="up to then; a day is meant whole")
    ] = None
    today: Annotated[bool, typer.Option("--today", help="since midnight")] = False
    week: Annotated[
        bool, typer.Option("--week", help="since Monday, or Sunday where the config says so")
    ] = False
    month: Annotated[bool, typer.Option("--month", help="since the 1st")] = False
    year: Annotated[bool, typer.Option("--year", help="since January")] = False
    last: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="only the newest N that match")
    ] = None
    session: Annotated[
        Text, typer.Option(metavar="ID", help="one session: its id or the beginning of it")
    ] = None
    project: Annotated[
        Text, typer.Option(metavar="PATH", help="what ran in this folder or under it")
    ] = None
    model: Annotated[Text, typer.Option(metavar="NAME", help="one model")] = None
    status: Annotated[
        Text, typer.Option(metavar="STATUS", help=f"one of {', '.join(STATUSES)}")
    ] = None

    database: Path | None = None
    """Whose secret folders may have been hashed with."""

    def check(self, zone: Zone) -> Filters:
        """All of it but the session, which takes the store to be known.

        Raises `UsageError` for what can't be meant, before any file is opened.
        """
        spans = [f"--{name}" for name in SPANS if getattr(self, name)]
        bounds = [f"--{name}" for name in ("since", "until") if getattr(self, name) is not None]
        if len(spans) > 1 or (spans and bounds):
            both = (spans + bounds)[:2]
            raise UsageError(f"{both[0]} and {both[1]} exclude each other", hint="take one")
        one_of("--status", "status", self.status, STATUSES)
        since, until = self.bounds(zone, time.time_ns() // 1_000_000)
        return Filters(
            since=since,
            until=until,
            last=self.last,
            projects=_spellings(self.project, self.database),
            model=self.model,
            status=self.status,
        )

    def found(self, db: Store | Elsewhere, filters: Filters) -> Filters:
        """With the session; raises `UserError` where there is none such."""
        if self.session is None:
            return filters
        if isinstance(db, Elsewhere):
            return filters._replace(session_id=db.find_session(self.session))
        return filters._replace(session_id=find_session(db, self.session)["session_id"])

    def bounds(self, zone: Zone, now: int) -> tuple[int | None, int | None]:
        """From and to, in ms."""
        for span in SPANS:
            if getattr(self, span):
                return span_start(span, zone, now), None
        since = moment("--since", self.since, zone, now) if self.since is not None else None
        until = (
            moment("--until", self.until, zone, now, end=True) if self.until is not None else None
        )
        if since is not None and until is not None and since >= until:
            raise UsageError("--until is not after --since", hint="swap them")
        return since, until


def one_of(option: str, noun: str, given: str | None, known: Sequence[str]) -> None:
    """Raises `UsageError` for a word that isn't known."""
    if given is not None and given not in known:
        raise UsageError(f"{option}: there is no {noun} {given}", hint=f"one of {', '.join(known)}")


def _spellings(project: str | None, database: Path | None) -> tuple[str, ...]:
    """A folder as it is called and as it really is (Codex may have been started through a link), and
    as it is stored where names are hashed."""
    if project is None:
        return ()
    if not project or "\0" in project:
        raise UsageError("--project is not a folder", hint="name a folder, such as .")
    named = os.path.abspath(os.path.expanduser(project))  # noqa: PTH100, PTH111 - keeps links
    spelt = tuple(dict.fromkeys((named, os.path.realpath(named))))
    return spelt if database is None else privacy.spelt(spelt, database)


GROUPS = (Where, Whence, Form, Zoned, Narrow)


def options(command: C) -> C:
    """Give a command the options of the groups it asks for, each as an argument of its type."""
    asked = inspect.signature(command, eval_str=True).parameters.values()
    groups = {p.name: p.annotation for p in asked if p.annotation in GROUPS}
    own = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in asked if p.name not in groups]

    def with_groups(**given: Any) -> None:
        made = {
            name: group(**{field: given.pop(field) for field in hints[name]})
            for name, group in groups.items()
        }
        where = next((group for group in made.values() if isinstance(group, Where)), Where())
        for name, group in made.items():
            if isinstance(group, Zoned):
                made[name] = group._replace(settings=where.settings())
            elif isinstance(group, Narrow) and group.project is not None:
                made[name] = group._replace(database=all_paths(where.db).database)
        redact = any(group.redact for group in made.values() if isinstance(group, Form))
        label_as(lambda: where.labels(redact=redact))
        command(**given, **made)

    # What is annotated with no option comes from the config file.
    hints = {
        name: {
            field: hint
            for field, hint in get_type_hints(group, include_extras=True).items()
            if get_origin(hint) is Annotated
        }
        for name, group in groups.items()
    }
    shared = [
        inspect.Parameter(
            field,
            inspect.Parameter.KEYWORD_ONLY,
            default=group._field_defaults[field],
            annotation=hint,
        )
        for name, group in groups.items()
        for field, hint in hints[name].items()
    ]
    told: Any = with_groups
    told.__name__, told.__doc__ = command.__name__, command.__doc__
    told.__signature__ = inspect.Signature([*own, *shared])
    told.__annotations__ = {p.name: p.annotation for p in [*own, *shared]}
    typed: C = told
    return typed
