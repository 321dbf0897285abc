"""What an earlier version of us stored isn't compressed, and is gone on from all the same."""

import sqlite3
from contextlib import closing
from pathlib import Path

from backfill.codex_home import first_turns, fresh, only, rows, take_in
from codex_telemetry.store.bodies import packed, unpacked
from saved import query

BODIES = (("told_turns", "body"), ("told_sessions", "body"), ("rollout_files", "state"))


def test_reading_goes_on_from_what_an_earlier_version_stored(
    home: Path, database: Path, tmp_path: Path
) -> None:
    whole = only(home).read_bytes()
    only(home).write_bytes(first_turns(only(home)))
    take_in(database, home)
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.create_function("unpacked", 1, unpacked)
        for table, column in BODIES:
            db.execute(f"UPDATE {table} SET {column} = unpacked({column})")
    assert query(database, "SELECT DISTINCT hex(substr(body, 1, 1)) FROM told_turns") == [("DC",)]
    only(home).write_bytes(whole)
    tally = take_in(database, home)
    assert 0 < tally.lines < whole.count(b"\n")  # it was gone on from, not begun anew
    assert rows(database) == fresh(home, tmp_path)


def test_what_is_told_takes_less_room_than_as_msgpack(database: Path, home: Path) -> None:
    take_in(database, home)
    bodies = [row[0] for row in query(database, "SELECT body FROM told_turns")]
    assert sum(map(len, bodies)) < 0.7 * sum(len(unpacked(body)) for body in bodies)
    assert unpacked(packed(["a"])) == b"\x91\xa1a"
