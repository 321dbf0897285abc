"""The dashboard: what the reports say, as pages on this machine. `serve` starts it."""
