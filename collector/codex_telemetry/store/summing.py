"""Sum usage up further, a block of time at a time: by quarter of an hour, and by what responses have in
common. A block is summed up once it is past, and again after anything in it has changed (triggers of
the schema see to that)."""

from contextlib import closing
from pathlib import Path
from typing import Final

from codex_telemetry.store import db as database
from codex_telemetry.store.queries import Store

SIZE: Final = 2_688
"""Quarters of an hour of a block, four weeks. The schema's triggers count with it too."""

SUMMED: Final = """responses input_tokens cached_input_tokens cache_write_input_tokens output_tokens
reasoning_output_tokens total_tokens cost_usd unpriced_tokens""".split()
SUMS: Final = ", ".join(f"sum({column})" for column in SUMMED)


def due(db: Store) -> list[int]:
    """Blocks with usage that aren't summed up. The newest never is: it changes with each response."""
    used = [row[0] for row in db.execute(_USED)]
    done = summed(db)
    return [block for block in used[:-1] if block not in done]


def summed(db: Store) -> set[int]:
    return {row[0] for row in db.execute("SELECT block FROM summed_blocks")}


def sum_due(path: Path) -> int:
    """Sum up the blocks that are due; how many. Raises what `db.open_to_write` does."""
    done = 0
    with closing(database.open_to_write(path)) as db:
        for block in due(db):
            with database.transaction(db):
                if block in due(db):  # another process may have been quicker
                    for statement in _SUM_UP:
                        db.execute(statement, {"block": block})
                    done += 1
    return done


# From each to the next by the index. What is from before the first block, or has no time, is few.
_USED: Final = f"""
WITH RECURSIVE used (block) AS (
    SELECT min(quarter) / {SIZE} FROM usage WHERE quarter >= {SIZE}
    UNION ALL
    SELECT (SELECT min(quarter) / {SIZE} FROM usage WHERE quarter >= (block + 1) * {SIZE})
    FROM used WHERE block IS NOT NULL
)
SELECT block FROM used WHERE block IS NOT NULL ORDER BY block
"""
_COLUMNS: Final = ", ".join(SUMMED)
_IN_BLOCK: Final = f"FROM usage WHERE quarter BETWEEN :block * {SIZE} AND (:block + 1) * {SIZE} - 1"
_SUM_UP: Final = (
    "INSERT INTO summed_blocks (block) VALUES (:block)",
    f"""
    INSERT INTO usage_of_quarters (quarter, {_COLUMNS})
    SELECT quarter, {SUMS} {_IN_BLOCK} GROUP BY quarter
    """,
    f"""
    INSERT INTO usage_of_groups (block, usage_group, quarter, {_COLUMNS})
    SELECT :block, usage_group, max(quarter), {SUMS} {_IN_BLOCK} GROUP BY usage_group
    """,
)
