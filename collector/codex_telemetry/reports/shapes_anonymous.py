"""The shape of `export --anonymous`: what a bug report needs, and nothing that says whose it is."""

from typing import Annotated

from msgspec import Meta, Struct

from codex_telemetry.reports.shapes import Count, Ms, Source

Hashed = Annotated[str, Meta(pattern="^[0-9a-f]{12}$", description="by a secret nobody keeps")]
Since = Annotated[int, Meta(description="milliseconds since the earliest moment in here")]


class AnonymousDrift(Struct):
    """A name of Codex's protocol that this version doesn't know."""

    source: Source
    codex_version: str | None
    name: str
    reason: str
    n: Count


class AnonymousGap(Struct):
    session: Hashed | None
    at_ms: Since | None
    dropped_bytes: Count | None
    reason: str


class AnonymousSession(Struct):
    session: Hashed
    root: Hashed | None
    parent: Hashed | None
    forked_from: Hashed | None
    relation: str | None
    cli_version: str | None
    created_ms: Since | None
    last_ms: Since | None
    turns: Count
    sources: list[str]


class AnonymousItem(Struct):
    item: Hashed
    kind: str
    name: Hashed | None
    server: Hashed | None
    status: str
    started_ms: Since | None
    ended_ms: Since | None
    duration_ms: Ms | None
    approval_ms: Ms | None


class AnonymousTurn(Struct):
    turn: Hashed
    session: Hashed
    turn_index: Count
    status: str
    error_kind: str | None
    model: Hashed | None
    cli_version: str | None
    sources: list[str]
    parts_source: str | None
    duration_clock: str | None
    started_ms: Since | None
    ended_ms: Since | None
    captured_ms: Since | None
    times: Annotated[
        dict[str, int | None], Meta(description="durations in milliseconds, by the turn's column")
    ]
    counts: Annotated[
        dict[str, int | None], Meta(description="numbers of things and of tokens, by the column")
    ]
    items: list[AnonymousItem]


class Anonymous(Struct):
    """A database without anything that says whose it is."""

    holds: Annotated[list[str], Meta(description="what is in here, for who is to send it")]
    program_version: str
    schema_version: Count
    python: str
    sqlite: str
    system: str
    rows: Annotated[dict[str, int], Meta(description="how many, by table")]
    bytes: Annotated[int, Meta(ge=0, description="of the database")]
    drift: list[AnonymousDrift]
    gaps: list[AnonymousGap]
    sessions: list[AnonymousSession]
    turns: Annotated[list[AnonymousTurn], Meta(description="the latest, in order of start")]
