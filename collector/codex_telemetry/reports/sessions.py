"""Which sessions there were, and one of them with its turns."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from codex_telemetry.reports.elsewhere import Elsewhere
from codex_telemetry.reports.shapes import Session, SessionDetail, Turn
from codex_telemetry.reports.shaping import one, shaped
from codex_telemetry.store import queries, threads
from codex_telemetry.store.queries import Filters, Row, Store


def sessions(db: Store | Elsewhere, filters: Filters) -> Iterator[Session]:
    """The one with the latest activity last."""
    if isinstance(db, Elsewhere):
        return shaped(Session, db.sessions(filters))
    return shaped(Session, queries.sessions(db, filters))


def count(db: Store | Elsewhere, filters: Filters) -> int:
    """How many those are."""
    if isinstance(db, Elsewhere):
        return db.count_sessions(filters)
    return queries.count_sessions(db, filters)


def titled(listed: Iterable[Session], titles: Mapping[str, str]) -> Iterator[Session]:
    """With their titles, by the session's id."""
    for session in listed:
        session.title = titles.get(session.session_id)
        yield session


def detail(db: Store, row: Row) -> SessionDetail:
    """A session with its turns, oldest first."""
    head = one(Session, row)
    listed = list(shaped(Turn, queries.turns_of(db, head.session_id)))
    return SessionDetail(**msgspec.structs.asdict(head), turn_list=listed)


class Link(NamedTuple):
    """Another thread, and what it is to this one."""

    relation: str
    session_id: str


def links(db: Store, row: Row) -> list[Link]:
    """How a session hangs together with others: where it comes from, then what came out of it."""
    below = [
        Link(thread["relation"] or "thread", thread["session_id"])
        for thread in threads.threads_of(db, row["session_id"])
    ]
    return above(row) + below


def above(row: Row) -> list[Link]:
    """Where a session comes from."""
    found = {
        other: word
        for word, other in (
            ("in the tree of", row["root_session_id"]),
            ("child of", row["parent_session_id"]),
            ("fork of", row["forked_from_id"]),
        )
        if other is not None and other != row["session_id"]
    }
    return [Link(word, other) for other, word in found.items()]
