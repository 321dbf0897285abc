"""Whether it is the stream of an app-server that is heard, and who reads it."""

import msgspec

from codex_telemetry.core.identity import LaunchId
from codex_telemetry.formats.app_server.reader import AppServer
from codex_telemetry.formats.app_server.values import version
from codex_telemetry.formats.app_server.wire import UNREADABLE, Envelope, Initialized, given
from codex_telemetry.formats.base import Direction

_envelope = msgspec.json.Decoder(Envelope)
_initialized = msgspec.json.Decoder(Initialized)
_KNOWN = frozenset(name for name in AppServer(LaunchId("")).messages if "/" in name)


def recognises(line: bytes, sent_by: Direction) -> bool:
    """Whether Codex says something of this protocol: a message that we know, or who it is, in answer
    to `initialize`. What the client says is no sign: to another program it may be a prompt."""
    if sent_by == "client" or not line.lstrip().startswith(b"{"):
        return False
    try:
        message = _envelope.decode(line)
        if message.method is not None:
            return message.method in _KNOWN or message.method.startswith("codex/event/")
        return given(message.result) and _is_codex(_initialized.decode(message.result))
    except UNREADABLE:
        return False


def _is_codex(told: Initialized) -> bool:
    if version(told.userAgent) is not None:
        return True
    # `codex mcp serve` spoke the protocol (0.42); `codex mcp-server` answers alike, and doesn't (0.63).
    served = version(told.serverInfo.user_agent) if told.serverInfo is not None else None
    return served is not None and served.startswith("0.4")


def reader(launch: LaunchId, *, content: bool = False, new_thread: bool = False) -> AppServer:  # noqa: ARG001 - it says so itself
    return AppServer(launch, content=content)
