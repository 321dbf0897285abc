"""Labels for whoever asks the tables themselves: each that holds a name is hidden by a view of the same
name, in which labels stand in its place. What is stored for us alone is left out.
"""

import sqlite3

from codex_telemetry.core.labels import KINDS, Labels
from codex_telemetry.core.veil import STARTUP
from codex_telemetry.store.cursors import KEY_BETWEEN

_NAME = f"CASE WHEN kind IN ('command', '{STARTUP}') THEN label_of(kind, name) ELSE name END"
_SHOWN = {
    ("items", "name"): _NAME,
    ("events", "name"): _NAME,
    ("events", "event_key"): f"CASE WHEN kind = '{STARTUP}' THEN NULL ELSE event_key END",
    ("origins", "name"): "CASE WHEN kind = 'rollout' THEN label_of('origin', name) ELSE name END",
    ("rollout_files", "home"): "label('cwd', home)",
    ("rollout_files", "state"): "NULL",
    ("sorted_times", "key"): "NULL",
    ("told_sessions", "body"): "NULL",
    ("told_bodies", "body"): "NULL",
}
"""How columns are shown that aren't known by their name alone."""


def hide(db: sqlite3.Connection, labels: Labels) -> frozenset[str]:
    """Put views before the tables; which those are: nobody may look behind one."""

    def label_of(kind: str, name: str | None) -> str | None:
        if kind == "origin" and name is not None:
            home, between, file = name.partition(KEY_BETWEEN)
            return f"{labels.of('folder', home)}{between}{file}"
        return labels.shown("name", name, kind)

    db.execute("PRAGMA query_only=OFF")  # the file itself is open to be read only
    db.create_function("label", 2, labels.shown, deterministic=True)
    db.create_function("label_of", 2, label_of, deterministic=True)
    tables = [
        row[0] for row in db.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'")
    ]
    hidden = set()
    for table in tables:
        columns = [row[1] for row in db.execute(f"PRAGMA main.table_xinfo({table})")]
        shown = {
            column: sql for column in columns if (sql := shown_otherwise(table, column)) is not None
        }
        if shown:
            listed = ", ".join(f"{shown.get(column, column)} AS {column}" for column in columns)
            db.execute(f"CREATE TEMP VIEW {table} AS SELECT {listed} FROM main.{table}")
            hidden.add(table)
    db.execute("PRAGMA query_only=ON")
    return frozenset(hidden)


def shown_otherwise(table: str, column: str) -> str | None:
    """What stands in place of a column (SQL); None where it is shown as it is."""
    if column in KINDS:
        return f"label('{column}', {column})"
    return _SHOWN.get((table, column))
