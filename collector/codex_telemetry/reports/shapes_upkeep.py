"""The shapes of what looks after the database: where things are, what applies, whether all is well."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from codex_telemetry.reports.shapes import At, Count, Source
from codex_telemetry.reports.shapes_privacy import SecretUse
from codex_telemetry.sections import OwnPrice


class PathInfo(Struct):
    """Where things are."""

    database: str
    config: str
    log: str
    spool: Annotated[list[str], Meta(description="folders, tried in this order")]


class Setting(Struct):
    """One option, what it is set to, and by what."""

    option: str
    value: Annotated[
        str | bool | list[OwnPrice] | dict[str, str | bool | int | list[str] | None] | None,
        Meta(description="of a section its options; of `headers` their names alone"),
    ]
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


class SinkState(Struct):
    """How far another system is that is sent what is stored."""

    sink: str
    target: str
    sent_at: Annotated[At | None, Meta(description="when something was last taken there")]
    behind_turns: Annotated[int, Meta(ge=0, description="that changed since, and weren't sent")]
    sent: Annotated[int, Meta(ge=0, description="turns; those sent again are counted again")]
    rejected: Annotated[int, Meta(ge=0, description="turns that were refused for good")]
    error: Annotated[str | None, Meta(description="why it doesn't get on now")]
    error_at: Annotated[At | None, Meta(description="since when")]


class Doctor(Struct):
    """Whether all is well."""

    checks: list[Check]
    drift: list[DriftCount]
    gaps: list[GapSeen]
    sinks: list[SinkState]


class Pruned(Struct):
    """What goes with all that ended before a moment: at the end of a dry run still there."""

    dry_run: bool
    before_at: Annotated[At | None, Meta(description="null: nothing goes")]
    sessions: Count
    turns: Count
    items: Count
    responses: Count
    events: Count
    limits: Annotated[int, Meta(ge=0, description="readings of rate-limit windows that are over")]
    content: Annotated[int, Meta(ge=0, description="sealed pieces")]
    bytes: Annotated[int, Meta(ge=0, description="what they take in the database, nearly")]
    used_bytes: Annotated[int, Meta(ge=0, description="of the database, without free pages")]
    file_bytes: Annotated[int, Meta(ge=0, description="of the database, with free pages")]


class Vacuumed(Struct):
    """How large the database's file was and is, with its journal."""

    before_bytes: Count
    after_bytes: Count
    clean: Annotated[bool, Meta(description="false: another process still reads what was before")]


class BackedUp(Struct):
    """A copy that was made and found to be whole."""

    file: str
    bytes: Count
    sessions: Count
    turns: Count
    content: Annotated[int, Meta(ge=0, description="sealed pieces; their keys aren't in it")]


class Restored(Struct):
    """What a restored database holds."""

    kept: Annotated[str | None, Meta(description="where what was there before is now")]
    sessions: Count
    turns: Count
    content: Count
    content_left_out: Annotated[
        int, Meta(ge=0, description="of a grant that was erased since, or that isn't known here")
    ]


class Merged(Struct):
    """What a database holds with another in it."""

    sessions: Count
    sessions_added: Count
    turns: Count
    turns_added: Count
    secrets: Annotated[
        list[SecretUse],
        Meta(description="those with which names in it were hashed: hashes of two never match"),
    ]
