"""Where a copied history ends: what stands in it was told by the thread it was copied from.

Forks up to 0.150 (and of legacy threads later) begin with their parent's lines, stamped anew within
some milliseconds; subagents of 0.155 on with a part of them, and say where it ends.
"""

from typing import Any

from codex_telemetry.core.identity import is_uuid
from codex_telemetry.formats.rollout import tokens, turns, wire
from codex_telemetry.formats.rollout.reading import Moment, Reading

CLUSTER_MS = 15
GAP_MS = 3
"""A copy is written in one go; a long one takes longer, but never pauses."""


def copied(reading: Reading, what: str, told: Any, at: Moment) -> bool:
    """Whether a line belongs to the copy at the head of the file. Once it doesn't, none does."""
    state = reading.state
    replay = state.replay
    if replay is None or what == "session_meta":
        return False
    if isinstance(told, wire.SettingsApplied) and told.thread_id == state.thread:
        return False  # the thread's own, written among the copy
    if replay.until_ordinal is not None and at.ordinal is not None:
        over = at.ordinal >= replay.until_ordinal
    elif isinstance(told, wire.TaskStarted | wire.TurnContext) and is_uuid(told.turn_id or ""):
        over = not reading.foreign(told.turn_id or "")
    else:
        over = not _in_cluster(replay.first, replay.last, at.ms)
    if over:
        state.replay = None
        if replay.review is not None:
            turns.entered_review(reading, wire.Nothing(), Moment(replay.review))
        return False
    replay.last = at.ms
    if isinstance(told, wire.TokenCount):
        tokens.baseline(reading, told)
    elif what == "entered_review_mode":
        replay.review = at.ms
    elif what == "exited_review_mode":
        replay.review = None
    elif what in ("user_message", "task_started"):
        state.events_seen = True
    return True


def _in_cluster(first: int | None, last: int | None, ms: int | None) -> bool:
    if first is None or last is None or ms is None:
        return False
    return 0 <= ms - first <= CLUSTER_MS or 0 <= ms - last <= GAP_MS
