"""Which Codex to run: the one named by the environment, else on the PATH, else in the checkout.

A shim of ours is none: behind it is one.
"""

import os
import re
import shutil
from pathlib import Path

from codex_telemetry.errors import UserError
from codex_telemetry.host import shim_file

VARIABLE = "CODEX_TELEMETRY_CODEX"
CHECKOUT = Path(__file__).resolve().parents[3]
"""Ours, if we run from one."""


class NoSuchCodexError(UserError):
    """The environment names a Codex that isn't there."""


def find_codex(checkout: Path = CHECKOUT) -> Path | None:
    """The path of a codex program; None if there is none."""
    if named := os.environ.get(VARIABLE):
        if (found := shutil.which(named)) is None:
            raise NoSuchCodexError(
                f"{VARIABLE} names no program that can be run: {named}",
                hint=f"point {VARIABLE} at a codex program, or unset it",
            )
        return Path(found)
    if on_path := shim_file.on_the_path(os.environ.get("PATH", os.defpath)):
        return on_path
    return _newest_in_cache(checkout)


def _newest_in_cache(checkout: Path) -> Path | None:
    programs = {
        _release(folder.name): folder / "node_modules/.bin/codex"
        for folder in checkout.glob(".cache/codex/*")
        if re.fullmatch(r"\d+(\.\d+)+", folder.name)  # not one that is still being fetched
    }
    runnable = {release: path for release, path in programs.items() if os.access(path, os.X_OK)}
    return runnable[max(runnable)] if runnable else None


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
