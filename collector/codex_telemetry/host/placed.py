"""Files of ours in places that aren't: programs and units in the user's folders, written whole or not
at all."""

import contextlib
import os
from pathlib import Path

from codex_telemetry.errors import UserError


def home() -> Path:
    """The user's home folder."""
    try:
        found = Path.home()
    except RuntimeError:
        found = Path()
    if not found.is_absolute():
        raise UserError("no home folder is known", hint="set HOME")
    return found


def write(path: Path, body: bytes, mode: int) -> None:
    """Raises `UserError`; what was there is then as it was."""
    draft = path.with_name(f".codex-telemetry.{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as it:
                it.write(body)
                os.fchmod(it.fileno(), mode)
            draft.replace(path)
        finally:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror}", hint="nothing was changed"
        ) from None


def remove(path: Path) -> None:
    """Raises `UserError`."""
    try:
        path.unlink()
    except OSError as error:
        raise UserError(
            f"cannot remove {path}: {error.strerror}", hint="nothing was changed"
        ) from None
