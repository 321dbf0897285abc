"""A recording in a database: as it was heard, as it was logged, or both."""

from pathlib import Path

from codex_telemetry.backfill.homes import backfill
from codex_telemetry.core.veil import Veil
from codex_telemetry.store.writer import Writer
from recordings import Recording
from told import told_by


async def stored(tmp_path: Path, recording: Recording, *, live: bool, logged: bool) -> Path:
    """A database of one recording."""
    database = tmp_path / "telemetry.db"
    writer = await Writer.open(database)
    try:
        if live:
            await writer.save(told_by(recording.frames()).batch)
        if logged:
            sessions = tmp_path / "codex" / "sessions"
            sessions.mkdir(parents=True)
            for path in recording.rollouts():
                (sessions / path.name).write_bytes(path.read_bytes())
            await backfill(writer, [tmp_path / "codex"], veil=Veil(lambda name: f"#{len(name)}"))
    finally:
        await writer.close()
    return database
