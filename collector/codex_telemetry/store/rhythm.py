"""How many turns began in each quarter of an hour: every zone's days and hours are made of those."""

from codex_telemetry.store.queries import Filters, Store, measured_turns

QUARTER_MS = 900_000


def quarters(db: Store, filters: Filters) -> list[tuple[int, int]]:
    """Quarters of an hour since 1970, and the turns that began in them."""
    source = measured_turns(filters)
    rows = db.execute(
        f"SELECT started_at / {QUARTER_MS} AS quarter, count(*) FROM {source.sql} GROUP BY quarter",
        source.values,
    )
    return [(quarter, n) for quarter, n in rows if quarter is not None]
