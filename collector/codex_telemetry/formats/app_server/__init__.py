"""The two-way stream of `codex app-server` (and, up to 0.58, `codex mcp serve`)."""

from codex_telemetry.formats.app_server.reader import AppServer

__all__ = ["AppServer"]
