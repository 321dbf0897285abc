"""Speak a recording of an app-server, at its pace, as if it were one.

    python -P -m codex_telemetry.demo.replay [FILE]

Each message of the client is waited for before what the recorded server said after it. All times,
and those inside of ids, are moved to now: whoever listens can't tell it from a live server.
"""

import json
import re
import sys
import time
from bisect import bisect_right
from pathlib import Path
from typing import Any

from codex_telemetry.demo.scene import version_in

RECORDED = Path(__file__).with_name("recorded.jsonl")

_UUID7 = re.compile(r"\b([0-9a-f]{8})-([0-9a-f]{4})(?=-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-)")
_DAY_MS = 86_400_000


class Shift:
    """From the times of the recording to those of the replay.

    The client takes its own time to speak, so each of its messages starts a new stretch with a
    shift of its own; a moment keeps the shift of its stretch whenever it is told of.
    """

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._shifts: list[int] = []

    def heard(self, recorded_ms: int, now_ms: int) -> None:
        """The client said now what it said then."""
        self._starts.append(recorded_ms)
        self._shifts.append(now_ms - recorded_ms)

    def at(self, recorded_ms: int) -> int:
        """When that moment is now."""
        return recorded_ms + self.of(recorded_ms)

    def of(self, recorded_ms: int) -> int:
        stretch = max(bisect_right(self._starts, recorded_ms) - 1, 0)
        return self._shifts[stretch] if self._shifts else 0

    def ids(self, text: str) -> str:
        """`text` with the time inside each UUIDv7 of the recording moved."""

        def moved(found: re.Match[str]) -> str:
            made_ms = int(found[1] + found[2], 16)
            if not self._starts or abs(made_ms - self._starts[0]) > _DAY_MS:
                return found[0]
            digits = f"{self.at(made_ms):012x}"
            return f"{digits[:8]}-{digits[8:]}"

        return _UUID7.sub(moved, text)

    def times(self, value: Any, key: str = "") -> Any:
        """`value` with each time in it moved; those of a turn stretch as the turn did."""
        match value:
            case dict():
                moved = {name: self.times(inner, name) for name, inner in value.items()}
                made = _UUID7.match(str(value.get("id")))
                if made and key == "turn" and isinstance(value.get("durationMs"), int):
                    began = int(made[1] + made[2], 16)
                    ended = began + value["durationMs"]
                    moved["durationMs"] = self.at(ended) - self.at(began)
                return moved
            case list():
                return [self.times(inner) for inner in value]
            case int() if key.endswith("AtMs"):
                return self.at(value)
            case int() if key.endswith("At"):
                return self.at(value * 1000 + 500) // 1000  # the middle of that second
        return value


def replay(recording: Path) -> None:
    """Until the recording and the client are both at their end."""
    shift = Shift()
    ids: dict[Any, Any] = {}
    """The ids of the client's requests: the recorded → its own."""
    for row in map(json.loads, recording.read_text().splitlines()):
        message = json.loads(row["line"])
        if row["way"] == "sent":
            line = sys.stdin.buffer.readline()
            if not line:
                return
            shift.heard(row["at_ms"], _now_ms())
            if "method" in message and "id" in message:
                ids[message["id"]] = json.loads(line).get("id")
            continue
        time.sleep(max(shift.at(row["at_ms"]) - _now_ms(), 0) / 1000)
        if "id" in message and "method" not in message:
            message["id"] = ids.get(message["id"], message["id"])
        text = json.dumps(shift.times(message), separators=(",", ":"), ensure_ascii=False)
        sys.stdout.buffer.write(shift.ids(text).encode() + b"\n")
        sys.stdout.buffer.flush()
    while sys.stdin.buffer.readline():
        pass


def recorded_version(recording: Path = RECORDED) -> str | None:
    """The release of Codex the recording was made with."""
    with recording.open() as rows:
        heard = (json.loads(row) for row in rows if '"heard"' in row)
        return next((version_in(json.loads(row["line"])["result"]) for row in heard), None)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    replay(Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDED)
