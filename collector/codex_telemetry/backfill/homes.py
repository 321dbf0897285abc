"""Which rollout files of a home are read: those that are new, and those that have changed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import anyio.lowlevel

from codex_telemetry.backfill.log_files import LogFile, look
from codex_telemetry.backfill.reading import Reading
from codex_telemetry.backfill.tally import Progress, Tally
from codex_telemetry.backfill.together import read_new
from codex_telemetry.backfill.unchanged import Seen
from codex_telemetry.core.veil import OPEN, Veil
from codex_telemetry.inputs import files
from codex_telemetry.store import cursors
from codex_telemetry.store.cursors import AsFound
from codex_telemetry.store.grants import Standing
from codex_telemetry.store.writer import Writer


async def backfill(
    writer: Writer,
    homes: Iterable[Path],
    *,
    rebuild: bool = False,
    since_ns: int = 0,
    veil: Veil = OPEN,
    hash_commands: bool = False,
    standing: Standing | None = None,
    tally: Tally | None = None,
    seen: Mapping[Path, Seen] = MappingProxyType({}),
    progress: Callable[[Progress], None] = lambda _: None,
) -> Tally:
    """Read all rollouts under the homes that are new or have changed.

    `rebuild`: forget what each file told, and read it anew. `since_ns`: leave out files that weren't
    changed since (Unix time, ns). `veil`: what is kept only as a hash. `hash_commands`: of whole
    commands too. `standing`: what content is granted. `seen`: what is known
    already of homes, which needn't be looked at again. Raises `OSError` if a home can't be looked at,
    and what `Writer.save` raises if what was read can't be saved; a file that can't be read is counted.
    """
    tally = tally or Tally()
    for home in {files.real(one): None for one in homes}:
        before = None if rebuild else seen.get(home)
        looked = look(home) if before is None else before.looked
        tally.files += len(looked.logs)
        tally.unreadable += looked.unreadable
        logs = looked.logs if before is None else before.due
        wanted = [log_file for log_file in logs if log_file.file.mtime_ns >= since_ns]
        reading = Reading(
            writer,
            tally,
            rebuild=rebuild,
            veil=veil,
            hash_commands=hash_commands,
            standing=standing,
        )
        await read_changed(reading, wanted, progress, None if before is None else before.known)
    await writer.write_milestones()
    return tally


async def read_changed(
    reading: Reading,
    logs: Sequence[LogFile],
    progress: Callable[[Progress], None] = lambda _: None,
    known: dict[str, AsFound] | None = None,
) -> None:
    """Read those of a home's rollouts that aren't what they were when they were last read. `known`: as
    they were then, where that was looked up already."""
    if not logs:
        return
    if known is None:
        home = files.text_of(logs[0].file.home)
        known = await cursors.load(reading.writer.connection, home)
    done = 0

    def one_more() -> None:
        nonlocal done
        done += 1
        progress(Progress(done, len(logs)))

    for log_file in logs:
        before = known.get(log_file.origin)
        if before is None:
            continue
        if reading.rebuild or log_file.differs(before):
            await reading.read_one(log_file)
            # Reading is all work and no waiting: others may want to run, or us to stop.
            await anyio.lowlevel.checkpoint()
        one_more()
    await read_new(reading, [each for each in logs if each.origin not in known], one_more)
