"""Sort what turns and tool calls took, a block of turns at a time: a block is sorted once it is full,
and again after anything in it has changed (triggers of the schema see to that)."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

from codex_telemetry.store import db as database
from codex_telemetry.store.queries import Store
from codex_telemetry.store.stored_items import ARE_TOOL_CALLS

SIZE: Final = 32_768
"""Turns of a block, by their keys. The schema's triggers count with it too."""

UNSETTLED: Final = 2_000
"""The newest turns are still told of: so many come after a block before it is sorted."""

WIDTHS: Final = "Hiq"
"""How times are packed (see `array`): in as few bytes as hold all of a run."""

Days = Callable[[Sequence[int | None]], Sequence[str | None]]
"""The day that each moment (ms UTC) is of, where the user is."""

_encode = msgspec.json.encode


def due(db: Store) -> list[int]:
    """Blocks that are full and not sorted."""
    (newest,) = db.execute("SELECT max(turn_key) FROM turns").fetchone()
    full = range(max(0, (newest or 0) - UNSETTLED + 1) // SIZE)
    return sorted({*full} - done_blocks(db))


def done_blocks(db: Store) -> set[int]:
    """Blocks that are sorted."""
    return {row[0] for row in db.execute("SELECT block FROM sorted_blocks")}


def sort_due(path: Path, days: Days) -> int:
    """Sort the blocks that are due; how many. Raises what `db.open_to_write` does."""
    sorted_ = 0
    with closing(database.open_to_write(path)) as db:
        for block in due(db):
            with database.transaction(db):
                if block in due(db):  # another process may have been quicker
                    _sort(db, block, days)
                    sorted_ += 1
    return sorted_


def unpacked(run: bytes) -> "array[int]":
    """A run as it was stored."""
    return array(chr(run[0]), run[1:])


def _packed(times: Iterable[int | None]) -> bytes:
    run = sorted(time for time in times if time is not None)
    for width in WIDTHS[:-1]:
        try:
            return width.encode() + array(width, run).tobytes()
        except OverflowError:
            continue
    return WIDTHS[-1].encode() + array(WIDTHS[-1], run).tobytes()


def _sort(db: Store, block: int, days: Days) -> None:
    bounds = (block * SIZE, (block + 1) * SIZE - 1)
    db.execute("INSERT INTO sorted_blocks (block) VALUES (?)", (block,))
    db.executemany(_KEEP_TURNS, _turns(block, db.execute(_TURNS, bounds).fetchall(), days))
    db.executemany(_KEEP_CALLS, _calls(block, db.execute(_CALLS, bounds).fetchall()))


def _turns(block: int, turns: Sequence[Any], days: Days) -> Iterator[tuple[Any, ...]]:
    if not turns:
        return
    statuses, started, *columns = zip(*turns, strict=True)
    times, keys = columns[:4], dict(zip(_TOLD_BY, columns[4:], strict=True))
    for by, its in keys.items():
        for (key, status), own in _places(zip(its, statuses, strict=True)).items():
            yield by, key, status, block, *_sums(own, times)
    for (day, status), own in _places(zip(days(started), statuses, strict=True)).items():
        # A day is known by its first turn and its last: in another zone too both may be of one.
        ends = [at(started[n] for n in own) for at in (min, max)] if day else [None, None]
        yield "day", _encode(ends).decode(), status, block, *_sums(own, times)


def _sums(own: Sequence[int], times: Sequence[Sequence[int | None]]) -> tuple[Any, ...]:
    return len(own), *(_packed(map(column.__getitem__, own)) for column in times)


def _calls(block: int, calls: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    if not calls:
        return
    statuses, ends, took, *columns = zip(*calls, strict=True)
    for by, its in zip(("tool", "kind", "server"), columns, strict=True):
        for (key, status), own in _places(zip(its, statuses, strict=True)).items():
            if key is None:
                continue
            yield (
                *(by, key, status, block, len(own)),
                sum(ends[n] == "failed" for n in own),
                sum(ends[n] == "declined" for n in own),
                # What was declined never ran.
                _packed(took[n] for n in own if ends[n] != "declined"),
            )


def _places(keys: Iterable[Any]) -> dict[Any, list[int]]:
    """Where each key stands."""
    places: dict[Any, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    return places


_TOLD_BY: Final = ("model", "effort", "version", "status", "client", "project")
_TURNS: Final = """
SELECT t.status, t.started_at, t.duration_ms, t.ttft_ms, t.tools_ms, t.approval_ms,
    json_array(t.model), json_array(t.effort), json_array(t.cli_version), json_array(t.status),
    json_array(coalesce(s.client_name, s.originator)),
    CASE
        WHEN s.git_repo IN (SELECT git_repo FROM sessions WHERE cwd IS NOT NULL)
        THEN json_array(s.git_repo)
        ELSE json_array(NULL, coalesce(t.cwd, s.cwd))
    END
FROM turns AS t JOIN sessions AS s USING (session_key) WHERE t.turn_key BETWEEN ? AND ?
"""
_CALLS: Final = f"""
SELECT t.status, i.status, i.duration_ms, json_array(kind, name), json_array(kind),
    CASE WHEN kind = 'mcp_tool' THEN json_array(kind, server) END
FROM turns AS t CROSS JOIN items AS i USING (turn_key)
WHERE t.turn_key BETWEEN ? AND ? AND {ARE_TOOL_CALLS}
"""
_KEEP_TURNS: Final = """
INSERT INTO sorted_times
    (told_by, key, status, block, number, duration, ttft, tools, approval)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_KEEP_CALLS: Final = """
INSERT INTO sorted_times (told_by, key, status, block, number, failures, declines, duration)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
