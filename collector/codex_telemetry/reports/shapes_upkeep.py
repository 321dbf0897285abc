"""The shapes of what looks after the database: where things are, what applies, whether all is well."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from codex_telemetry.reports.shapes import At, Count, Source
from codex_telemetry.settings import OwnPrice


class PathInfo(Struct):
    """Where things are."""

    database: str
    config: str
    log: str
    spool: Annotated[list[str], Meta(description="folders, tried in this order")]


class Setting(Struct):
    """One option, what it is set to, and by what."""

    option: str
    value: str | bool | list[OwnPrice] | None
    source: Annotated[
        Literal["default", "file", "environment", "option"],
        Meta(description="`option`: of the command line"),
    ]
    meaning: str


class BackfillSummary(Struct):
    """What a `backfill` read and found."""

    files: Count
    files_read: Count
    bytes_read: Count
    lines: Count
    sessions: Count
    turns: Count
    responses: Count
    drift: Count
    skipped_lines: Count
    seconds: Annotated[float, Meta(ge=0)]


class Check(Struct):
    """One thing that `doctor` looked at."""

    name: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    hint: str | None


class DriftCount(Struct):
    """Something Codex said that this version doesn't know. Names, never values."""

    source: Source
    codex_version: str | None
    name: str
    reason: str
    n: Count
    first_seen: At | None
    last_seen: At | None


class GapSeen(Struct):
    """Traffic that passed and wasn't heard, or was heard and couldn't be kept."""

    session_id: str | None
    at: At | None
    dropped_bytes: Count | None
    reason: str


class Doctor(Struct):
    """Whether all is well."""

    checks: list[Check]
    drift: list[DriftCount]
    gaps: list[GapSeen]
