"""The shape of `snapshots --json`."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from codex_telemetry.reports.shapes import At, Tokens

Uncached = Annotated[
    Tokens, Meta(description="without what was cached; of a panel rounded to three digits")
]
Rounded = Annotated[Tokens, Meta(description="of a panel rounded to three digits")]
Left = Annotated[int, Meta(ge=0, le=100, description="percent that is left")]
Minute = Annotated[At, Meta(description="to the minute; null if it wasn't shown whole")]


class Snapshot(Struct):
    """What a status panel said, or the line that Codex left with. What it didn't say is null."""

    at: At | None
    kind: Annotated[
        Literal["panel", "exit"], Meta(description="of /status, or the last line of a session")
    ]
    session_id: str | None
    model: Annotated[str, Meta(description="as it is called there")] | None
    cwd: Annotated[str, Meta(description="null where it was too long to be shown whole")] | None
    total_tokens: Uncached | None
    input_tokens: Uncached | None
    cached_input_tokens: Annotated[Tokens, Meta(description="beside the input")] | None
    output_tokens: Rounded | None
    reasoning_output_tokens: Annotated[Tokens, Meta(description="a part of the output")] | None
    context_used: Rounded | None
    context_total: Rounded | None
    five_hour_left_percent: Left | None
    five_hour_resets_at: Minute | None
    weekly_left_percent: Left | None
    weekly_resets_at: Minute | None
