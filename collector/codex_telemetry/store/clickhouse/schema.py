"""The tables there: made where they aren't, brought up to date, and refused where they are newer."""

import re
from functools import cache
from typing import Final

from codex_telemetry.errors import NewerDatabaseError, UserError
from codex_telemetry.store.clickhouse.connection import Column, Connection, FailedError
from codex_telemetry.store.db import schema_folder

_ENGINE: Final = "/* ENGINE */"
_CLUSTER: Final = "/* CLUSTER */"
_COLUMN: Final = re.compile(r"    `?([\w.]+)`? (.+?)(?: DEFAULT \S+)? COMMENT '")


@cache
def files() -> tuple[str, ...]:
    """The SQL of each version, in order."""
    folder = schema_folder() / "clickhouse"
    return tuple(
        path.read_text() for path in sorted(folder.iterdir()) if path.name.endswith(".sql")
    )


@cache
def columns(table: str) -> tuple[Column, ...]:
    """Of a table of this version, in order."""
    found = []
    for line in "".join(files()).partition(f"CREATE TABLE IF NOT EXISTS {table} ")[2].splitlines():
        if line.startswith(")"):
            break
        if told := _COLUMN.match(line):
            found.append(Column(told[1], told[2]))
    return tuple(found)


def statements(sql: str, cluster: str | None) -> list[str]:
    """`cluster`: where each is carried out on all of its servers, and tables are replicated."""
    on = "" if cluster is None else f"ON CLUSTER {_quoted(cluster)}"
    told = sql.replace(_ENGINE, "" if cluster is None else "Replicated").replace(_CLUSTER, on)
    return [each.strip() for each in told.split(";\n") if each.strip()]


def migrate(there: Connection, cluster: str | None = None) -> None:
    """Bring it up to date. Raises `NewerDatabaseError`, `FailedError`.

    All machines may try at once: each statement does nothing where it was done.
    """
    database = there.address.database
    if not _count(there, "system.databases WHERE name = {name:String}", database):
        there.use(None)
        on = "" if cluster is None else f" ON CLUSTER {_quoted(cluster)}"
        there.command(f"CREATE DATABASE IF NOT EXISTS {_quoted(database)}{on}")
        there.use(database)
    found = version(there)
    for number, sql in enumerate(files()[found:], start=found + 1):
        for statement in statements(sql, cluster):
            there.command(statement)
        there.command("INSERT INTO schema_versions (version) VALUES ({n:UInt16})", {"n": number})


def check(there: Connection) -> None:
    """Raises `UserError` where there is nothing to be read, `NewerDatabaseError`, `FailedError`."""
    found = version(there)
    if found < len(files()):
        raise UserError(
            f"nothing was sent to {there.address.shown} yet"
            if found == 0
            else f"{there.address.shown} is of an older version (schema {found})",
            hint="codex-telemetry export clickhouse makes its tables, and brings them up to date",
        )


def version(there: Connection) -> int:
    """0 where there are no tables yet. Raises `NewerDatabaseError`, `FailedError`."""
    where = "system.tables WHERE name = 'schema_versions' AND database = {name:String}"
    if not _count(there, where, there.address.database):
        return 0
    found = int(there.command("SELECT max(version) FROM schema_versions"))
    if found > len(files()):
        raise NewerDatabaseError(
            f"{there.address.shown} was made by a newer version "
            f"(schema {found}, this knows {len(files())})",
            hint="upgrade codex-telemetry",
        )
    return found


def _count(there: Connection, where: str, name: str) -> int:
    there.use(None)
    try:
        return int(there.command(f"SELECT count() FROM {where}", {"name": name}))
    finally:
        there.use(there.address.database)


def _quoted(name: str) -> str:
    if "`" in name or "\\" in name:
        raise FailedError("its database has a name that can't be")
    return f"`{name}`"
