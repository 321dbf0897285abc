"""The files of this checkout, as git knows them."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


@cache
def files(*options: str) -> tuple[Path, ...]:
    """What `git ls-files` lists, less what was deleted; outside a git checkout the test skips."""
    git = shutil.which("git")
    # CI may run as another user than the one who cloned, which git distrusts.
    command = [git or "", "-c", f"safe.directory={CHECKOUT}", "ls-files", "-z", *options]
    listing = (
        subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=False) if git else None
    )
    if listing is None or listing.returncode != 0:
        pytest.skip("not a git checkout")
    paths = (CHECKOUT / name for name in listing.stdout.decode().split("\0") if name)
    return tuple(path for path in paths if path.is_file())
