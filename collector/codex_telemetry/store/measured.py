"""What turns took, read by columns: of half a million turns, rows would take a second to hand over."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from codex_telemetry.store.projects import OF_SESSIONS, REPOSITORIES
from codex_telemetry.store.queries import Filters, Store, Where
from codex_telemetry.store.sorted_times import Sorted, told_by
from codex_telemetry.store.turn_words import EFFORT, STATUS

Measure = Literal["duration", "ttft", "tools", "approval"]
By = Literal["model", "effort", "project", "day", "version", "client", "status"]

MEASURES: tuple[Measure, ...] = get_args(Measure)
BYS: tuple[By, ...] = get_args(By)

_COLUMNS = {
    "model": ["model"],
    "effort": [EFFORT],
    "project": ["session_key", "cwd"],
    "day": ["started_at"],
    "version": ["cli_version"],
    "client": ["session_key"],
    "status": [STATUS],
}

_numbers = msgspec.json.Decoder(list[int | None]).decode
_words = msgspec.json.Decoder(list[Any]).decode


class Measured(NamedTuple):
    """Turns by columns: the n-th of each belongs to the n-th turn."""

    keys: Sequence[Any] | None
    """What they are told apart by: a word, or when it started (ms UTC); None if by nothing."""
    times: Mapping[Measure, Sequence[int | None]]
    """ms"""


def sorted_turns(db: Store, filters: Filters, by: By | None) -> list[tuple[Any, Sorted]] | None:
    """By key: the turns that match and lie sorted. A day's key is its first moment and its last.
    None where they are sorted by what isn't true any more."""
    told = told_by(db, by or "status", filters, MEASURES)
    if by == "day":
        return [(its.key, its) for its in told]
    if by != "project":
        return [(its.key[0], its) for its in told]
    folders = dict(db.execute(REPOSITORIES).fetchall())
    named = [(folders.get(*its.key), its) for its in told]
    is_known = all(len(its.key) > 1 or its.key[0] in folders for _, its in named)
    return named if is_known else None


def measured(db: Store, turns: Where, by: By | None) -> Measured:
    """The turns in what is to be selected from, in any order."""
    columns = [f"{measure}_ms" for measure in MEASURES] + (_COLUMNS[by] if by else [])
    asked = ", ".join(f"json_group_array({column})" for column in columns)
    told = db.execute(f"SELECT {asked} FROM {turns.sql}", turns.values).fetchone()
    times = {measure: _numbers(told[n]) for n, measure in enumerate(MEASURES)}
    if by is None:
        return Measured(None, times)
    first, *more = [_words(column) for column in told[len(MEASURES) :]]
    if by == "client":
        clients = dict(zip(*_of_sessions(db, _CLIENTS, first), strict=True))
        first = list(map(clients.__getitem__, first))
    elif by == "project":
        first = _projects(db, first, *more)
    return Measured(first, times)


_CLIENTS = """
SELECT json_group_array(session_key), json_group_array(coalesce(client_name, originator))
FROM sessions WHERE session_key IN (SELECT value FROM json_each(?))
"""
_PROJECTS = f"""
SELECT json_group_array(session_key), json_group_array(project), json_group_array(of_repository)
FROM ({OF_SESSIONS}) WHERE session_key IN (SELECT value FROM json_each(?))
"""


def _of_sessions(db: Store, sql: str, sessions: Iterable[int]) -> list[list[Any]]:
    listed = msgspec.json.encode(set(sessions)).decode()
    return [_words(column) for column in db.execute(sql, (listed,)).fetchone()]


def _projects(
    db: Store, sessions: Sequence[int], folders: Iterable[str | None]
) -> list[str | None]:
    repositories: dict[int, str | None] = {}
    homes: dict[int, str | None] = {}
    for session, project, of_repository in zip(*_of_sessions(db, _PROJECTS, sessions), strict=True):
        (repositories if of_repository else homes)[session] = project
    return [
        repositories[session] if session in repositories else folder or homes[session]
        for session, folder in zip(sessions, folders, strict=True)
    ]
