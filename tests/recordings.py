"""The recordings of real Codex releases in `fixtures/recordings.tar.xz`, as tests want them."""

import fnmatch
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "recordings.tar.xz"


class Frame(NamedTuple):
    """A line as it passed by. `direction`: c2s, s2c, stderr, or proc (spawns, signals, exits)."""

    direction: str
    wall_s: float
    mono_s: float
    line: bytes
    """Without its newline."""
    proc: int


@dataclass(frozen=True)
class Recording:
    version: str
    scenario: str
    path: Path

    @property
    def name(self) -> str:
        return f"{self.version}/{self.scenario}"

    def frames(self) -> Iterator[Frame]:
        for row in rows(self.path / "stream.jsonl"):
            line = row["line"].encode()
            yield Frame(row["dir"], row["ts"], row["mono"], line, row.get("proc", 0))

    def truth(self) -> list[dict[str, Any]]:
        """What the stub of the model API was asked and what it sent."""
        return list(rows(self.path / "mock.jsonl"))

    def meta(self) -> dict[str, Any]:
        meta: dict[str, Any] = json.loads((self.path / "meta.json").read_bytes())
        return meta

    def rollouts(self) -> list[Path]:
        """The rollout files as they were at the end."""
        return sorted(self.path.glob("rollouts/*.jsonl*"))

    def copies(self) -> list[Path]:
        """Copies of rollout files at earlier moments."""
        return sorted(self.path.glob("*-rollout-*"))


class Recordings:
    """All of them, unpacked into `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with tarfile.open(ARCHIVE) as archive:
            for member in archive:
                # By hand: `extractall` warns without a filter from 3.12 on, and Debian 12's has none.
                content = archive.extractfile(member)
                assert content is not None
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())

    def one(self, name: str) -> Recording:
        """By `<version>/<scenario>`."""
        version, scenario = name.split("/")
        return Recording(version, scenario, self.folder / name)

    def like(self, *patterns: str) -> list[Recording]:
        """Those whose name matches any of the patterns, such as `0.169.0/*` or `*/a_plain`."""
        return [self.one(name) for name in names(*patterns)]


@cache
def names(*patterns: str) -> tuple[str, ...]:
    """Names of the recordings that match, in order; for `parametrize`, as nothing is unpacked."""
    with tarfile.open(ARCHIVE) as archive:
        first = archive.next()
        index = archive.extractfile(first) if first else None
        assert index is not None
        every = index.read().decode().split()
    found = tuple(
        name for name in every if any(fnmatch.fnmatch(name, p) for p in patterns or ("*",))
    )
    # A pattern that fits nothing would make a test that can't fail.
    assert found, f"no recording is called like {patterns}"
    return found


def streams() -> tuple[str, ...]:
    """Names of the recordings whose stream tells whose it is: not what `exec` says for people to read,
    nor what it said up to 0.43."""
    unnamed = {*names("*/x_exec_human"), *names("0.20.0/x_exec*", "0.42.0/x_exec*")}
    return tuple(name for name in names() if name not in unnamed)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            yield json.loads(line)
