"""Which thread came out of which, and where the time of a thread's turns went."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from codex_telemetry.core.parts import Parts
from codex_telemetry.store.queries import Filters, Row, Store, sessions_where
from codex_telemetry.store.turn_words import OF_SESSION

ELDER = "coalesce(parent_session_id, forked_from_id, nullif(root_session_id, session_id))"
"""The thread that one came out of; of a subagent whose parent isn't told, that at the top of its tree."""

_words = msgspec.json.Decoder(list[str]).decode
_known = msgspec.json.Decoder(list[str | None]).decode
_numbers = msgspec.json.Decoder(list[int | None]).decode


class Threads(NamedTuple):
    """Sessions by columns: the n-th of each belongs to the n-th."""

    ids: Sequence[str]
    elders: Sequence[str | None]
    last_at: Sequence[int | None]
    """ms UTC"""


def threads(db: Store, filters: Filters) -> Threads:
    """All that match, in any order: of a hundred thousand, rows would take long to hand over."""
    return _threads(db, *sessions_where(filters))


def derived(db: Store) -> Threads:
    """All that came out of another."""
    return _threads(db, f"{ELDER} IS NOT NULL", ())


def _threads(db: Store, where: str, values: Sequence[object]) -> Threads:
    columns = ", ".join(f"json_group_array({c})" for c in ("session_id", ELDER, "last_at"))
    told = db.execute(f"SELECT {columns} FROM sessions WHERE {where}", values).fetchone()
    return Threads(_words(told[0]), _known(told[1]), _numbers(told[2]))


def threads_of(db: Store, session_id: str) -> Iterator[Row]:
    """The threads that came out of a session: forks, subagents, reviews."""
    return db.execute(
        """
        SELECT * FROM sessions WHERE parent_session_id = :id OR forked_from_id = :id
        ORDER BY created_at, session_key
        """,
        {"id": session_id},
    )


def named(db: Store, session_ids: Iterable[str]) -> Iterator[Row]:
    """The sessions with these ids, in order of time."""
    return db.execute(
        """
        SELECT * FROM sessions WHERE session_id IN (SELECT value FROM json_each(?))
        ORDER BY created_at, session_key
        """,
        [msgspec.json.encode(list(session_ids)).decode()],
    )


def time_of(db: Store, session_id: str) -> Row:
    """The parts of a session's turns (ms), added up, and of how many turns they are known."""
    sums = ", ".join(f"sum({part}_ms) AS {part}_ms" for part in Parts._fields)
    row: Row = db.execute(
        f"SELECT {sums}, count(model_ms) AS turns FROM turns WHERE {OF_SESSION}", [session_id]
    ).fetchone()
    return row
