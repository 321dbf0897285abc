"""Look into the store as a user's script would: standard sqlite3, read-only."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE_S = 20.0
"""Against hanging; what is waited for takes well under a second."""


def rows(database: Path, query: str, *values: object) -> list[dict[str, Any]]:
    """[] while there is no database yet."""
    if not database.exists():
        return []
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in db.execute(query, values)]
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise


def until(condition: Callable[[], T], patience: float = PATIENCE_S) -> T:
    """Wait for something to be so, and give it back."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)
    return found


def ended_collectors(home: Path) -> int:
    """How many collectors have come to their end, by the log of a `run --log-level debug`."""
    log = home / "telemetry.log"
    return log.read_text().count("collector stopped") if log.exists() else 0
