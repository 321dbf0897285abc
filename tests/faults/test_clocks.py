"""A wall clock that is set while a turn runs, forward or back, a little or by days: what took how
long stays true, the order stays, and a later start isn't put before an earlier one."""

import re
from pathlib import Path

import pytest

from codex_telemetry.frames import frame
from collecting import KINDS, Place, ended, finish, started
from recordings import Frame, Recordings
from saved import query

SECOND = 1_000_000_000

JUMPS = {
    "an hour back": -3600.0,
    "an hour on": 3600.0,
    "half a second back": -0.5,
    "half a second on": 0.5,
    "three days back": -3 * 86400.0,
    "to 1970": -1_795_416_000.0,
}

# A release whose turns carry Codex's own times, and one that is timed by our clock alone.
STORIES = ("0.125.0/b_shell", "0.169.0/n_approval", "0.42.0/v1_shell")

OURS = """SELECT t.status, t.duration_ms, t.ttft_ms, t.tools_ms, t.approval_ms, t.total_tokens,
                 (SELECT group_concat(kind || ' ' || coalesce(name, ''), ', ')
                  FROM (SELECT * FROM items i WHERE i.turn_key = t.turn_key ORDER BY item_id))
          FROM turns t ORDER BY turn_index"""


def heard(frames: list[Frame], jump_s: float, after: int) -> bytes:
    """The stream of somebody whose wall clock is set after so many lines: ours, and Codex's."""
    said = []
    for n, one in enumerate(frames):
        jump = jump_s if n >= after else 0.0
        at = int((one.wall_s + jump) * SECOND), int(one.mono_s * SECOND)
        said.append(frame(KINDS[one.direction], *at, stamped_later(one.line, jump) + b"\n"))
    return b"".join(said)


ENDS = re.compile(rb'"(turn/completed|codex/event/task_complete)"')
STAMP = re.compile(rb'("[a-zA-Z]+At(Ms)?": ?)(\d+)')


def stamped_later(line: bytes, by_s: float) -> bytes:
    def later(found: re.Match[bytes]) -> bytes:
        unit = 1000 if found[2] else 1
        return found[1] + str(int(found[3]) + int(by_s * unit)).encode()

    return STAMP.sub(later, line)


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("jump", JUMPS)
def test_a_clock_that_is_set_during_a_turn_changes_no_duration(
    tmp_path: Path, recordings: Recordings, name: str, jump: str
) -> None:
    frames = [f for f in recordings.one(name).frames() if f.direction in KINDS and f.proc == 0]
    middle = len(frames) // 2
    # Ids of later turns would hold the time they were made at.
    last = next(n for n, f in enumerate(frames) if n > middle and ENDS.search(f.line))
    steady, jumped = Place(tmp_path / "steady"), Place(tmp_path / "jumped")
    for place, by in ((steady, 0.0), (jumped, JUMPS[jump])):
        place.folder.mkdir()
        said = heard(frames[: last + 1], by, middle)
        finish(place.collector(), started() + said + ended())
    assert query(jumped.database, OURS) == query(steady.database, OURS)
    assert query(jumped.database, "SELECT count(*) FROM turns WHERE ended_at < started_at") == [
        (0,)
    ]
