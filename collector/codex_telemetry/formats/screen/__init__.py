"""What Codex shows on a terminal: its status panel and its last line, and nothing else of it."""

from codex_telemetry.formats.screen.reader import Screen

__all__ = ["Screen"]
