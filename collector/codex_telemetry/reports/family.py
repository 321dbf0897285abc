"""What subagents and reviewers did for a turn or a session, as their own and rolled up."""

from collections.abc import Iterable, Sequence

import msgspec

from codex_telemetry.core.settle_items import total
from codex_telemetry.core.spans import length, merged
from codex_telemetry.reports import sessions, turns
from codex_telemetry.reports.moments import read
from codex_telemetry.reports.shapes import Turn
from codex_telemetry.reports.shapes_family import ChildTurn, RolledUp, SessionInFull, TurnInFull
from codex_telemetry.reports.shaping import one, shaped
from codex_telemetry.store import family, queries
from codex_telemetry.store.queries import Row, Store

_SUMS = (
    "responses",
    "input_tokens",
    "cached_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
    "total_tokens",
    "tool_calls",
)


def turn(db: Store, row: Row, *, roll_up: bool = False) -> TurnInFull:
    """A turn with all that is known of it, and what worked for it."""
    detail = turns.detail(db, row)
    found = children(db, row)
    return TurnInFull(
        **msgspec.structs.asdict(detail),
        children=found,
        rolled_up=rolled_up([detail, *found]) if roll_up else None,
    )


def session(db: Store, row: Row, *, roll_up: bool = False) -> SessionInFull:
    """A session with its turns; rolled up with all threads that worked for it."""
    detail = sessions.detail(db, row)
    return SessionInFull(
        **msgspec.structs.asdict(detail),
        rolled_up=rolled_up(together(db, detail.session_id)) if roll_up else None,
    )


def together(db: Store, session_id: str) -> list[ChildTurn]:
    """The turns of a thread and of all that worked for it, in order of time."""
    return list(shaped(ChildTurn, family.turns_in(db, family.tree_of(db, session_id))))


def children(db: Store, row: Row) -> list[ChildTurn]:
    """The turns that worked for a turn, for those, and so on: each after the one it worked for."""
    found: list[ChildTurn] = []
    seen = {row["turn_key"]}
    waiting = [(child, row["turn_id"], 1) for child in reversed(_workers(db, row))]
    while waiting:
        child, parent, depth = waiting.pop()
        if child["turn_key"] in seen:
            continue
        seen.add(child["turn_key"])
        told = one(ChildTurn, child)
        told.parent_turn_id, told.depth = parent, depth
        found.append(told)
        own = reversed(_workers(db, child))
        waiting += [(each, told.turn_id, depth + 1) for each in own]
    return found


def _workers(db: Store, turn: Row) -> list[Row]:
    """The turns of subagents and reviewers that worked for a turn itself."""
    started = turn["started_at"]
    threads = family.workers_of(db, turn["session_id"]) | family.spoken_to(db, turn["turn_key"])
    threads.discard(turn["session_id"])
    if started is None or not threads:
        return []
    later = [
        other
        for other in queries.turns_of(db, turn["session_id"])
        if other["started_at"] is not None and other["started_at"] > started
    ]
    return [row for row in family.turns_in(db, threads, started) if _is_for(turn, later, row)]


def _is_for(turn: Row, later: Sequence[Row], child: Row) -> bool:
    """Whether a turn of a worker's thread was begun for this turn, not for a later one of its thread.

    Codex says which turn a tree of turns began with (0.155 on); else it began while this one ran.
    """
    begun, root = child["begun"], child["root_turn_id"]
    if turn["turn_id"] == root:
        return True
    if root is None or turn["root_turn_id"] is None:
        ended = turn["ended_at"]
        return begun <= ended if ended is not None else not _any_begun(later, begun)
    own_later = (other for other in later if other["root_turn_id"] == root)
    return turn["root_turn_id"] == root and not _any_begun(own_later, begun)


def _any_begun(turns: Iterable[Row], by: int) -> bool:
    return any(other["started_at"] <= by for other in turns)


def rolled_up(told: Sequence[Turn | ChildTurn]) -> RolledUp:
    """Sums over turns. What they took isn't summed: they ran at the same time."""
    spans = [
        (start, start + each.duration_ms)
        for each in told
        if (start := read(each.started_at)) is not None and each.duration_ms is not None
    ]
    costs = [each.cost_usd for each in told if each.total_tokens or each.cost_usd is not None]
    priced = [cost for cost in costs if cost is not None]
    sums = {name: total(getattr(each, name) for each in told) for name in _SUMS}
    return RolledUp(
        sessions=len({each.session_id for each in told}),
        turns=len(told),
        cost_usd=sum(priced) if priced and len(priced) == len(costs) else None,
        duration_ms=length(merged(spans)) if spans else None,
        **sums,
    )
