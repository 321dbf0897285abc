"""Every recorded session, heard by the collector's own ears and saved: nothing is lost on the way."""

from pathlib import Path

import pytest

from codex_telemetry.core.batch import Batch
from codex_telemetry.hearing import Hearing
from codex_telemetry.inputs.live import Lines, Pending
from collecting import heard, started
from recordings import Frame, Recording, Recordings, streams
from saved import contents, query, save
from told import DIRECTIONS, launches, told_by

STREAMS = streams()


def taken(frames: list[Frame], launch: str, *, piece: int = 1 << 18) -> list[Batch]:
    """What the collector takes out of a stream that arrives in pieces, a batch a piece."""
    pending, lines, hearing = Pending(), Lines(), Hearing()
    stream = started(launch) + heard(frames)
    batches = []
    for at in range(0, len(stream), piece):
        pending.feed(stream[at : at + piece])
        for what in lines.of(pending.ripe()):
            hearing.hear(what)
        batches.append(hearing.take())
    for what in lines.of(pending.all()):
        hearing.hear(what)
    return [*batches, hearing.take()]


def processes(recording: Recording) -> dict[int, list[Frame]]:
    """Some recordings go on in a second process: that is another launch."""
    found: dict[int, list[Frame]] = {}
    for frame in recording.frames():
        if frame.direction in DIRECTIONS:
            found.setdefault(frame.proc, []).append(frame)
    return found


def test_turns_and_tokens_of_every_recording_arrive(recordings: Recordings, tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    want: dict[str, tuple[str, int | None, int | None]] = {}
    batches = []
    for name in STREAMS:
        recording = recordings.one(name)
        launch = launches(recording.frames())
        for process, frames in processes(recording).items():
            batches += taken(frames, launch[process])
        want |= {
            row.turn_id: (row.status, row.total_tokens, row.duration_ms)
            for row in told_by(recording.frames()).turns
        }
    save(path, *batches)
    rows = query(path, "SELECT turn_id, status, total_tokens, duration_ms FROM turns")
    found = {turn_id: (status, tokens, ms) for turn_id, status, tokens, ms in rows}
    assert {key: row[:2] for key, row in found.items()} == {k: row[:2] for k, row in want.items()}
    # Whole milliseconds of two clocks: what our own measured may differ by one.
    assert all(abs((found[key][2] or 0) - (row[2] or 0)) <= 1 for key, row in want.items())
    assert len(want) > 200
    tokens = sum(total or 0 for _, total, _ in want.values())
    assert query(path, "SELECT sum(total_tokens) FROM turns") == [(tokens,)]
    assert query(path, "SELECT sum(total_tokens), sum(turns) FROM sessions") == [
        (tokens, len(want))
    ]
    assert query(path, "SELECT count(*) FROM gaps") == [(0,)]


@pytest.mark.parametrize("name", ["0.63.0/b_shell", "0.169.0/n_approval", "0.125.0/l_concurrent"])
def test_where_the_stream_is_cut_makes_no_difference(
    recordings: Recordings, tmp_path: Path, name: str
) -> None:
    frames = processes(recordings.one(name))[0]
    whole, cut = tmp_path / "whole.db", tmp_path / "cut.db"
    save(whole, *taken(frames, "L", piece=1 << 30))
    save(cut, *taken(frames, "L", piece=997))
    assert contents(cut) == contents(whole)
