"""When the tools of a response were done: its count says so from 0.140 on, the count's repetition before."""

import pytest

from codex_telemetry.core.facts import Clock
from recordings import Recordings, names
from told import told_by

LATE_MS = 100
"""Under unified exec an item may end after its output was handed over."""


@pytest.mark.parametrize("name", names("0.1[56]*/b_shell", "0.1[56]*/n_approval"))
def test_a_count_comes_once_the_tools_are_done(recordings: Recordings, name: str) -> None:
    for turn in told_by(recordings.one(name).frames()).batch.turns.values():
        for response in turn.responses.values():
            assert response.tools_done == response.times


@pytest.mark.parametrize(
    "name", names("0.63.0/b_shell", "0.98.0/b_shell", "0.125.0/b_shell", "0.125.0/n_approval")
)
def test_before_it_is_repeated_once_they_are(recordings: Recordings, name: str) -> None:
    """Whoever tells of it: in 0.98 an event of the older protocol tells each count too."""
    for turn in told_by(recordings.one(name).frames()).batch.turns.values():
        tools = sorted(
            (item.starts[Clock.WIRE], item.ends[Clock.WIRE])
            for item in turn.items.values()
            if item.kind in ("command", "file_change")
        )
        *earlier, last = (turn.responses[total] for total in sorted(turn.responses))
        assert last.tools_done == {}
        assert len(tools) <= len(earlier)
        for (_, ended), response in zip(tools, earlier, strict=False):
            done = response.tools_done[Clock.WIRE]
            assert response.times[Clock.WIRE] < done
            assert ended - LATE_MS <= done


def test_what_a_thread_repeats_in_another_turn_is_not_that_turns(recordings: Recordings) -> None:
    """0.63 and 0.125 repeat the last count when the next turn's first response begins."""
    for name in ("0.63.0/g_errors", "0.125.0/g_errors", "0.125.0/k_resume_fork"):
        for turn in told_by(recordings.one(name).frames()).batch.turns.values():
            assert all(response.usage is not None for response in turn.responses.values())
