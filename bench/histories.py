"""Histories as long as people have them: threads of four releases, of any number, the same each time.

`python bench/histories.py HOME [FILES]`: a thousand files take 500 MB. Most lines are short, outputs and
instructions of up to 40 KB, some of megabytes; forks that copy their parent's lines, others that don't;
subagents; counts said again; compactions; some archived, some compressed.
"""

import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import zstandard

from made_up_169 import In169
from made_up_releases import In020, In063, In125
from made_up_text import Texts
from made_up_threads import Thread

BEGUN = 1_750_000_000_000
"""ms UTC, a Sunday in June 2025."""
SPAN_MS = 500 * 86_400_000
TYPICAL = 230_000
"""Bytes of a thread: half of them are longer, a few very long; the mean is 500 KB."""


class Written(NamedTuple):
    """What lies there, and what a reader has to find in it."""

    files: int
    size: int
    sessions: int
    turns: int
    responses: int
    tokens: int


def write(home: Path, files: int, *, typical: int = TYPICAL, seed: int = 2026) -> Written:
    """Write a history under a home of Codex. `files`: how many threads; `typical`: bytes of one."""
    chance = random.Random(seed)
    sizes = []
    found = Written(files, 0, 0, 0, 0, 0)
    for thread in _threads(chance, files, typical):
        sizes.append(_save(home, thread, chance))
        counted = thread.counted
        found = found._replace(
            sessions=found.sessions + 1,
            turns=found.turns + counted.turns,
            responses=found.responses + counted.responses,
            tokens=found.tokens + counted.tokens,
        )
    return found._replace(size=sum(sizes))


def _threads(chance: random.Random, files: int, typical: int) -> Iterator[Thread]:
    texts = Texts(chance)
    earlier: Thread | None = None
    for n in range(files):
        ms = BEGUN + SPAN_MS * n // files
        thread = _kind(n, files)(chance, texts, ms, n)
        if isinstance(thread, In125 | In169) and type(earlier) is type(thread) and n % 9 == 4:
            thread.parent = earlier
            if isinstance(thread, In169):
                thread.subagent = n % 2 == 0
                thread.root_turn = earlier.turn if thread.subagent else ""
        thread.begin()
        _fill(thread, chance, typical)
        earlier = thread
        yield thread


def _kind(n: int, files: int) -> type[Thread]:
    """Releases follow one another; most of what people have is new."""
    era = n / files
    if era < 0.03 and n % 2 == 0:
        return In020
    return In063 if era < 0.2 else In125 if era < 0.5 else In169


def _fill(thread: Thread, chance: random.Random, typical: int) -> None:
    """Turns until it is as long as it shall be: many are short, a few very long."""
    wanted = min(40 * typical, int(chance.lognormvariate(0, 1.0) * typical))
    size, measured = 0, 0
    while size < wanted:
        thread.take_turn(1 + min(60, int(chance.expovariate(1 / 7))))
        if chance.random() < 0.04:
            thread.compact()
        size += sum(map(len, thread.lines[measured:]))
        measured = len(thread.lines)


def _save(home: Path, thread: Thread, chance: random.Random) -> int:
    begun = datetime.fromtimestamp(thread.begun_ms // 1000, UTC)
    folder = home / "sessions" / f"{begun:%Y/%m/%d}"
    if chance.random() < 0.1:
        folder = home / "archived_sessions"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"rollout-{begun:%Y-%m-%dT%H-%M-%S}-{thread.id}.jsonl"
    content = thread.text().encode()
    if isinstance(thread, In169) and chance.random() < 0.04:
        path = path.with_name(path.name + ".zst")
        content = zstandard.compress(content, 3)
    path.write_bytes(content)
    return len(content)


def main() -> None:
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python bench/histories.py HOME [FILES]")
    print(write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else 1_000))


if __name__ == "__main__":
    main()
