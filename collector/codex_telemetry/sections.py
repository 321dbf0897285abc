"""The tables of `config.toml`: what each may hold, and what holds where nothing is said."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

Usd = Annotated[float, Meta(ge=0, le=1_000_000, description="US dollars per million tokens")]
Name = Annotated[str, Meta(min_length=1, max_length=200, description="a name")]
Day = Annotated[date, Meta(description="a day such as 2026-11-01")]
Switch = Annotated[bool, Meta(description="true or false")]
Tokens = Annotated[int, Meta(ge=0, description="a number of tokens")]


class OwnPrice(Struct, forbid_unknown_fields=True, frozen=True):
    """What the user says a model costs: it comes before what the package says."""

    model: Annotated[Name, Meta(description="the model's name, as Codex says it")]
    input: Usd
    output: Usd
    cached_input: Usd | None = None
    """None: as `input`."""
    cache_write: Usd | None = None
    """None: as `input`."""
    tier: Annotated[Name, Meta(description="a service tier, such as default or priority")] = (
        "default"
    )
    since: Day | None = None
    until: Day | None = None
    """That day is no longer meant. Days are those of UTC."""
    above_input_tokens: Tokens = 0
    """For responses to more input than that."""


SIZES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
SHORTEST = 8
"""Days of which details are always kept by themselves: limits have windows of a week."""


class Retention(Struct, forbid_unknown_fields=True, frozen=True):
    """How long details are kept: nothing of it is set, so for ever."""

    days: (
        Annotated[
            int, Meta(ge=SHORTEST, le=100_000, description=f"a number of days, {SHORTEST} or more")
        ]
        | None
    ) = None
    size: (
        Annotated[
            str,
            Meta(pattern=r"^\d{1,6} ?(KB|MB|GB|TB)$", description='a size such as "2GB"'),
        ]
        | None
    ) = None
    """Of the database, without its free pages."""


Folders = Annotated[tuple[Name, ...], Meta(description='a list of folders, such as ["~/src"]')]


class Otlp(Struct, forbid_unknown_fields=True, frozen=True):
    """What is sent by OpenTelemetry's protocol; where the standard variables say otherwise, they hold."""

    enabled: Switch = False
    """By the watch in the background; who types `export otlp` needs nothing of this."""
    endpoint: (
        Annotated[str, Meta(min_length=1, description='an address such as "http://localhost:4318"')]
        | None
    ) = None
    protocol: Annotated[
        Literal["http/protobuf", "grpc"], Meta(description='"http/protobuf" or "grpc"')
    ] = "http/protobuf"
    headers: Annotated[
        dict[str, str], Meta(description='a table of texts, such as { authorization = "…" }')
    ] = {}
    projects: Folders = ()
    """Only what ran in these or under them; none named: all."""
    except_projects: Folders = ()
    names: Annotated[
        Literal["labels", "shown", "none"], Meta(description='"labels", "shown" or "none"')
    ] = "labels"
    """How folders and MCP servers are told."""
    metrics: Switch = True
    content: Switch = False
    """One of two locks: the other is `export otlp --content`."""
    settle_seconds: Annotated[
        int, Meta(ge=0, le=86_400, description="a number of seconds, at most a day")
    ] = 30
    """So long after its last change a turn is sent."""


class ClickHouse(Struct, forbid_unknown_fields=True, frozen=True):
    """Where a team has the data of all its machines; without `url` nothing is sent."""

    url: (
        Annotated[
            str,
            Meta(
                min_length=1,
                description='an address such as "clickhouse://user:password@host:8123/database"',
            ),
        ]
        | None
    ) = None
    """The watch in the background sends there."""
    machine: Name | None = None
    """What this machine is called there; None: a keyed hash of its name."""
    user: Name | None = None
    """What its user is called there; None: a keyed hash of the login."""
    names: Annotated[Literal["hashed", "stored"], Meta(description='"hashed" or "stored"')] = (
        "hashed"
    )
    """How folders, branches, repositories, MCP servers and commands go."""
    cluster: Name | None = None
    """Tables are made on all servers of that cluster, replicated."""
    every_seconds: Annotated[
        int, Meta(ge=1, le=86_400, description="a number of seconds, at most a day")
    ] = 15
    """How often the watch looks for what is new."""
