"""What is sent to a ClickHouse: rows by columns, of which names go as the team wants them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from codex_telemetry.core.veil import STARTUP, Hashes
from codex_telemetry.store.clickhouse.connection import Column
from codex_telemetry.store.clickhouse.schema import columns
from codex_telemetry.store.queries import Row
from codex_telemetry.store.to_send import Bundle, Gone

LAST_DAY: Final = 0xFFFF
"""The last that a `Date` holds, in 2149: what claims to be later has no day, as what is before 1970."""

_1970: Final = date(1970, 1, 1)
_EMPTY: Final = {"LowCardinality(String)": "", "String": "", "Int64": 0, "UInt8": 0}

Values = list[list[Any]]


class Sender(NamedTuple):
    """Whose rows they are."""

    machine: str
    user: str
    hashes: Hashes | None
    """None: names go as they are stored."""

    @property
    def look(self) -> str:
        """What makes every row another one."""
        names = "stored" if self.hashes is None else self.hashes.name("the look of names")
        return f"{self.machine}\n{self.user}\n{names}"

    def name(self, name: str | None) -> str | None:
        return name if self.hashes is None or name is None else self.hashes.name(name)

    def folder(self, folder: str | None) -> str | None:
        return folder if self.hashes is None or folder is None else self.hashes.folder(folder)

    def repository(self, repository: str | None) -> str | None:
        # What isn't an address is a hash already.
        is_address = repository is not None and "/" in repository
        return self.name(repository) if is_address else repository


class Mark(NamedTuple):
    """What every row of one batch has."""

    database: str
    version: int


def turns(bundle: Bundle, sender: Sender, mark: Mark) -> Values:
    """As `columns("turns")` lists them."""
    told = [
        _turn(row, bundle, sender) | _marked(sender, mark) | {"day": _day(row["started_at"])}
        for row in bundle.turns
    ]
    told += [_gone(gone, sender, mark) for gone in bundle.gone if gone.is_turn]
    return _by_column(columns("turns"), told)


def sessions(bundle: Bundle, sender: Sender, mark: Mark) -> Values:
    """As `columns("sessions")` lists them."""
    told = [_session(row, sender) | _marked(sender, mark) for row in bundle.sessions]
    told += [_gone(gone, sender, mark) for gone in bundle.gone if not gone.is_turn]
    return _by_column(columns("sessions"), told)


def limits(readings: Iterable[Row], sender: Sender, mark: Mark) -> Values:
    """As `columns("limits")` lists them."""
    return _by_column(columns("limits"), [dict(row) | _marked(sender, mark) for row in readings])


def _turn(row: Row, bundle: Bundle, sender: Sender) -> dict[str, Any]:
    items = bundle.items.get(row["turn_key"], [])
    responses = bundle.responses.get(row["turn_key"], [])
    events = bundle.events.get(row["turn_id"], [])
    nested = {column.name for column in columns("turns") if "." in column.name}
    told = dict(row) | {"cwd": sender.folder(row["cwd"])}
    for prefix, rows in (("items", items), ("used", responses), ("events", events)):
        for column in nested:
            of, _, name = column.partition(".")
            if of == prefix:
                told[column] = [its[name] for its in rows]
    told["items.server"] = [sender.name(server) for server in told["items.server"]]
    told["items.name"] = _names(told, "items", "command", sender.name)
    told["events.name"] = _names(told, "events", STARTUP, sender.name)
    return told


def _names(
    told: dict[str, Any], of: str, kind: str, hashed: Callable[[str | None], str | None]
) -> list[str | None]:
    pairs = zip(told[f"{of}.kind"], told[f"{of}.name"], strict=True)
    return [hashed(name) if its == kind else name for its, name in pairs]


def _session(row: Row, sender: Sender) -> dict[str, Any]:
    return dict(row) | {
        "cwd": sender.folder(row["cwd"]),
        "git_branch": sender.name(row["git_branch"]),
        "git_commit": sender.name(row["git_commit"]),
        "git_repo": sender.repository(row["git_repo"]),
    }


def _gone(gone: Gone, sender: Sender, mark: Mark) -> dict[str, Any]:
    of = {"turn_id": gone.id, "day": _date(gone.day)} if gone.is_turn else {"session_id": gone.id}
    return of | _marked(sender, mark) | {"is_deleted": 1}


def _marked(sender: Sender, mark: Mark) -> dict[str, Any]:
    return {
        "machine": sender.machine,
        "user": sender.user,
        "database": mark.database,
        "version": mark.version,
    }


def _by_column(listed: Sequence[Column], told: Sequence[dict[str, Any]]) -> Values:
    return [
        [row.get(column.name, _otherwise(column)) for row in told]
        for column in listed
    ]  # fmt: skip


def _otherwise(column: Column) -> Any:
    return () if column.type.startswith("Array") else _EMPTY.get(column.type)


def _day(ms: int | None) -> date:
    # As SQLite divides: what is a little before 1970 is of its first day.
    return _date(None if ms is None else int(ms / 86_400_000))


def _date(day: int | None) -> date:
    known = day is not None and 0 <= day <= LAST_DAY
    return _1970 + timedelta(days=day if known and day is not None else 0)
