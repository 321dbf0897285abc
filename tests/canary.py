"""No word of anyone's: everything the stub, the recordings and their clients say is marked."""

import contextlib
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from codex_telemetry.store.bodies import unpacked
from commands import Answer, run

MARKED = re.compile(rb"CANARY-|not-a-key|sk-canary")


COMPRESSED = (
    "SELECT body FROM told_bodies",
    "SELECT body FROM told_sessions",
    "SELECT state FROM rollout_files",
)
"""What a database holds in a form in which nothing can be found."""


def held(file: Path) -> bytes:
    """All the bytes of a file; of a database what is compressed in it, too."""
    content = file.read_bytes()
    if not content.startswith(b"SQLite format 3"):
        return content
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as db:
        for query in COMPRESSED:
            with contextlib.suppress(sqlite3.Error):  # damaged, or another's
                content += b"\n".join(unpacked(row[0]) for row in db.execute(query))
    return content


def leaks(folder: Path) -> list[str]:
    """The files under a folder that hold something that was said; their names count too."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if MARKED.search(str(path.name).encode()) or (path.is_file() and MARKED.search(held(path)))
    )


def leaks_in(output: bytes | str) -> bool:
    """Whether an output holds something that was said."""
    return MARKED.search(output.encode() if isinstance(output, str) else output) is not None


@dataclass
class Canary:
    """A telemetry home, and all that was said about it: at the test's end neither holds a mark.

    The fixture `canary` (conftest.py) gives one. What has to be looked at and isn't printed by
    `run` is handed to `heard`."""

    home: Path
    env: dict[str, str]
    """For processes that shall use the home."""
    said: list[bytes | str] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    """Where else to look, besides the home."""

    def run(self, *words: str) -> Answer:
        """A command in a process of its own, its output looked at."""
        answer = run(*words, env=self.env)
        self.heard(answer.out, answer.err)
        return answer

    def heard(self, *outputs: bytes | str) -> None:
        self.said += outputs

    def check(self) -> None:
        for folder in (self.home, *self.folders):
            assert leaks(folder) == [], folder
        loud = [output for output in self.said if leaks_in(output)]
        assert loud == []
