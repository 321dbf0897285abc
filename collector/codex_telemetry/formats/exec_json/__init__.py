"""What `codex exec --json` says: events of one thread, one a line, without times or turn ids."""

import msgspec

from codex_telemetry.core.identity import LaunchId
from codex_telemetry.formats.app_server.wire import UNREADABLE
from codex_telemetry.formats.base import Direction
from codex_telemetry.formats.exec_json.reader import Exec
from codex_telemetry.formats.exec_json.wire import OPENS, Event

_event = msgspec.json.Decoder(Event)


def recognises(line: bytes, sent_by: Direction) -> bool:
    """Whether a line begins such a stream. What a client sends is the prompt."""
    if sent_by == "client" or not line.lstrip().startswith(b"{"):
        return False
    try:
        return _event.decode(line).type in OPENS
    except UNREADABLE:
        return False


def reader(launch: LaunchId, *, content: bool = False) -> Exec:
    """Content on this stream is left to the thread's log: no event says in which folder it runs."""
    return Exec(launch)


__all__ = ["Exec", "reader", "recognises"]
