"""How long a backfill takes, how much memory, how large its database is: against programs that scan only.

`python bench/backfills.py [--runs N] [--sizes 100,1000,5000] [--homes FOLDER]` makes the histories of
`histories.py` first, where they aren't there, and prints a table. Each run starts whole processes, ours
and the peers' in turn; files are in the page cache for all of them.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import histories
import peers
from figures import Figure, Unit, as_markdown
from took import Took, as_installed, run

GROUP = "History"
SIZES = (100, 1_000, 5_000)
DECODING = Path(__file__).with_name("decoding.py")
PYTHON = "python -c 'import json, sqlite3'"

COLD = (
    "Python itself, some 11 µs and 500 of its instructions a line: a flat profile, a fifth of it decoding "
    "JSON; nearly as much again for rows and SQLite"
)
UNCHANGED = "two interpreters and their imports; no log is opened"
ROWS = "items (a quarter), what each log told of turns and turns (a sixth each), responses (a seventh), with their indexes"


def figures(
    runs: int, folder: Path, sizes: Sequence[int] = SIZES, homes: Path | None = None
) -> Iterator[Figure]:
    """`homes`: where histories lie, or are made and left."""
    ccusage, tokscale = peers.ccusage(), peers.tokscale()
    measured = [
        _Measured(runs, folder / f"{files}", _history(homes or folder, files), ccusage, tokscale)
        for files in sizes
    ]
    for each in measured:
        yield from each.cold()
    yield from measured[-1].unchanged()
    yield from measured[-1].appended()
    for each in measured:
        yield each.memory()
    for each in measured:
        yield each.size()


def _history(folder: Path, files: int) -> Path:
    home = folder / f"history-{files}"
    done = home / "done"
    if not done.exists():
        shutil.rmtree(home, ignore_errors=True)
        histories.write(home, files)
        done.touch()
    return home


class _Measured:
    """One history."""

    def __init__(
        self,
        runs: int,
        ours: Path,
        home: Path,
        ccusage: peers.Peer | None,
        tokscale: peers.Peer | None,
    ) -> None:
        self._runs, self._ours, self._home = runs, ours, home
        self._ccusage, self._tokscale = ccusage, tokscale
        self._env = {**as_installed(), "CODEX_TELEMETRY_HOME": str(ours), "CODEX_HOME": str(home)}
        logs = list(home.rglob("rollout-*"))
        self._bytes = sum(path.stat().st_size for path in logs)
        self._files = len(logs)
        self._log = max(home.glob("sessions/**/rollout-*.jsonl"))
        self._peak = 0.0

    @property
    def _name(self) -> str:
        return f"{self._files:,} logs, {self._bytes / 1e6:,.0f} MB"

    def _command(self, *words: str, memory: bool = False) -> Took:
        return run(
            [sys.executable, "-P", "-m", "codex_telemetry", *words, "--json"],
            self._env,
            memory=memory,
        )

    def _peer(self, peer: peers.Peer | None) -> Took | None:
        return None if peer is None else run(peer.words, peer.reading(self._home))

    def cold(self) -> Iterator[Figure]:
        """From nothing."""
        self._peer(self._ccusage)  # the page cache
        ours, theirs, least = [], [], []
        for _ in range(self._runs):
            shutil.rmtree(self._ours, ignore_errors=True)
            ours.append(self._command("backfill"))
            theirs.append(self._peer(self._ccusage))
            least.append(run([sys.executable, "-P", DECODING, self._home]).wall)
        shutil.rmtree(self._ours)
        self._peak = self._command("backfill", memory=True).peak
        name = self._ccusage.name if self._ccusage is not None else "ccusage"
        wall, their_wall = median(t.wall for t in ours), _median(t and t.wall for t in theirs)
        cpu, their_cpu = median(t.cpu for t in ours), _median(t and t.cpu for t in theirs)
        yield Figure(
            GROUP, f"cold backfill, {self._name}", wall, Unit.SECONDS, name, their_wall,
            "≤ 1.5 times", None if their_wall is None else wall <= 1.5 * their_wall, COLD,
        )  # fmt: skip
        yield Figure(
            GROUP, f"the same, of all processors, {self._name}", cpu, Unit.SECONDS, name, their_cpu,
            "", None, COLD,
        )  # fmt: skip
        yield Figure(
            GROUP, f"the least of it in Python, {self._name}", median(least), Unit.SECONDS, name, their_wall,
            "", None, "handing each line out and decoding what is read of it, by two processes that keep nothing",
        )  # fmt: skip

    def unchanged(self) -> Iterator[Figure]:
        """Where nothing is new, then a report."""
        ours, start, theirs, warm = [], [], [], []
        for _ in range(self._runs):
            again, report = self._command("backfill"), self._command("tokens", "--by", "day")
            ours.append(again.wall + report.wall)
            start.append(2 * run([sys.executable, "-c", "import json, sqlite3"]).wall)
            theirs.append(self._peer(self._ccusage))
            warm.append(self._peer(self._tokscale))
        what, wall = f"unchanged backfill, then a report, {self._name}", median(ours)
        report_of = f"{self._ccusage.name if self._ccusage else 'ccusage'}, its report"
        their_wall = _median(t and t.wall for t in theirs)
        yield Figure(
            GROUP, what, wall, Unit.SECONDS, report_of, their_wall,
            "≤ 0.8 times", None if their_wall is None else wall <= 0.8 * their_wall, UNCHANGED,
        )  # fmt: skip
        yield Figure(
            GROUP, "the same", wall, Unit.SECONDS, self._tokscale_name, _median(t and t.wall for t in warm),
            "", None, UNCHANGED,
        )  # fmt: skip
        yield Figure(
            GROUP, "of that, to start two interpreters", median(start), Unit.SECONDS, PYTHON, None,
            "", None, "",
        )  # fmt: skip

    def appended(self) -> Iterator[Figure]:
        """Ten lines more in one of the logs."""
        ours, theirs = [], []
        before = self._log.read_bytes()
        more = b"".join(before.splitlines(keepends=True)[-10:])
        try:
            for _ in range(self._runs):
                with self._log.open("ab") as file:
                    file.write(more)
                ours.append(self._command("backfill").wall)
                theirs.append(self._peer(self._tokscale))
        finally:
            self._log.write_bytes(before)
        wall = median(ours)
        yield Figure(
            GROUP, f"backfill of ten lines appended to one of {self._files:,} logs", wall, Unit.SECONDS,
            self._tokscale_name, _median(t and t.wall for t in theirs), "≤ 0.3 s", wall <= 0.3,
            "imports, three quarters of it; then a look at the size and time of each file",
        )  # fmt: skip

    def memory(self) -> Figure:
        return Figure(
            GROUP, f"peak memory of a cold backfill, {self._name}", self._peak, Unit.MEGABYTES, "limit",
            100.0, "≤ 100 MB", self._peak <= 100, "two interpreters; facts of some dozens of files between two saves",
        )  # fmt: skip

    def size(self) -> Figure:
        share = 100 * (self._ours / "telemetry.db").stat().st_size / self._bytes
        return Figure(
            GROUP, f"database, of {self._name}", share, Unit.PERCENT, "the logs", 100.0, "≤ 3 %",
            share <= 3, ROWS,
        )  # fmt: skip

    @property
    def _tokscale_name(self) -> str:
        return self._tokscale.name if self._tokscale is not None else "tokscale"


def _median(values: "Iterator[float | None]") -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    ask.add_argument("--runs", type=int, default=5)
    ask.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of logs")
    ask.add_argument("--homes", type=Path, help="where histories lie, or are made and left")
    given = ask.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        print(as_markdown(figures(given.runs, Path(folder), sizes, given.homes)), end="")


if __name__ == "__main__":
    main()
