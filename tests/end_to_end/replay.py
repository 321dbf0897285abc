"""Be the server of a recording: say what it said, after each line of the client's that came before.

Each line of the script is `[direction, line, seconds]`: nothing is said sooner than that many
seconds after the client's first line.

With a second file named, when each line was about to be said, or had been heard, is written there.
"""

import json
import sys
import time
from pathlib import Path


def main() -> None:
    began = None
    passed: list[float] = []
    for row in Path(sys.argv[1]).read_text().splitlines():
        direction, line, due_s = json.loads(row)
        if direction == "c2s":
            sys.stdout.buffer.flush()
            sys.stdin.buffer.readline()
            passed.append(time.time())
            began = began if began is not None else time.monotonic() - due_s
            continue
        early_s = (began or 0) + due_s - time.monotonic()
        if early_s > 0:
            sys.stdout.buffer.flush()
            time.sleep(early_s)
        passed.append(time.time())
        sys.stdout.buffer.write(line.encode() + b"\n")
    sys.stdout.buffer.flush()
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text("\n".join(map(repr, passed)))
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
