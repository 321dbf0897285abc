"""What turns spent their time on, by the quarter of an hour in which they began."""

from collections.abc import Iterator

from codex_telemetry.core.parts import Parts
from codex_telemetry.store.queries import Filters, Row, Store, turns_where
from codex_telemetry.store.rhythm import QUARTER_MS


def parts_by_quarter(db: Store, filters: Filters) -> Iterator[Row]:
    """Sums of each part. A worker's turn is time in tools of the turn that it worked for, so it isn't
    counted again."""
    where = turns_where(filters)
    sums = ", ".join(f"sum({part}_ms) AS {part}" for part in Parts._fields)
    return db.execute(
        f"""
        SELECT started_at / {QUARTER_MS} AS quarter, count(*) AS turns,
               sum(parts_source = 'rollout') AS by_log, {sums}
        FROM turns
        WHERE {where.sql} AND parts_source IS NOT NULL AND started_at IS NOT NULL
          AND NOT EXISTS (
            SELECT 1 FROM sessions s
            WHERE s.session_key = turns.session_key AND s.relation IN ('subagent', 'review')
          )
        GROUP BY quarter ORDER BY quarter
        """,
        where.values,
    )
