"""`codex-telemetry top`: what goes on, live in the terminal."""
