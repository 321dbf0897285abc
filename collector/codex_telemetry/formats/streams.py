"""The streams we know, and which of them a line belongs to."""

from codex_telemetry.core.identity import LaunchId
from codex_telemetry.formats import exec_json
from codex_telemetry.formats.app_server import stream as app_server
from codex_telemetry.formats.base import Direction, StreamFormat, StreamReader

STREAMS: tuple[StreamFormat, ...] = (app_server, *exec_json.STREAMS)
"""The streams we know."""


def recognise(
    line: bytes,
    sent_by: Direction,
    launch: LaunchId,
    *,
    content: bool = False,
    new_thread: bool = False,
) -> StreamReader | None:
    """The reader for the stream that a line belongs to; None while it could be anything.

    `content`: some content may be granted, so that it has to look at it. `new_thread`: the command
    can't go on with a thread of before."""
    for stream in STREAMS:
        if stream.recognises(line, sent_by):
            return stream.reader(launch, content=content, new_thread=new_thread)
    return None
