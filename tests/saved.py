"""Facts as a source would tell them, saved by a real writer; and all that a database then holds."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import msgspec

from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import (
    Captured,
    Clock,
    EventFacts,
    Fact,
    ItemFacts,
    ResponseFacts,
    Said,
    SessionFacts,
    Source,
    TurnFacts,
    Usage,
    Weight,
)
from codex_telemetry.core.identity import ItemId, SessionId, TurnId
from codex_telemetry.store import db as schema
from codex_telemetry.store.bodies import unpacked
from codex_telemetry.store.told_turns import decoded, read
from codex_telemetry.store.writer import Writer

BORN = 1_795_416_000_000
"""When the first of our threads was made (ms UTC)."""

_NOT_COMPARED = {
    "origins": {"first_at", "last_at", "origin"},
    "spools": {"taken_at"},
    "sessions": {"session_key", "changed"},
    "pruned_sessions": {"session_key"},
    "turns": {"turn_key", "changed"},
    "events": {"event_id"},
    # Of a turn that isn't told again it is as an earlier version stored it: other columns say the same.
    "items": {"id_stored", "nth", "more"},
    "responses": {"response_stored"},
    "rate_limits": {"session_stored"},
    # Written once: they hold what was known of prices then.
    "milestones": {"cumulative_cost_usd", "marginal_cost_usd"},
}


_MISPLACED = """
SELECT 'turns', told_body FROM told_bodies AS b
WHERE turns <> (SELECT count(*) FROM told_turns AS t WHERE t.told_body = b.told_body)
UNION ALL
SELECT 'origin', told_body FROM (
    SELECT DISTINCT origin, told_body FROM told_turns EXCEPT SELECT origin, told_body FROM told_by_origin)
UNION ALL
SELECT 'noted', told_body FROM (
    SELECT origin, told_body FROM told_by_origin EXCEPT SELECT origin, told_body FROM told_turns)
"""
"""Bodies that hold something else than what is said to be in them."""


def uuid7(ms: int, tail: int = 0) -> str:
    """An id as Codex makes it at that time."""
    return f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7000-8000-{tail:012x}"


def thread(n: int) -> SessionId:
    """The n-th thread, the elder the smaller."""
    return SessionId(uuid7(BORN + n))


def turn(
    n: int, under: SessionId, *, at: int | None = None, total: int = 100, **told: Any
) -> TurnFacts:
    """A whole turn of a second, with a message, a response and a retry; begun `at` (ms after BORN)."""
    begun = BORN + (n * 10_000 if at is None else at)
    facts = TurnFacts(
        TurnId(uuid7(begun, n)),
        tellers={under: None},
        sources=Source.LIVE,
        captured=Captured(begun, 60),
        status=Said("completed", Weight.LIVE, begun),
        model=Said("gpt-5.5", Weight.LIVE, begun),
        duration=Said(1_000, Clock.CODEX_MS, begun),
        ends={Clock.WIRE: begun + 1_000},
    )
    facts.items[ItemId(f"i{n}")] = ItemFacts(
        "message", starts={Clock.CODEX_MS: begun}, ends={Clock.CODEX_MS: begun + 500}
    )
    facts.responses[total] = ResponseFacts(Said(Usage(total, total - 10, 0, 10, 0), Weight.LIVE))
    facts.events["retry:1"] = EventFacts("retry", starts={Clock.WIRE: begun}, sources=1)
    return msgspec.structs.replace(facts, **told)


def batch(origin: str, *facts: Fact, kind: str = "live") -> Batch:
    made = Batch(kind, origin)
    for fact in facts:
        made.add(fact, BORN)
    return made


def prepare_before(path: Path, says: str) -> None:
    """A database of the version before the first migration that says that."""
    steps = schema.migrations()
    schema.prepare(path, steps[: next(n for n, sql in enumerate(steps) if says in sql)])


def save(path: Path, *batches: Batch, afresh: bool = False) -> None:
    """One after another, by one writer; `afresh`: in place of what its origin told before."""

    async def run() -> None:
        writer = await Writer.open(path)
        try:
            for one in batches:
                await writer.save(one, afresh=afresh)
        finally:
            await writer.close()

    anyio.run(run)


def prune(path: Path, before: int) -> None:
    async def run() -> None:
        writer = await Writer.open(path)
        try:
            await writer.prune(before)
        finally:
            await writer.close()

    anyio.run(run)


def query(path: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        return db.execute(sql, values).fetchall()


def contents(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, without what only says how it came there."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        names = [
            row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        origins = {r["origin"]: (r["kind"], r["name"]) for r in db.execute("SELECT * FROM origins")}
        turns = {r["turn_key"]: r["turn_id"] for r in db.execute("SELECT * FROM turns")}
        sessions = dict(
            db.execute(
                """SELECT session_key, session_id FROM sessions
                UNION ALL SELECT session_key, session_id FROM pruned_sessions"""
            ).fetchall()
        )
        groups = {g["usage_group"]: tuple(g)[1:] for g in db.execute("SELECT * FROM usage_groups")}
        keys = {
            "origin": origins,
            "turn_key": turns,
            "session_key": sessions,
            "usage_group": groups,
        }
        # Groups that nothing is of any more stay; what is made for reports comes and goes.
        made = ["usage_groups", "sorted_blocks", "sorted_times", "summed_blocks"]
        made += ["saves", "removed"]  # in how many steps it came to be so
        made += [
            "told_bodies",
            "told_by_origin",
        ]  # which turns share one depends on who told of them together
        names = [n for n in names if n not in made and not n.startswith("usage_of_")]
        found = {name: _comparable(db, name, keys) for name in sorted(names)}
        assert db.execute(_MISPLACED).fetchall() == []
        return found


def _comparable(
    db: sqlite3.Connection, table: str, keys: dict[str, dict[int, Any]]
) -> list[dict[str, Any]]:
    rows: Iterable[sqlite3.Row] = db.execute(f"SELECT * FROM {table}")
    found = []
    for row in rows:
        kept = {k: row[k] for k in row.keys() if k not in _NOT_COMPARED.get(table, ())}  # noqa: SIM118
        for key, names in keys.items():
            if key in kept:
                kept[key] = names[kept[key]]
        if table == "told_sessions":
            kept["body"] = msgspec.msgpack.decode(unpacked(kept["body"]), type=SessionFacts)
        if table == "told_turns":
            kept["body"] = _told(db, kept.pop("told_body"), row["origin"])[kept["turn_id"]]
        found.append(kept)
    return sorted(found, key=lambda row: repr([v for k, v in row.items() if k != "body"]))


def _told(db: sqlite3.Connection, told_body: int, origin: int) -> dict[str, TurnFacts]:
    select = "SELECT turns, body FROM told_bodies WHERE told_body = ?"
    ((number, body),) = db.execute(select, (told_body,)).fetchall()
    told = decoded(body, origin)
    assert sum(map(len, told.values())) == number
    return {turn_id: read(facts) for turn_id, facts in told[origin].items()}
