"""A recorded conversation, said again through `run` by both its sides: at once, or at its own pace."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from codex_telemetry.core.rows import TurnRow
from played import RUN
from recordings import Frame
from told import Told

REPLAY = Path(__file__).parent / "end_to_end" / "replay.py"
LOGGING = (*RUN[:-1], "--log-level", "debug", "--")
"""So that the end of its collector is told."""


class Held(NamedTuple):
    heard: bytes
    frames: list[Frame]
    """With the times at which they passed the client: before it said a line, after it heard one."""


@dataclass(frozen=True)
class Conversation:
    frames: Sequence[Frame]
    paced: bool = False
    """Whether each line waits for its time (`mono_s`)."""

    @property
    def said(self) -> bytes:
        """All that its server says."""
        return b"".join(f.line + b"\n" for f in self.frames if f.direction == "s2c")

    def server(self, script: Path) -> list[str]:
        """The command that says it, once its script is written."""
        with script.open("w") as file:
            for frame in self.frames:
                file.write(json.dumps([frame.direction, frame.line.decode(), self.due(frame)]))
                file.write("\n")
        witness = [str(script.with_suffix(".times"))] if self.paced else []
        return [sys.executable, str(REPLAY), str(script), *witness]

    def due(self, frame: Frame) -> float:
        return frame.mono_s - self.frames[0].mono_s if self.paced else 0.0

    def hold(self, command: Sequence[str], env: dict[str, str], patience_s: float = 120) -> Held:
        """Be its client: say each line once what came before it was heard."""
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        assert child.stdin is not None
        assert child.stdout is not None
        watchdog = threading.Timer(patience_s, child.kill)
        watchdog.start()
        heard, passed = [], list[Frame]()
        began = None
        for frame in self.frames:
            if frame.direction == "s2c":
                heard.append(child.stdout.readline())
                # The server's clock starts with the first line it hears: so does this one.
                began = began if began is not None else time.monotonic() - self.due(frame)
                passed.append(frame._replace(wall_s=time.time()))
            else:
                time.sleep(max(0.0, (began or 0.0) + self.due(frame) - time.monotonic()))
                passed.append(frame._replace(wall_s=time.time()))
                child.stdin.write(frame.line + b"\n")
                child.stdin.flush()
        child.stdin.close()
        heard.append(child.stdout.read())
        child.stdout.close()
        assert child.wait() == 0
        watchdog.cancel()
        return Held(b"".join(heard), passed)


def of_launch(turn_id: str, launch: str) -> str:
    """A short turn id as that launch of `run` calls it: recordings are read as `L0`."""
    return turn_id.replace(":L0:", f":{launch}:")


def by_id(told: Told, launch: str) -> dict[str, TurnRow]:
    return {of_launch(row.turn_id, launch): row for row in told.turns}


def known(turn: Any) -> tuple[Any, ...]:
    """What is known of a turn whatever the time, by its row or its columns."""
    of = turn.__getitem__ if isinstance(turn, dict) else lambda name: getattr(turn, name)
    names = "status total_tokens responses tool_calls tool_failures approvals model"
    return tuple(of(name) for name in names.split())


def differing(stored: Iterable[dict[str, Any]], want: dict[str, TurnRow]) -> dict[str, Any]:
    found = {row["turn_id"]: known(row) for row in stored}
    return {k: (found.get(k), known(row)) for k, row in want.items() if found.get(k) != known(row)}
