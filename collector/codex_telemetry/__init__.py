"""codex-telemetry: where the time and the tokens of a Codex turn went."""

__version__ = "0.1.0"
