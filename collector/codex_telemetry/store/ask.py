"""Answer any question in SQL, and change nothing: the file is opened to be read, an authorizer lets only
reading through, and a question that takes too long is stopped.
"""

import contextlib
import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from codex_telemetry.core.labels import PLAIN, Labels
from codex_telemetry.errors import UsageError, UserError
from codex_telemetry.store import ours
from codex_telemetry.store.queries import Store, reading
from codex_telemetry.store.redacted import hide

STEPS = 10_000
"""Of SQLite's machine, between two looks at the clock."""

LONGEST_VALUE = 64 << 20
"""Bytes of a value that a question may make: one function can fill the memory without a step."""

_READS = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
_NO_QUESTIONS = ("load_extension", "fts3_tokenizer")
_LOOKS = {
    "table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo",
    "foreign_key_list", "user_version", "application_id", "page_count", "page_size",
    "compile_options", "function_list", "collation_list",
}  # fmt: skip
# Tables that SQLite makes up when they are first asked for, which looks to an authorizer like a change.
_TABLES = ("json_each", "json_tree", "pragma_table_info", "pragma_table_list", "pragma_index_list")
_CHANGES_IF_GIVEN_A_VALUE = {"user_version", "application_id", "page_size"}

_EXPLAINS = re.compile(r"(\s|--[^\n]*\n|/\*.*?\*/)*explain\b", re.IGNORECASE | re.DOTALL)

Value = str | int | float | bytes | None


class Answer(NamedTuple):
    names: list[str]
    """Of the columns, each another."""
    rows: Iterator[Sequence[Value]]


@contextlib.contextmanager
def answer(path: Path, question: str, seconds: float, labels: Labels = PLAIN) -> Iterator[Answer]:
    """What the database says to one statement, with names shown as `labels` say. Raises `UsageError` for what is no such statement,
    `UserError` where it fails while it runs or takes longer than that: also as the rows are read.
    """
    with reading(path) as db:
        _restrict(db, seconds, labels)
        _compile(db, question, _REFUSED if labels.hashes is None else _BEHIND)
        try:
            cursor = db.execute(question)
            names = _distinct([column[0] for column in cursor.description or ()])
            yield Answer(names, (tuple(row) for row in cursor))
        except sqlite3.Error as error:
            raise _failed(error, seconds) from None


def _restrict(db: Store, seconds: float, labels: Labels) -> None:
    # What isn't UTF-8 would be an error that quotes it.
    db.text_factory = lambda raw: raw.decode("utf-8", "replace")
    for name in _TABLES:
        db.execute(f"SELECT 1 FROM {name} LIMIT 0")
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
    hidden = hide(db, labels) if labels.hashes is not None else frozenset[str]()
    db.set_authorizer(partial(_authorize, hidden))
    deadline = time.monotonic() + seconds
    db.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)


def _authorize(
    hidden: frozenset[str],
    action: int,
    one: str | None,
    two: str | None,
    schema: str | None,
    by: str | None,
) -> int:
    allowed = action in _READS
    if action == sqlite3.SQLITE_READ and schema == "main" and one in hidden and two:
        allowed = by == one  # by the view before it
    if action == sqlite3.SQLITE_FUNCTION:
        allowed = two not in _NO_QUESTIONS
    elif action == sqlite3.SQLITE_PRAGMA:
        allowed = one in _LOOKS and not (two and one in _CHANGES_IF_GIVEN_A_VALUE)
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _compile(db: Store, question: str, refused: UsageError) -> None:
    """Refuse what can't be run. Before it runs, what SQLite says can only be about what was typed."""
    if not question.strip():
        raise UsageError("sql: there is no statement", hint='codex-telemetry sql "SELECT 1"')
    try:
        # To explain it compiles it, and runs none of it.
        explained = question if _EXPLAINS.match(question) else f"EXPLAIN {question}"
        db.execute(explained).fetchone()
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        said = str(error).rstrip(".")
        if _is_refused(error):
            raise (refused if "prohibited" in said else _REFUSED) from None
        if "one statement" in said:
            raise UsageError("sql: these are several statements", hint="ask one") from None
        raise UsageError(
            f"sql: {said}", hint="codex-telemetry sql --schema lists tables and columns"
        ) from None


def _failed(error: sqlite3.Error, seconds: float) -> UserError:
    if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
        return UserError(
            f"sql: it took longer than {seconds:g} s", hint="--timeout S gives it more"
        )
    if _is_refused(error):
        return _REFUSED
    return UserError(
        f"sql: it failed while it ran: {ours.unquoted(error)}",
        hint="codex-telemetry doctor says more",
    )


_REFUSED = UsageError("sql: this would do more than read", hint="ask with a SELECT")
_BEHIND = UsageError(
    "sql: names are shown as labels, and this would look behind them",
    hint="name tables without main.",
)


def _is_refused(error: Exception) -> bool:
    """Whether the authorizer has said no, or the file that is open to be read only."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_READONLY,
    ) or "not authorized" in str(error)


def _distinct(names: list[str]) -> list[str]:
    """`a`, `a:1`, `a:2`: a row is an object, whose names differ."""
    found: dict[str, None] = {}
    for name in names:
        other, n = name, 0
        while other in found:
            n += 1
            other = f"{name}:{n}"
        found[other] = None
    return list(found)
