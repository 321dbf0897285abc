"""Install shims, find those there are, and remove them: never a file that isn't ours."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from codex_telemetry.errors import UsageError, UserError
from codex_telemetry.host import placed, shim_file
from codex_telemetry.host.find import find_codex

NAME = "codex-telemetry-codex"

PATIENCE_S = 20.0


def default_folder() -> Path:
    return placed.home() / ".local" / "bin"


def place(name: str, folder: Path | None) -> Path:
    """Where a shim of that name lies. Raises `UsageError` for what can't be the name of a file."""
    if not name or "/" in name or name in (".", "..") or not name.isprintable():
        raise UsageError(
            f"--name: {name!a} can't be the name of a program",
            hint="a name without /, such as codex-telemetry-codex; --dir names the folder",
        )
    if len(os.fsencode(name)) > 255:
        raise UsageError("--name is too long", hint="at most 255 bytes")
    if folder is not None and "\0" in str(folder):
        raise UsageError("--dir is not a folder", hint="it holds a NUL byte")
    return (default_folder() if folder is None else folder.expanduser().absolute()) / name


def install(
    path: Path, codex: Path | None, options: Sequence[str]
) -> Literal["installed", "updated", "unchanged"]:
    """Write a shim there. `codex`: the one to start, whatever is on the PATH.

    Raises `UserError` where a file that isn't ours is in the way, no Codex is found, or it can't be
    written; then nothing was changed.
    """
    if codex is not None:
        codex = codex.expanduser().absolute()
        if not shim_file.is_codex(codex):
            raise UserError(
                f"--codex: {codex} is no Codex that can be run", hint="name the program itself"
            )
    text = shim_file.written(codex, codex or _found(), options)
    before = shim_file.read(path)
    if path.is_symlink() or (before is None and os.path.lexists(path)):
        raise UserError(
            f"{path} is there already, and not ours; nothing was changed",
            hint="another --name or --dir",
        )
    if before is not None and path.read_bytes() == text and os.access(path, os.X_OK):
        return "unchanged"
    _try()
    placed.write(path, text, 0o755)
    return "installed" if before is None else "updated"


def uninstall(path: Path) -> None:
    """Raises `UserError` where there is none, or it isn't ours, or it can't be removed."""
    if not os.path.lexists(path):
        raise UserError(
            f"there is no shim at {path}", hint="codex-telemetry shim status lists them"
        )
    if path.is_symlink() or shim_file.read(path) is None:
        raise UserError(f"{path} is not ours; nothing was changed", hint="remove it by hand")
    placed.remove(path)


def installed(folder: Path | None = None) -> Iterator[tuple[Path, shim_file.Shim]]:
    """Those in a folder (the default one, if none is named), and those that the PATH leads to."""
    folders = [folder.expanduser().absolute() if folder is not None else default_folder()]
    candidates = [entry for one in folders for entry in _files(one)]
    if folder is None:
        candidates += [
            Path(one) / name
            for one in os.environ.get("PATH", "").split(":")
            if one.startswith("/")
            for name in ("codex", NAME)
        ]
    for path in dict.fromkeys(candidates):
        shim = shim_file.read(path)
        if shim is not None:
            yield path, shim


def _found() -> Path | None:
    """Where Codex is now, to be kept. Raises `UserError` where there is none."""
    found = find_codex()
    if found is None:
        raise UserError(
            "there is no codex on the PATH", hint="name it: --codex PATH, or install it first"
        )
    return found.absolute()


def _try() -> None:
    """Whether this installation can be started as a shim starts it, its collector included."""
    try:
        done = subprocess.run(
            [sys.executable, "-E", "-P", "-c", "import codex_telemetry.pipeline"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            cwd="/",
            check=False,
        )
        works = done.returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        works = False
    if not works:
        raise UserError(
            f"{sys.executable} can't start codex-telemetry by itself",
            hint="install it: pip install, in an environment that stays",
        )


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
