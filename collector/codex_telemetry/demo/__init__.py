"""The demo: a real Codex (or a recording of one) and a stub of the model API, in a temporary home."""
