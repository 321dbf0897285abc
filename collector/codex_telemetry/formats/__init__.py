"""What Codex says, turned into facts. Pure: bytes in, facts out; nothing raises on any input."""
