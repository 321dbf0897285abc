"""The secret with which names are hashed, so that nobody can guess them back: one an installation.

Hashes of guessable things (addresses of repositories, commands) are keyed, never plain.
"""

import hmac
import os
from collections.abc import Callable
from pathlib import Path

SIZE = 32
SHOWN = 16
"""Hex digits of a hash that are kept: enough to tell names apart, short enough to read."""


def hasher(path: Path) -> Callable[[str], str]:
    """A function that hashes a name with the secret in a file (0600), which is made if need be.

    Raises `OSError` where it can be neither read nor made.
    """
    key = _load(path)
    return lambda name: hmac.digest(key, name.encode("utf-8", "replace"), "sha256").hex()[:SHOWN]


def secret_path(database: Path) -> Path:
    """Beside the database, not in it: who is given the one doesn't get the other."""
    return database.with_name(f"{database.name}.secret")


def _load(path: Path) -> bytes:
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
        try:
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as it:
                it.write(os.urandom(SIZE))
                it.flush()
                os.fsync(it.fileno())
            # Whoever links first made it; a secret half written is never seen.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
        found = path.read_bytes()
    if len(found) < SIZE:
        raise OSError(f"{path} is no secret of ours")
    return found
