"""Where a turn's time went, by its log alone and by the stream: recordings that have both."""

from collections.abc import Iterator

import pytest

from codex_telemetry.core.join import join
from codex_telemetry.core.parts import Parts
from codex_telemetry.core.rows import TurnRow
from codex_telemetry.core.settle import settle_turn
from recordings import Recordings, names
from rolled import rolled_up
from told import told_by

BOTH = tuple(name for name in names("0.155.0/*", "0.169.0/*") if "/x_" not in name)
LEGACY = ("w_legacy", "w_upgrade")
"""Homes whose logs aren't paginated: no item has a time."""

TOOLS_MS = 70
"""The stream measures an approval from the request, the log from the item's start: some tens of ms
lie between, most in 0.155 (at most 68)."""
CODEX_OWN_MS = 120
"""Of a call that waited the log tells no more than when it was made: what Codex did until it asked and
after it was answered is unexplained there, and on the stream the model's or the tool's (at most 104)."""


def pairs(recordings: Recordings) -> Iterator[tuple[str, TurnRow, TurnRow]]:
    """Each turn that ended, by the log and by the stream."""
    for name in BOTH:
        if name.endswith(LEGACY):
            continue
        heard = told_by(recordings.one(name).frames()).batch.turns
        for turn_id, logged in rolled_up(recordings.one(name)).batch.turns.items():
            if turn_id in heard:
                by_log, by_stream = settle_turn(logged), settle_turn(heard[turn_id])
                if by_stream.parts_source is not None:
                    yield name, by_log, by_stream


def test_a_log_and_the_stream_agree_on_the_parts_that_a_log_tells(recordings: Recordings) -> None:
    seen = 0
    for name, log, stream in pairs(recordings):
        where = (name, log.turn_id)
        assert (log.parts_source, stream.parts_source) == ("rollout", "live"), where
        assert (log.approval_ms, log.retry_ms, log.hooks_ms) == (None, None, None)
        told = [getattr(log, f"{part}_ms") or 0 for part in Parts._fields]
        assert sum(told) == log.duration_ms, where
        assert log.compaction_ms == stream.compaction_ms, where
        assert abs((log.tools_ms or 0) - (stream.tools_ms or 0)) <= TOOLS_MS, where
        if log.start_delay_ms is not None:
            assert log.start_delay_ms == stream.start_delay_ms, where
        if not stream.retries and not stream.errors:
            assert abs((log.model_ms or 0) - (stream.model_ms or 0)) <= CODEX_OWN_MS, where
        seen += 1
    assert seen > 120


def test_what_a_log_cannot_see_is_not_taken_for_the_models_time(recordings: Recordings) -> None:
    """But for retries, which it doesn't tell from the model that works."""
    waited = 0
    for name, log, stream in pairs(recordings):
        if stream.approval_ms:
            waited += 1
            assert (log.unexplained_ms or 0) >= stream.approval_ms, (name, log.turn_id)
            assert (log.model_ms or 0) <= (stream.model_ms or 0), (name, log.turn_id)
    assert waited > 10


@pytest.mark.parametrize("name", ["0.169.0/n_approval", "0.155.0/b_shell", "0.169.0/w_legacy"])
def test_where_both_told_all_the_stream_tells_the_parts(recordings: Recordings, name: str) -> None:
    heard = told_by(recordings.one(name).frames()).batch.turns
    for turn_id, logged in rolled_up(recordings.one(name)).batch.turns.items():
        both, alone = settle_turn(join(logged, heard[turn_id])), settle_turn(heard[turn_id])
        assert both.parts_source == "live"
        for part in Parts._fields:
            assert getattr(both, f"{part}_ms") == getattr(alone, f"{part}_ms")


@pytest.mark.parametrize("name", ["0.169.0/u_eof_midturn", "0.169.0/u_sigterm_midturn"])
def test_a_turn_whose_end_was_not_heard_has_its_logs_parts(
    recordings: Recordings, name: str
) -> None:
    heard = told_by(recordings.one(name).frames()).batch.turns
    ((turn_id, logged),) = rolled_up(recordings.one(name)).batch.turns.items()
    row = settle_turn(join(logged, heard[turn_id]))
    assert (row.status, row.parts_source, row.approval_ms) == ("interrupted", "rollout", None)
    assert (row.model_ms or 0) + (row.tools_ms or 0) > 500


def test_the_first_message_is_known_from_a_log(recordings: Recordings) -> None:
    """If it was completed, and the thread's own."""
    for name, log, stream in pairs(recordings):
        if stream.status == "completed" and not name.endswith(("g_errors", "i_review")):
            assert log.ttfm_ms == stream.ttfm_ms, (name, log.turn_id)
