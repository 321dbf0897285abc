"""Every recorded stream, said again through `run` at the pace it was recorded: where did its time go?

Within turns the pace is that of the recording. A pause between turns is cut to a second: 0.98 looked
for the network for six whenever a thread began. Recordings of one release follow one another on a
few streams, and all streams run at once.

Both sides of a conversation note when each line passed them, and `run` saw it between the two. How far
its figures may be from the client's follows from that, however busy the machine is.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from codex_telemetry.core.parts import Parts
from codex_telemetry.core.rows import TurnRow
from conversing import LOGGING, Conversation, by_id, differing
from recordings import Frame, Recordings, names
from store_of import ended_collectors, rows, until
from told import DIRECTIONS, told_by

STREAMS = tuple(name for name in names() if "/x_exec" not in name)
PROCESSES = (0, 1)
"""Some recordings go on in a second process: turn ids of old releases start again there."""
LONGEST_S = 30.0
"""A stream takes in recordings until it is as long."""
PAUSE_S = 1.0
APART_S = 0.3
"""Between the starts of streams: a Python that starts needs a processor for itself."""

ASKS = frozenset({"turn/start", "review/start", "thread/compact/start", "sendUserMessage"})
ENDS, OLDER_ENDS = {"turn/completed"}, {"codex/event/task_complete", "codex/event/turn_aborted"}


@dataclass
class Stream:
    """Recordings of one release, one after another in one process."""

    release: str
    process: int
    frames: list[Frame] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.frames[-1].mono_s if self.frames else 0.0

    def add(self, frames: Sequence[Frame]) -> None:
        self.frames += paced(frames, self.seconds)


def paced(frames: Sequence[Frame], start_s: float) -> Iterator[Frame]:
    """The frames as they pass from `start_s` on."""
    methods = [_method(frame) for frame in frames]
    ends = ENDS if ENDS & set(methods) else OLDER_ENDS
    running, now, before = 0, start_s, frames[0].mono_s
    for frame, method in zip(frames, methods, strict=True):
        gap = frame.mono_s - before
        now, before = now + (gap if running else min(gap, PAUSE_S)), frame.mono_s
        yield frame._replace(mono_s=now, proc=0)
        running += (method in ASKS) - (method in ends and running > 0)


def _method(frame: Frame) -> str:
    try:
        return str(json.loads(frame.line).get("method"))
    except (ValueError, AttributeError):
        return ""  # A client was made to send lines that are no messages.


@dataclass
class Held:
    """A stream that was held through `run`, and what it left in a store of its own."""

    frames: list[Frame]
    """With the times at which they passed the client."""
    apart_ms: list[float]
    """Of each: from the one side to the other. `run` saw it meanwhile."""
    launch: str
    turns: list[dict[str, Any]]

    def slack(self, want: TurnRow) -> tuple[float, float]:
        """How far `run`'s ms may be from the client's: those between two lines, and those of a part.

        A part is made of gaps between lines, so it is off by no more than all their ends are. What is
        said piece by piece ends none but its first does. Each time is cut to whole ms, on both sides.
        """
        passed = [*zip(self.frames, self.apart_ms, strict=True)][self._lines_of(want)]
        of = [(apart + 1, "delta" in _method(frame)) for frame, apart in passed]
        most = max(apart for apart, _ in of)
        return 2 * most, 2 * (most + sum(apart for apart, piece in of if not piece))

    def _lines_of(self, turn: TurnRow) -> slice:
        """From the request for it to the last line that names it; all, where ids are short."""
        named = turn.turn_id.encode()
        at = [n for n, frame in enumerate(self.frames) if named in frame.line]
        if not at:
            return slice(None)
        asked = [n for n in range(at[0] + 1) if _method(self.frames[n]) in ASKS]
        return slice(asked[-1] if asked else 0, at[-1] + 1)

    def behind_ms(self, stream: Stream) -> float:
        """By how much gaps between its lines were longer or shorter than recorded, all together."""
        pairs = zip(self.frames, stream.frames, strict=True)
        late = [
            1000 * (now.wall_s - then.mono_s) for now, then in pairs if "delta" not in _method(now)
        ]
        return sum(abs(after - before) for before, after in pairwise(late))


def streams(recordings: Recordings) -> list[Stream]:
    """All recordings on as few streams as end in time."""
    found: list[Stream] = []
    for name in STREAMS:
        every = [f for f in recordings.one(name).frames() if f.direction in DIRECTIONS]
        for process in PROCESSES:
            frames = [frame for frame in every if frame.proc == process]
            if not frames:
                continue
            lasts = [*paced(frames, 0.0)][-1].mono_s
            mine = (name.partition("/")[0], process)
            room = (
                s for s in found if (s.release, s.process) == mine and s.seconds + lasts < LONGEST_S
            )
            stream = next(room, None)
            if stream is None:
                found.append(stream := Stream(*mine))
            stream.add(frames)
    return found


@pytest.mark.alone
def test_all_recordings_at_their_own_pace(recordings: Recordings, tmp_path: Path) -> None:
    every = streams(recordings)
    with ThreadPoolExecutor(len(every)) as pool:
        held = []
        for n, stream in enumerate(every):
            (folder := tmp_path / str(n)).mkdir()
            held.append(pool.submit(_hold, stream, folder))
            time.sleep(APART_S)
        stored = [one.result() for one in held]
    spent, recorded = Counter[str](), Counter[str]()
    behind_ms = 0.0
    for stream, it in zip(every, stored, strict=True):
        now, then = (by_id(told_by(frames), it.launch) for frames in (it.frames, stream.frames))
        assert not differing(it.turns, then), stream.release
        behind_ms += it.behind_ms(stream)
        for row in it.turns:
            want = now[row["turn_id"]]
            _is_right(row, want, *it.slack(want))
            for part in ("duration", *Parts._fields):
                spent[part] += row[f"{part}_ms"] or 0
                recorded[part] += getattr(then[row["turn_id"]], f"{part}_ms") or 0
    for part, ms in recorded.items():
        assert abs(spent[part] - ms) <= max(1_000, ms // 20) + behind_ms, (part, spent, recorded)
    assert recorded["duration"] > 150_000


def _hold(stream: Stream, folder: Path) -> Held:
    home = folder / "home"
    env = {
        **os.environ,
        "CODEX_HOME": str(folder / "codex"),
        "CODEX_TELEMETRY_HOME": str(home),
    }
    talk = Conversation(stream.frames, paced=True)
    held = talk.hold([*LOGGING, *talk.server(folder / "script.jsonl")], env)
    assert held.heard == talk.said
    until(lambda: ended_collectors(home))
    (launch,) = rows(home / "telemetry.db", "SELECT name FROM origins")
    server = (folder / "script.times").read_text().split()
    apart_ms = [
        1000 * (float(at_s) - frame.wall_s) * (1 if frame.direction == "c2s" else -1)
        for frame, at_s in zip(held.frames, server, strict=True)
    ]
    assert min(apart_ms) >= 0
    turns = rows(home / "telemetry.db", "SELECT * FROM turns")
    return Held(held.frames, apart_ms, launch["name"], turns)


def _is_right(row: dict[str, Any], want: TurnRow, nearly_ms: float, summed_ms: float) -> None:
    """Held against what passed the client, read by itself."""
    parts = {part: row[f"{part}_ms"] for part in Parts._fields}
    for name in (*parts, "duration", "ttft", "ttfm"):
        mine, theirs = row[f"{name}_ms"], getattr(want, f"{name}_ms")
        if mine is None or theirs is None:
            assert mine is theirs, (name, row)
        else:
            slack_ms = summed_ms if name in parts else nearly_ms
            assert abs(mine - theirs) <= slack_ms, (name, mine, theirs, slack_ms, row)
    if row["duration_ms"] is None or row["tools_ms"] is None:
        return
    assert min(parts.values()) >= 0, row
    assert sum(parts.values()) == row["duration_ms"], row
    if row["status"] == "completed":
        assert parts["unexplained"] <= max(50, row["duration_ms"] // 20) + summed_ms, row
