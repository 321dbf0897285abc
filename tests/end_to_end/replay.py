"""Be the server of a recording: say what it said, after each line of the client's that came before."""

import json
import sys
from pathlib import Path


def main() -> None:
    said = bytearray()
    for row in Path(sys.argv[1]).read_text().splitlines():
        direction, line = json.loads(row)
        if direction == "s2c":
            said += line.encode() + b"\n"
            continue
        sys.stdout.buffer.write(said)
        sys.stdout.buffer.flush()
        said.clear()
        sys.stdin.buffer.readline()
    sys.stdout.buffer.write(said)
    sys.stdout.buffer.flush()
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
