"""What a database has counted, by names that no clock of ours is in: to compare one that went through
something with one that didn't."""

from collections import Counter
from pathlib import Path
from typing import Any

from backfill.codex_home import rows
from saved import query

Things = dict[str, Counter[Any]]

NAMED_BY: dict[str, tuple[str, ...]] = {
    "sessions": ("session_id",),
    "turns": ("turn_id",),
    "items": ("turn_key", "item_id", "kind"),
    "responses": (
        "turn_key",
        "running_total_tokens",
        "input_tokens",
        "cached_input_tokens",
        "output_tokens",
        "reasoning_output_tokens",
        "total_tokens",
    ),
    "events": ("turn_id", "kind", "name"),
}


def things(database: Path) -> Things:
    """Everything that is a row, how often. Sound is the database, or this raises."""
    return {
        table: Counter(tuple(row[name] for name in NAMED_BY[table]) for row in found)
        for table, found in rows(database).items()
    }


def tokens(database: Path) -> list[Any]:
    """What each session used, and in how many turns, as the log tells it."""
    return query(
        database,
        """SELECT session_id, turns, input_tokens, output_tokens, total_tokens FROM sessions
           WHERE sources & 2 ORDER BY session_id""",
    )


def beyond(some: Things, all_of_it: Things) -> list[Any]:
    """What isn't there, or not so often."""
    return [(table, *thing) for table, found in some.items() for thing in found - all_of_it[table]]
