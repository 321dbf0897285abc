"""Files that hold a key: their owner's alone, never seen half written, and overwritten before they go."""

import os
from pathlib import Path


def write(path: Path, body: bytes, *, anew: bool) -> None:
    """`anew`: in the place of one that is there; else raises `FileExistsError`. Raises `OSError`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as it:
            it.write(body)
            it.flush()
            os.fsync(it.fileno())
        if anew:
            draft.replace(path)
        else:
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def overwrite(path: Path) -> None:
    """Its bytes are gone where the disk writes in place; many don't. Raises `OSError`."""
    with path.open("r+b") as file:
        file.write(bytes(os.fstat(file.fileno()).st_size))
        file.flush()
        os.fsync(file.fileno())
