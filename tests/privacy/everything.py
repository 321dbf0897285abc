"""All recordings in one database, as they were heard and as they were logged."""

from collections.abc import Sequence
from pathlib import Path

from backfill.codex_home import heard, place, take_in
from codex_telemetry.core.batch import Batch
from codex_telemetry.core.facts import Fact
from codex_telemetry.core.veil import OPEN, Veil
from recordings import Recordings


def everything(
    recordings: Recordings, folder: Path, veil: Veil = OPEN, like: Sequence[str] = ("*",)
) -> Path:
    """A database of its own, in a home of its own."""
    folder.mkdir(mode=0o700, exist_ok=True)
    database = folder / "telemetry.db"
    every = recordings.like(*like)
    live = [
        veiled(batch, veil, f"{recording.name}/{batch.origin}")
        for recording in every
        for batch in heard(recording)
    ]
    home = place(every, folder.with_name(f"{folder.name}-codex"))
    take_in(database, *live, home, veil=veil, hash_commands=True)
    return database


def veiled(batch: Batch, veil: Veil, origin: str) -> Batch:
    """What a launch of its own would have told."""
    other = Batch(batch.kind, origin, batch.codex_version)
    facts: list[Fact] = [
        *batch.sessions.values(),
        *batch.turns.values(),
        *batch.limits,
        *batch.gaps,
    ]
    for fact in facts:
        other.add(veil.over(fact), 0)
    other.drift = batch.drift
    return other
