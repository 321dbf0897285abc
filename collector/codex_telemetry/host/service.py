"""Have this platform's own service manager run the watch: install, find, remove."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from codex_telemetry.errors import UserError
from codex_telemetry.host import launchd, placed, systemd
from codex_telemetry.host.watching import Commands, Watch

PATIENCE_S = 30.0

LARGEST = 65_536
"""Bytes; no file of ours is larger."""

_manager = launchd if sys.platform == "darwin" else systemd
MANAGER: Literal["launchd", "systemd"] = "launchd" if sys.platform == "darwin" else "systemd"


class Installed(NamedTuple):
    path: Path
    watch: Watch | None
    """None: the file isn't ours."""
    enabled: bool

    @property
    def works(self) -> bool:
        """Whether what it runs is there."""
        program = self.watch.program if self.watch is not None else Path()
        return program.is_file() and os.access(program, os.X_OK)


class Untold(NamedTuple):
    """What a person has to type, because nobody could be told, or because it failed."""

    commands: Commands
    failed: bool


def path() -> Path:
    where: Path = _manager.path()
    return where


def installed() -> Installed | None:
    """What is there by that name; None if nothing is."""
    where = path()
    if not os.path.lexists(where):
        return None
    return Installed(where, _manager.read(_body(where)), _manager.is_enabled())


def install(watch: Watch, complaints: Path, *, force: bool) -> Literal["installed", "unchanged"]:
    """Write the file; `complaints`: where stderr goes, if the manager has no place for it.

    Raises `UserError` where another is there, unless it is ours and that is forced; then nothing was
    changed.
    """
    found, body = installed(), _manager.written(watch, complaints)
    if found is not None:
        if found.watch is None or found.path.is_symlink():
            raise UserError(
                f"{found.path} is there already, and not ours; nothing was changed",
                hint="move it away",
            )
        if _body(found.path) == body:
            return "unchanged"
        if not force:
            raise UserError(
                f"a service is installed already, with other settings: {found.path}; "
                "nothing was changed",
                hint="--force replaces it",
            )
    placed.write(path(), body, 0o644)
    return "installed"


def uninstall() -> Untold | None:
    """Stop it and remove its file. Raises `UserError` where it isn't there or isn't ours."""
    found = installed()
    if found is None:
        raise UserError(f"no service is installed: {path()}")
    if found.watch is None:
        raise UserError(f"{found.path} is not ours; nothing was changed", hint="remove it by hand")
    untold = _tell(_manager.stop())
    placed.remove(found.path)
    _tell(_manager.forget())
    return untold


def start(*, anew: bool) -> Untold | None:
    """Have it started, now and at each login. `anew`: another is running by that name."""
    return _tell(_manager.restart() if anew else _manager.start())


def _tell(commands: Commands) -> Untold | None:
    if not _manager.can_be_told():
        return Untold(commands, failed=False)
    return None if all(_succeeds(command) for command in commands) else Untold(commands, True)


def _succeeds(command: tuple[str, ...]) -> bool:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _body(where: Path) -> bytes:
    try:
        with open(os.open(where, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123
            return file.read(LARGEST)
    except OSError:
        return b""
