"""Stand in for Codex: say what a script says, as often and as fast as told.

    python stand_in.py SCRIPT [PACE_S] [TIMES]

Each row of the script is `[waits, text]`: whether a line of the client's comes first, and what is
said then. Standard library only, and nothing but reads and writes where the time is taken.
"""

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    script = Path(sys.argv[1]).read_text().splitlines()
    pace_s = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    times = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    rows = [(waits, text.encode()) for waits, text in map(json.loads, script)]
    due = time.monotonic()
    for _ in range(times):
        for waits, text in rows:
            if waits:
                if not _hear_a_line():
                    return
                due = time.monotonic()
            if pace_s:
                due += pace_s
                time.sleep(max(0.0, due - time.monotonic()))
            _say(text)
    while os.read(0, 65_536):
        pass


def _hear_a_line() -> bool:
    while heard := os.read(0, 65_536):
        if heard.endswith(b"\n"):
            return True
    return False


def _say(text: bytes) -> None:
    rest = memoryview(text)
    while rest:
        rest = rest[os.write(1, rest) :]


if __name__ == "__main__":
    main()
