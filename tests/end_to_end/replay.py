"""Be the server of a recording: say what it said, after each line of the client's that came before.

Each line of the script is `[direction, line, seconds]`: nothing is said sooner than that many
seconds after the client's first line.
"""

import json
import sys
import time
from pathlib import Path


def main() -> None:
    began = None
    for row in Path(sys.argv[1]).read_text().splitlines():
        direction, line, due_s = json.loads(row)
        if direction == "c2s":
            sys.stdout.buffer.flush()
            sys.stdin.buffer.readline()
            began = began if began is not None else time.monotonic() - due_s
            continue
        early_s = (began or 0) + due_s - time.monotonic()
        if early_s > 0:
            sys.stdout.buffer.flush()
            time.sleep(early_s)
        sys.stdout.buffer.write(line.encode() + b"\n")
    sys.stdout.buffer.flush()
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
