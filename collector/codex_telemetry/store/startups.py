"""Starts of MCP servers, as they were told beside the turns of a thread."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from codex_telemetry.core.veil import STARTUP
from codex_telemetry.store.happenings import events_where
from codex_telemetry.store.queries import Filters, Row, Store

_COLUMNS = ("name", "status", "duration_ms", "at")
_told = msgspec.json.Decoder(list[Any]).decode


class Startups(NamedTuple):
    """By columns: the n-th of each belongs to the n-th start."""

    servers: Sequence[str | None]
    statuses: Sequence[str | None]
    took: Sequence[int | None]
    """ms"""
    at: Sequence[int | None]
    """ms UTC"""


def startups(db: Store, filters: Filters) -> Startups:
    where = events_where(filters, STARTUP)
    columns = ", ".join(f"json_group_array({column})" for column in _COLUMNS)
    row = db.execute(f"SELECT {columns} FROM events WHERE {where.sql}", where.values).fetchone()
    return Startups(*map(_told, row))


def startups_during(db: Store, turn: Row) -> Iterator[Row]:
    """The start-ups of a thread's MCP servers that reach into one of its turns."""
    return db.execute(
        """
        SELECT * FROM events
        WHERE session_id = ? AND turn_id IS NULL AND kind = 'mcp_server_startup'
          AND at < ? AND at + duration_ms > ?
        ORDER BY at, event_id
        """,
        [turn["session_id"], turn["ended_at"], turn["started_at"]],
    )
