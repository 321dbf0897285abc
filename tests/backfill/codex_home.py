"""A home of Codex with the rollouts of recordings in it, read into a database."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import anyio

from codex_telemetry.backfill import Tally
from codex_telemetry.backfill.homes import backfill
from codex_telemetry.core.batch import Batch
from codex_telemetry.store.writer import Writer
from recordings import Recording
from saved import contents, query
from told import told_by

ROWS = ("sessions", "turns", "items", "responses", "events")
"""What people see, made of what was told."""
BY_OUR_CLOCK = {"captured_at", "utc_offset_min"}


def place(recordings: Iterable[Recording], home: Path) -> Path:
    """Put the rollouts where they were when the recording ended."""
    home.mkdir(exist_ok=True)
    for recording in recordings:
        files = recording.meta()["codex_home_files"]
        where = {Path(file["path"]).name: file["path"] for file in files}
        for rollout in recording.rollouts():
            target = home / where[rollout.name.removesuffix(".zst")]
            target = target.with_name(rollout.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(rollout, target)
    return home


def rollouts(home: Path) -> list[Path]:
    return sorted(home.glob("*sessions/**/rollout-*.jsonl*"))


def only(home: Path) -> Path:
    (path,) = rollouts(home)
    return path


def fresh(home: Path, tmp_path: Path) -> dict[str, list[dict[str, Any]]]:
    """What a database holds that never saw anything else of this home."""
    database = Path(tempfile.mkdtemp(dir=tmp_path)) / "t.db"
    take_in(database, home)
    return rows(database)


def first_turns(path: Path) -> bytes:
    """The first half of a file, at the end of a line."""
    lines = path.read_bytes().splitlines(keepends=True)
    return b"".join(lines[: len(lines) // 2])


Step = Batch | Path
"""What was heard, or a home to be read."""


def take_in(database: Path, *steps: Step, **options: Any) -> Tally:
    """One after another, by one writer; what the homes amounted to."""

    async def run() -> Tally:
        tally = Tally()
        writer = await Writer.open(database)
        try:
            for step in steps:
                if isinstance(step, Batch):
                    await writer.save(step)
                else:
                    await backfill(writer, [step], tally=tally, **options)
        finally:
            await writer.close()
        return tally

    return anyio.run(run)


def rows(database: Path, *, without: Sequence[str] = ()) -> dict[str, list[dict[str, Any]]]:
    """All that is shown, without what our own clock said."""
    leave_out = BY_OUR_CLOCK | set(without)
    return {
        table: [{k: v for k, v in row.items() if k not in leave_out} for row in found]
        for table, found in contents(database).items()
        if table in ROWS
    }


def total_tokens(database: Path) -> int:
    """As the sessions have it; the turns and the responses have the same."""
    ((sessions, turns, responses),) = query(
        database,
        """SELECT (SELECT coalesce(sum(total_tokens), 0) FROM sessions),
                  (SELECT coalesce(sum(total_tokens), 0) FROM turns),
                  (SELECT coalesce(sum(total_tokens), 0) FROM responses)""",
    )
    assert sessions == turns == responses
    return int(sessions)


def heard(recording: Recording, keep: Callable[[int], bool] = lambda _: True) -> list[Batch]:
    """What the stream told, process by process, as launches are."""
    batches = []
    processes = sorted({frame.proc for frame in recording.frames()})
    for process in filter(keep, processes):
        frames = (frame for frame in recording.frames() if frame.proc == process)
        batch = told_by(frames).batch
        batch.origin = f"L{process}"
        batches.append(batch)
    return batches
