"""A small one of the databases that reports are measured on, with holes in what is known."""

import sqlite3
from contextlib import closing
from pathlib import Path

import big_database

HOLES = (
    "UPDATE turns SET started_at = NULL WHERE turn_key % 23 = 0",
    "UPDATE turns SET started_at = 1770000000000 WHERE turn_key % 5 = 0",
    "UPDATE items SET duration_ms = 3 WHERE status = 'declined'",
    "UPDATE turns SET duration_ms = NULL WHERE turn_key % 7 = 0",
    "UPDATE turns SET model = NULL WHERE turn_key % 11 = 0",
    "UPDATE sessions SET git_repo = NULL, cwd = NULL WHERE session_key % 13 = 0",
    "UPDATE sessions SET client_name = NULL WHERE session_key % 3 = 0",
    "UPDATE sessions SET originator = NULL WHERE session_key % 6 = 0",
    "UPDATE events SET at = NULL WHERE event_id % 9 = 0",
    "UPDATE events SET turn_id = NULL, event_key = event_id WHERE event_id % 10 = 0",
)


def write(path: Path, turns: int) -> Path:
    big_database.write(path, turns)
    with closing(sqlite3.connect(path)) as db:
        for hole in HOLES:
            db.execute(hole)
        db.commit()
    return path
