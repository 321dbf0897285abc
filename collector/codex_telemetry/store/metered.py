"""What is counted over all there is, in one pass a table: turns and calls by how long they took, tokens."""

from collections.abc import Iterator, Sequence

from codex_telemetry.core.parts import Parts
from codex_telemetry.store import turn_words
from codex_telemetry.store.queries import Row, Store, Where
from codex_telemetry.store.stored_items import ARE_TOOL_CALLS, KIND, STATUS, stored_status

EVERY = Where("1", ())
"""All turns."""


def turns(db: Store, bounds_ms: Sequence[int], of: Where = EVERY) -> Iterator[Row]:
    """By model and status: how many; of their durations and times to the first output how many are
    known (`…_count`), their sum (`…_sum`, ms) and how many are no longer than each bound (`…_le_0`, …)."""
    measures = ", ".join(_within(f"{name}_ms", name, bounds_ms) for name in ("duration", "ttft"))
    return db.execute(
        f"""
        SELECT model, {turn_words.STATUS} AS status, count(*) AS turns, {measures} FROM turns
        WHERE {of.sql} GROUP BY model, status_stored ORDER BY 1, 2
        """,
        of.values,
    )


def parts(db: Store, of: Where = EVERY) -> Iterator[Row]:
    """By model: where the time of its turns went, in ms; null where nobody knows of any turn."""
    sums = ", ".join(f"sum({part}_ms) AS {part}_ms" for part in Parts._fields)
    return db.execute(f"SELECT model, {sums} FROM turns WHERE {of.sql} GROUP BY model", of.values)


def tool_calls(db: Store, bounds_ms: Sequence[int]) -> Iterator[Row]:
    """The same of tool calls, by kind and status; what was declined never ran."""
    ran = f"CASE WHEN status_stored <> {stored_status('declined')} THEN duration_ms END"
    return db.execute(
        f"""
        SELECT {KIND} AS kind, {STATUS} AS status, count(*) AS calls,
            {_within(ran, "duration", bounds_ms)}
        FROM items WHERE {ARE_TOOL_CALLS} GROUP BY kind_stored, status_stored
        """
    )


def named_calls(db: Store, bounds_ms: Sequence[int], of: Where = EVERY) -> Iterator[Row]:
    """The same of tool calls that ran, by kind, name and status."""
    return db.execute(
        f"""
        SELECT {KIND} AS kind, name, {STATUS} AS status, count(*) AS calls,
               {_within("duration_ms", "duration", bounds_ms)}
        FROM items
        WHERE {ARE_TOOL_CALLS} AND status_stored <> {stored_status("declined")}
            AND turn_key IN (SELECT turn_key FROM turns WHERE {of.sql})
        GROUP BY kind_stored, name, status_stored
        """,
        of.values,
    )


def approvals(db: Store, bounds_ms: Sequence[int], of: Where | None = None) -> Row:
    """The waits for a permission; of all, or of some turns."""
    waits = _within("e.duration_ms", "duration", bounds_ms)
    some = "" if of is None else f"JOIN turns USING (turn_id) WHERE {of.sql} AND"
    row: Row = db.execute(
        f"SELECT {waits} FROM events AS e {some or 'WHERE'} e.kind = 'approval'",
        () if of is None else of.values,
    ).fetchone()
    return row


def tokens(db: Store, of: Where = EVERY) -> Iterator[Row]:
    """By model: the sums of all responses, as they are kept by quarter of an hour."""
    return db.execute(
        f"""
        SELECT model, sum(responses) AS responses, sum(input_tokens) AS input,
               sum(cached_input_tokens) AS cached_input,
               sum(cache_write_input_tokens) AS cache_write_input, sum(output_tokens) AS output,
               sum(reasoning_output_tokens) AS reasoning_output, sum(cost_usd) AS cost_usd,
               sum(unpriced_tokens) AS unpriced
        FROM usage JOIN usage_groups USING (usage_group) WHERE {of.sql} GROUP BY model
        """,
        of.values,
    )


def events(db: Store, kinds: Sequence[str]) -> dict[str, int]:
    """How many there are of each kind."""
    return {
        kind: db.execute("SELECT count(*) FROM events WHERE kind = ?", (kind,)).fetchone()[0]
        for kind in kinds
    }


def losses(db: Store) -> Row:
    """What wasn't understood, and what wasn't heard."""
    row: Row = db.execute(
        """
        SELECT (SELECT coalesce(sum(n), 0) FROM drift) AS drift, count(*) AS gaps,
               coalesce(sum(dropped_bytes), 0) AS dropped_bytes
        FROM gaps
        """
    ).fetchone()
    return row


def changes(db: Store) -> int:
    """A number that is another once anything was written by anybody else."""
    version: int = db.execute("PRAGMA data_version").fetchone()[0]
    return version


def _within(value: str, name: str, bounds_ms: Sequence[int]) -> str:
    up_to = (f"sum({value} <= {bound}) AS {name}_le_{n}" for n, bound in enumerate(bounds_ms))
    return f"count({value}) AS {name}_count, sum({value}) AS {name}_sum, {', '.join(up_to)}"
