"""Follow the homes of Codex: read what is written there as it is written."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from pathlib import Path

import anyio
from watchfiles import Change, awatch

from codex_telemetry.backfill.homes import read_changed
from codex_telemetry.backfill.log_files import LogFile, look
from codex_telemetry.backfill.reading import Reading
from codex_telemetry.backfill.tally import Tally
from codex_telemetry.core.veil import OPEN, Veil
from codex_telemetry.inputs import files
from codex_telemetry.store.grants import Standing
from codex_telemetry.store.writer import Writer

GATHER_MS = 300
"""What is written within this time is read together."""

LOOK_S = 1.0
"""How often it is looked whether folders have appeared or vanished: nobody tells of those."""

SEARCH_S = 30.0
"""How often all files are looked at, whatever we are told: a file system may tell nothing at all, as
networks' don't, and forget to tell of what is written to a folder just made."""

Folders = dict[Path, tuple[int, int]]
"""Those that are there, and which they are: one may be removed and made again."""


async def watch(
    writer: Writer,
    homes: Iterable[Path],
    *,
    veil: Veil = OPEN,
    hash_commands: bool = False,
    standing: Standing | None = None,
    since_ns: int = 0,
    tally: Tally | None = None,
    news: Callable[[Tally], None] = lambda _: None,
) -> None:
    """Read what is new under the homes, and go on doing so until cancelled.

    A home, or its folders, may come and go. `since_ns`: leave out files that weren't changed since
    (Unix time, ns). `news` is called with the tally when something was read.
    Raises what `Writer.save` raises.
    """
    reading = Reading(
        writer, tally or Tally(), veil=veil, hash_commands=hash_commands, standing=standing
    )
    following = _Following(reading, [files.real(home) for home in homes], since_ns, news)
    while True:
        folders = following.folders()
        await following.search()
        if folders:
            await following.follow(folders)
        else:
            await anyio.sleep(LOOK_S)


class _Following:
    def __init__(
        self, reading: Reading, homes: list[Path], since_ns: int, news: Callable[[Tally], None]
    ) -> None:
        self._reading = reading
        self._homes = homes
        self._since_ns = since_ns
        self._news = news
        self._known: dict[str, LogFile] = {}

    def folders(self) -> Folders:
        found: Folders = {}
        for home in self._homes:
            for name, _ in files.FOLDERS:
                try:
                    stat = (home / name).stat()
                except OSError:
                    continue
                found[home / name] = (stat.st_dev, stat.st_ino)
        return found

    async def search(self) -> None:
        """Look at all files, and read what is new."""
        self._known = {}
        for home in self._homes:
            try:
                logs = look(home).logs
            except OSError:
                continue  # there is no such home, now
            self._known |= {log_file.file.path: log_file for log_file in logs}
            changed = [log_file for log_file in logs if log_file.file.mtime_ns >= self._since_ns]
            await self._read(read_changed(self._reading, changed))
        self._reading.tally.files = len(self._known)

    async def follow(self, folders: Folders) -> None:
        """Read what is written in these folders for as long as they are what there is."""
        searched_at: float | None = None
        async with aclosing(_written(folders)) as rounds:
            async for written in rounds:
                now = anyio.current_time()
                # The first time too: before they were watched, more may have been written.
                if searched_at is None or written is None or now - searched_at > SEARCH_S:
                    await self.search()
                    searched_at = now
                else:
                    for path in written:
                        await self._written_to(path)
                if self.folders() != folders:
                    return

    async def _written_to(self, path: str) -> None:
        before = self._known.get(path)
        now = files.again(before.file) if before is not None else None
        if before is None or now is None:
            return  # another of the same name counts, or it is gone
        self._known[path] = before._replace(file=now)
        await self._read(self._reading.read_one(self._known[path]))

    async def _read(self, work: Awaitable[None]) -> None:
        read = self._reading.tally.files_read
        await work
        if self._reading.tally.files_read > read:
            await self._reading.writer.write_milestones()
            self._news(self._reading.tally)


async def _written(folders: Folders) -> AsyncGenerator[set[str] | None]:
    """The rollouts that were written to, again and again: none of them every now and then; None if
    there are others now. Ends if the folders can't be watched."""
    try:
        async for changes in awatch(
            *folders,
            watch_filter=lambda change, path: change is Change.added or files.is_rollout(path),
            debounce=GATHER_MS,
            rust_timeout=int(LOOK_S * 1000),
            yield_on_timeout=True,
            ignore_permission_denied=True,
        ):
            only_written = all(change is Change.modified for change, _ in changes)
            yield {path for _, path in changes} if only_written else None
    except (OSError, RuntimeError):
        # A folder is gone before it could be watched, or there are too many of them.
        await anyio.sleep(LOOK_S)
