"""This machine: finding Codex on it."""
