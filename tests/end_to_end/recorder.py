"""Stand between: pass a program's stdin and stdout on, keeping a copy of each in a folder."""

import os
import subprocess
import sys
import threading
from pathlib import Path


def pass_on(source: int, target: int, copy: Path) -> None:
    with copy.open("wb", buffering=0) as file:
        while chunk := os.read(source, 1 << 16):
            file.write(chunk)
            os.write(target, chunk)
    os.close(target)


def main() -> None:
    folder, command = Path(sys.argv[1]), sys.argv[2:]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        up = (0, child.stdin.fileno(), folder / "to_codex")
        threading.Thread(target=pass_on, args=up, daemon=True).start()
        pass_on(child.stdout.fileno(), 1, folder / "from_codex")
        os._exit(child.wait())


if __name__ == "__main__":
    main()
