"""The secret with which names are hashed, so that nobody can guess them back: one an installation, or
one that a team shares, so that its hashes match.

Hashes of guessable things (addresses of repositories, folders, commands) are keyed, never plain.
"""

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

from codex_telemetry import private_files

SIZE = 32
LARGEST = 4_096
"""Bytes of a secret: at least so many, and at most."""

SHOWN = 16
"""Hex digits of a hash that are kept: enough to tell names apart, short enough to read."""


class Secret(NamedTuple):
    key: bytes

    @property
    def id(self) -> str:
        """Says which secret it is, and nothing of it."""
        return self.hash("the id of this secret")[:8]

    def hash(self, name: str) -> str:
        import hmac  # noqa: PLC0415 - reports hardly ever need it

        return hmac.digest(self.key, name.encode("utf-8", "replace"), "sha256").hex()[:SHOWN]


def secret_path(database: Path) -> Path:
    """Beside the database, not in it: who is given the one doesn't get the other."""
    return database.with_name(f"{database.name}.secret")


def load(path: Path) -> Secret:
    """The secret in a file (0600), which is made if need be.

    Raises `OSError` where it can be neither read nor made, or is none.
    """
    found = find(path)
    if found is None:
        with contextlib.suppress(FileExistsError):  # whoever made it first made it
            private_files.write(path, os.urandom(SIZE), anew=False)
        found = find(path)
    if found is None:
        raise FileNotFoundError(path)
    return found


def passing() -> Secret:
    """One that nobody keeps."""
    return Secret(os.urandom(SIZE))


def find(path: Path) -> Secret | None:
    """The secret in a file, if there is one. Raises `OSError` where it can't be read or is none."""
    try:
        with path.open("rb") as file:
            found = file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    if not SIZE <= len(found) <= LARGEST:
        raise OSError(f"{path} is no secret of ours")
    return Secret(found)


def known_id(database: Path) -> str | None:
    """The id of the secret beside a database; None if there is none, or it can't be read."""
    with contextlib.suppress(OSError):
        found = find(secret_path(database))
        return None if found is None else found.id
    return None


def replace(path: Path, secret: Secret) -> None:
    """Put another in its place. Raises `OSError`."""
    private_files.write(path, secret.key, anew=True)


def write(path: Path, secret: Secret) -> None:
    """Into a new file (0600). Raises `FileExistsError`, `OSError`."""
    private_files.write(path, secret.key, anew=False)


def forget(path: Path) -> bool:
    """Whether there was one. What was hashed with it stays, and can't be matched any more."""
    try:
        private_files.overwrite(path)
        path.unlink()
    except FileNotFoundError:
        return False
    return True
