-- How long MCP servers that were starting held a turn up: a part of its start delay.

ALTER TABLE turns ADD COLUMN mcp_startup_ms INTEGER;
