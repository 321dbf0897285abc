"""One process at a time: a lock that goes with its process, however that ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codex_telemetry.errors import UserError


@contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """Raises `UserError` where another does it, or the lock can't be made."""
    flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        lock = os.open(path, flags, 0o600)
    except OSError as error:
        raise UserError(
            f"cannot lock {path}: {error.strerror}",
            hint="make its folder writable, or name another database with --db",
        ) from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another {what} of this database is running",
                hint="the service may be at it: codex-telemetry service status",
            ) from None
        yield
    finally:
        os.close(lock)
