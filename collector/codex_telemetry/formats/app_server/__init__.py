"""The two-way stream of `codex app-server` (and, up to 0.58, `codex mcp serve`)."""

import msgspec

from codex_telemetry.core.identity import LaunchId
from codex_telemetry.formats.app_server.reader import AppServer
from codex_telemetry.formats.app_server.wire import UNREADABLE, Envelope

_envelope = msgspec.json.Decoder(Envelope)


def recognises(line: bytes) -> bool:
    """Whether a line is a message of this protocol: an object that names a method."""
    if not line.lstrip().startswith(b"{"):
        return False
    try:
        return _envelope.decode(line).method is not None
    except UNREADABLE:
        return False


def reader(launch: LaunchId, *, content: bool = False) -> AppServer:
    return AppServer(launch, content=content)


__all__ = ["AppServer", "reader", "recognises"]
