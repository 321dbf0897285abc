"""The shapes of what the commands about content print."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from codex_telemetry.reports.shapes import At, Count

ContentKind = Literal["prompt", "response", "reasoning", "tool_args", "tool_output", "title"]


class CaptureGrant(Struct):
    """What the user granted of one folder and what is under it, and what was kept by it."""

    grant_id: int
    project: str
    kinds: list[ContentKind]
    created_at: At | None
    expires_at: At | None
    ended_at: Annotated[At | None, Meta(description="taken back, or replaced by a later grant")]
    state: Literal["on", "expired", "off"]
    items: Count
    bytes: Annotated[Count, Meta(description="sealed, as they are stored")]
    key_in: Annotated[Literal["keyring", "file"], Meta(description="where the private key is")]


class CapturedItem(Struct):
    """What was kept of one item, opened."""

    turn_id: Annotated[str | None, Meta(description="null: the title of a session")]
    item_id: str
    kind: ContentKind
    at: At | None
    text: Annotated[str | None, Meta(description="null where the key doesn't open it")]
    cut_bytes: Count
    redactions: Count
