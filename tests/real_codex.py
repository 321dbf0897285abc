"""The real Codex releases that tests run against: which, where they are, and what to do without one."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
RELEASES = tuple(
    line
    for line in (CHECKOUT / "scripts" / "codex_releases.txt").read_text().splitlines()
    if line and not line.startswith("#")
)
"""Pinned, the newest first: `make codex` fetches them."""
NEWEST = RELEASES[0]
CACHE = Path(os.environ.get("CODEX_CACHE") or CHECKOUT / ".cache" / "codex")
WANT = "the real Codex"


@dataclass(frozen=True)
class RealCodex:
    version: str
    path: Path

    def __str__(self) -> str:
        return str(self.path)


def real_codex(version: str = NEWEST) -> RealCodex:
    """A pinned release; without it the test that asks skips, and in CI it fails."""
    assert version in RELEASES, f"{version} is not pinned in scripts/codex_releases.txt"
    path = CACHE / version / "node_modules" / ".bin" / "codex"
    if not path.exists():
        do_without(WANT, f"Codex {version} is not in {CACHE} (`make codex` fetches it from npm)")
    return RealCodex(version, path)


def do_without(want: str, reason: str) -> None:
    """Skip for want of something, so that the last line can count it; in CI nothing may be missing."""
    if os.environ.get("CI", "").lower() in {"true", "1"}:
        pytest.fail(f"for want of {want}: {reason}", pytrace=False)
    pytest.skip(f"for want of {want}: {reason}")
