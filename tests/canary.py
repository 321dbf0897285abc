"""No word of anyone's: everything the stub, the recordings and their clients say is marked."""

import re
from pathlib import Path

MARKED = re.compile(rb"CANARY-|not-a-key|sk-canary")


def leaks(folder: Path) -> list[str]:
    """The files under a folder that hold something that was said; their names count too."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if MARKED.search(str(path.name).encode())
        or (path.is_file() and MARKED.search(path.read_bytes()))
    )


def leaks_in(output: bytes | str) -> bool:
    """Whether an output holds something that was said."""
    return MARKED.search(output.encode() if isinstance(output, str) else output) is not None
