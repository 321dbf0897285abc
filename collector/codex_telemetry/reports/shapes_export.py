"""The shapes of what is exported by day, and of what an export says that it did."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from codex_telemetry.reports.shapes import Count, Item, TokenResponse


class ExportedItem(Item):
    """An item, and whose it is."""

    session_id: str
    turn_id: str


class ExportedResponse(TokenResponse):
    """A response of the model, and whose it is."""

    session_id: str
    turn_id: str


class ExportedTable(Struct):
    """What was done to one table."""

    table: str
    days_written: Annotated[
        int, Meta(ge=0, description="whole days, in the place of what was there")
    ]
    days_removed: Annotated[int, Meta(ge=0, description="of which nothing is left")]
    days_waiting: Annotated[
        int, Meta(ge=0, description="that changed and are outside of --since and --until")
    ]
    rows: Annotated[int, Meta(ge=0, description="in the days written")]
    bytes: Count


class Exported(Struct):
    """What an export wrote."""

    out: str
    format: Literal["parquet", "csv", "jsonl"]
    tables: list[ExportedTable]


class ExportedTraces(Struct):
    """What `export otlp` sent."""

    target: Annotated[str, Meta(description="to where, without anything secret in it")]
    turns: Annotated[int, Meta(ge=0, description="taken, each a trace")]
    spans: Count
    rejected_turns: Annotated[int, Meta(ge=0, description="refused for good, wholly or in part")]
    rejected_spans: Count
    waiting_turns: Annotated[int, Meta(ge=0, description="that changed meanwhile")]
    bytes: Annotated[int, Meta(ge=0, description="of traces, before they were compressed")]
    wire_bytes: Annotated[
        Count | None, Meta(description="of traces, compressed; null over gRPC, where it isn't seen")
    ]
    seconds: Annotated[float, Meta(ge=0)]


class SentToClickHouse(Struct):
    """What a ClickHouse has taken."""

    target: Annotated[str, Meta(description="without user and password")]
    turns: Annotated[int, Meta(ge=0, description="new or changed; those sent again count again")]
    sessions: Count
    limits: Annotated[int, Meta(ge=0, description="readings")]
    removed: Annotated[int, Meta(ge=0, description="turns and sessions that aren't there any more")]
    seconds: Annotated[float, Meta(ge=0)]
