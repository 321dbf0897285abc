"""Scripts played by a real Codex behind `run`, each on a thread of its own, with what is true of them.

The truth is by the machine's clock, from outside of Codex: the stub says when it was busy, commands
write down when they began and ended, and the client knows how long it let Codex wait.
"""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app_server import Talk, prompt
from codex_telemetry.core.spans import Span, divided, merged
from codex_telemetry.demo.client import Line
from codex_telemetry.demo.model_stub import Call
from store_of import rows, until

RUN = (sys.executable, "-P", "-m", "codex_telemetry", "run", "--")

APART_S = 0.3
"""Between the starts of turns: all at once, they would wait for one another."""


@dataclass(frozen=True)
class Cue:
    """What to play, and how the client answers what Codex asks of it."""

    script: str
    decision: str = "accept"
    after_s: float = 0.4


@dataclass(frozen=True)
class Played:
    """A turn that was played. Spans are Unix ms."""

    cue: Cue
    thread: str
    calls: list[Call]
    """What the stub was asked, in order."""
    commands: list[Span]
    """When each command that writes it down began and ended."""
    waits: list[Span]
    """From each request of Codex to the client's answer."""

    @property
    def busy(self) -> list[Span]:
        """When the model was at work: from each request to the last of its response."""
        return merged(
            (c.started_ns // NS, (c.told_ns or c.ended_ns or 0) // NS) for c in self.calls
        )

    @property
    def tools(self) -> list[Span]:
        """When Codex waited for commands: one that goes on while the model is asked again is in the
        background then, and so is one that outlives the last response."""
        stretches: list[Span] = []
        for begun, ended in self.commands:
            later = [span for span in self.busy if span[0] > begun]
            over = max((end for _, end in self.busy), default=ended)
            stretches += _without([(begun, min(ended, over))], later)
        return _without(merged(stretches), merged(self.waits))

    @property
    def model(self) -> list[Span]:
        """When nothing else went on but the model's work."""
        return _without(_without(self.busy, self.tools), merged(self.waits))

    @property
    def spoken_at(self) -> int:
        """When the stub said its first word."""
        return next(call.first_ns for call in self.calls if call.first_ns) // NS


NS = 1_000_000


def at_most(ms: int) -> int:
    """A margin: what a quiet machine does in `ms` takes longer on one that has other work."""
    return int(ms * max(1.0, _work()))


def stalled(turns: int) -> int:
    """How many of so many turns a machine with other work may have kept waiting; a quiet one, none."""
    return turns // 5 if _work() > 1.0 else 0


def _work() -> float:
    """Processes that want to run, for each processor."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


def play(it: Talk, cues: Sequence[Cue]) -> list[Played]:
    """All of them at the same time, to their ends."""
    client, threads = it.client, [it.thread]
    while len(threads) < len(cues):
        threads.append(client.start_thread(it.home.work))
    of = dict(zip(threads, cues, strict=True))
    client.on_request(
        "/requestApproval$",
        lambda asked: {"decision": of[asked["threadId"]].decision},
        after=lambda asked: of[asked["threadId"]].after_s,
    )
    since = client.mark()
    for n, thread in enumerate(threads):
        client.start_turn(thread, prompt(of[thread].script, str(n)))
        time.sleep(APART_S)
    until(lambda: len(client.messages("turn/completed", since=since)) == len(cues))
    asked = waits(client.lines[since:])
    return [
        Played(
            cue,
            thread,
            [call for call in it.stub.calls if call.thread == thread],
            _commands(it.home.work, n),
            asked.get(thread, []),
        )
        for n, (thread, cue) in enumerate(of.items())
    ]


def row_of(database: Path, played: Played) -> dict[str, Any]:
    """What the store says of its turn, once that has ended."""
    query = "SELECT * FROM turns WHERE session_id = ? AND status <> 'in_progress'"
    (row,) = until(lambda: rows(database, query, played.thread))
    return row


def _without(a: list[Span], b: list[Span]) -> list[Span]:
    """The time of `a` that isn't in `b` (each merged)."""
    return divided(a, b)[1]


def _commands(work: Path, n: int) -> list[Span]:
    """What commands have written down, once they have ended."""
    clocks = sorted(work.glob(f"CANARY-FILE-{n}-*.ns"))

    def all_ended() -> list[list[int]] | None:
        told = [[int(ns) // NS for ns in clock.read_text().split()] for clock in clocks]
        return told if all(len(times) == 2 for times in told) else None

    return [(began, ended) for began, ended in until(all_ended) or []] if clocks else []


def waits(lines: Sequence[Line]) -> dict[str, list[Span]]:
    """By thread: from each request of Codex to the client's answer."""
    asked: dict[object, Line] = {}
    spans: dict[str, list[Span]] = {}
    for line in lines:
        message = line.message or {}
        if "id" not in message:
            continue
        if line.way == "heard" and "method" in message:
            asked[message["id"]] = line
        elif line.way == "sent" and "method" not in message:
            question = asked[message["id"]]
            assert question.message is not None
            span = (question.wall_ns // NS, line.wall_ns // NS)
            spans.setdefault(question.message["params"]["threadId"], []).append(span)
    return spans
