"""The one SQLite file: only this package opens it."""
