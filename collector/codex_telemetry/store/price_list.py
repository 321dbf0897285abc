"""The prices in the database: read for those who save, replaced when they have changed, and what was
priced by older ones priced anew, some sessions at a time."""

import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from codex_telemetry.core.prices import Book, Price, PriceModel, cost_of_all, same_prices
from codex_telemetry.core.rows import ResponseRow
from codex_telemetry.store import changes
from codex_telemetry.store import db as database
from codex_telemetry.store import statements as sql
from codex_telemetry.store.stored_responses import stored_cost

if TYPE_CHECKING:  # reports read prices too, and a loop is heavy
    import aiosqlite

AT_ONCE = 200
"""Sessions priced anew in one transaction: others want to write too."""


class PriceList(NamedTuple):
    """What shall be in the database."""

    fingerprint: str
    package_version: str | None
    read: Callable[[], tuple[list[PriceModel], list[Price]]]


EDITION: Final = "SELECT edition, fingerprint FROM price_list"
MODELS: Final = f"SELECT {', '.join(PriceModel._fields)} FROM price_models ORDER BY price_model"
PRICES: Final = f"SELECT {', '.join(Price._fields)} FROM prices"

_ADD_MODEL: Final = f"""
INSERT INTO price_models ({", ".join(PriceModel._fields)})
VALUES ({", ".join("?" * len(PriceModel._fields))})"""
_ADD_PRICE: Final = f"""
INSERT INTO prices ({", ".join(Price._fields)}) VALUES ({", ".join("?" * len(Price._fields))})"""
_ADD_LIST: Final = """
INSERT INTO price_list (edition, fingerprint, package_version, made_at) VALUES (?, ?, ?, ?)"""

_AFFECTED: Final = """
INSERT INTO to_price
SELECT DISTINCT s.session_id FROM usage AS u
JOIN usage_groups AS g USING (usage_group) JOIN sessions AS s USING (session_key)
WHERE g.model IN (SELECT value FROM json_each(?)) ON CONFLICT DO NOTHING"""
_MODELS_USED: Final = """
SELECT g.model
FROM (SELECT usage_group, sum(total_tokens) AS tokens FROM usage GROUP BY usage_group) AS u
JOIN usage_groups AS g USING (usage_group)
WHERE g.model IS NOT NULL GROUP BY g.model ORDER BY sum(u.tokens) DESC, g.model"""
_SOME: Final = f"SELECT session_id FROM to_price LIMIT {AT_ONCE}"
_DONE: Final = "DELETE FROM to_price WHERE session_id IN (SELECT value FROM json_each(?))"
_RESPONSES: Final = f"""
SELECT t.turn_key, t.service_tier, t.started_at,
    {", ".join(f"r.{column}" for column in ResponseRow.__struct_fields__)}
FROM json_each(?) AS j CROSS JOIN sessions AS s ON s.session_id = j.value
CROSS JOIN turns AS t USING (session_key)
CROSS JOIN responses AS r USING (turn_key)
ORDER BY t.turn_key, r.running_total_tokens"""
_PRICE_RESPONSE: Final = (
    "UPDATE responses SET cost_stored = ? WHERE turn_key = ? AND running_total_tokens = ?"
)
_PRICE_TURN: Final = """
UPDATE turns SET cost_usd = ?, changed = (SELECT number FROM saves) WHERE turn_key = ?
"""


def is_current(db: sqlite3.Connection, wanted: PriceList) -> bool:
    """Whether the database holds these prices, and all in it is priced by them."""
    listed = db.execute(EDITION).fetchone()
    return (
        listed is not None
        and listed[1] == wanted.fingerprint
        and db.execute("SELECT 1 FROM to_price LIMIT 1").fetchone() is None
    )


def is_listed(path: Path, wanted: PriceList) -> bool:
    """Whether there is a database of this version that holds these prices; an older one is left as it is:
    who asks does so beside what upgrades it. Raises what `db.open_as_it_is` does."""
    db = database.open_as_it_is(path)
    if db is None:
        return False
    with closing(db):
        return _is_listed(db, wanted)


class Shelf:
    """The book of a writer: looked for anew only when there is another edition."""

    def __init__(self) -> None:
        self._edition: int | None = None
        self._book = Book()

    async def book(self, db: "aiosqlite.Connection") -> Book:
        edition = next((row[0] for row in await db.execute_fetchall(EDITION)), None)
        if edition != self._edition:
            models, prices = await db.execute_fetchall(MODELS), await db.execute_fetchall(PRICES)
            self._book, self._edition = _book(models, prices), edition
        return self._book


def replace(path: Path, wanted: PriceList) -> None:
    """Put these prices in the place of others. Sessions of models that cost something else now are
    marked: `price_anew` sees to them.

    Raises what `db.open_to_write` does, and what reading the list does."""
    with closing(database.open_to_write(path)) as db:
        if _is_listed(db, wanted):
            return
        models, prices = wanted.read()  # before the lock: it takes its time
        with database.transaction(db):
            if _is_listed(db, wanted):  # another process was quicker
                return
            old, new = stored(db), Book(models, prices)
            used = db.execute("SELECT DISTINCT model FROM usage_groups WHERE model IS NOT NULL")
            changed = [name for (name,) in used if not same_prices(old, new, name)]
            edition = db.execute("SELECT coalesce(max(edition), 0) + 1 FROM price_list").fetchone()[
                0
            ]
            db.execute("DELETE FROM price_list")
            db.execute("DELETE FROM price_models")
            db.executemany(_ADD_MODEL, models)
            db.executemany(_ADD_PRICE, prices)
            made_at = time.time_ns() // 1_000_000
            db.execute(_ADD_LIST, (edition, wanted.fingerprint, wanted.package_version, made_at))
            db.execute(_AFFECTED, (_listed(changed),))


def price_anew(path: Path) -> int:
    """Price what was priced by older prices; how many sessions. Raises what `db.open_to_write` does."""
    done = 0
    with closing(database.open_to_write(path)) as db:
        book: Book | None = None
        while True:
            with database.transaction(db):
                sessions = [row[0] for row in db.execute(_SOME)]
                if sessions:
                    book = book or stored(db)
                    _price(db, book, _listed(sessions))
            if not sessions:
                return done
            done += len(sessions)


def _price(db: sqlite3.Connection, book: Book, sessions: str) -> None:
    turns: dict[int, list[ResponseRow]] = {}
    changed: list[tuple[float | None, int, int]] = []
    for turn_key, tier, started_at, *columns in db.execute(_RESPONSES, (sessions,)):
        row = ResponseRow(*columns)
        before, row.cost_usd = row.cost_usd, book.cost(row, tier, started_at)
        if row.cost_usd != before:
            cost = None if row.cost_usd is None else stored_cost(row.cost_usd)
            changed.append((cost, turn_key, row.running_total_tokens))
        turns.setdefault(turn_key, []).append(row)
    db.execute(changes.NEXT)
    db.executemany(_PRICE_RESPONSE, changed)
    db.executemany(_PRICE_TURN, ((cost_of_all(rows), key) for key, rows in turns.items()))
    for statement in (*sql.USAGE, sql.CHANGED_SESSIONS):
        db.execute(statement, (sessions,))
    db.execute(_DONE, (sessions,))


def _listed(names: list[str]) -> str:
    # Not that of `told`, which brings a loop with it.
    return msgspec.json.encode(names).decode()


def package_version(db: sqlite3.Connection) -> str | None:
    """Of the package that the prices are from."""
    return next((row[0] for row in db.execute("SELECT package_version FROM price_list")), None)


def models_used(db: sqlite3.Connection) -> list[str]:
    """As Codex told them, the most used first."""
    return [row[0] for row in db.execute(_MODELS_USED)]


def _is_listed(db: sqlite3.Connection, wanted: PriceList) -> bool:
    return any(row[1] == wanted.fingerprint for row in db.execute(EDITION))


def stored(db: sqlite3.Connection) -> Book:
    """All prices in the database."""
    return _book(db.execute(MODELS), db.execute(PRICES))


def _book(models: Iterable[Sequence[Any]], prices: Iterable[Sequence[Any]]) -> Book:
    return Book((PriceModel(*row) for row in models), (Price(*row) for row in prices))
