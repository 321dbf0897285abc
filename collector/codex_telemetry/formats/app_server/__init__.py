"""The two-way stream of `codex app-server` (and, up to 0.58, `codex mcp serve`)."""
