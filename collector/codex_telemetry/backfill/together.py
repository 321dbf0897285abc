"""Read files that were never read before: many are saved in one transaction."""

from collections.abc import Callable, Sequence

import anyio.lowlevel

from codex_telemetry.backfill.one_file import LogFile, Manner, OneFile, Piece, new_cursor
from codex_telemetry.backfill.reading import Reading
from codex_telemetry.inputs.opened import UnreadableError, opened

AT_ONCE = 2_000
"""So many facts, or more, are saved at once."""

FILES_AT_ONCE = 64


async def read_new(
    reading: Reading, logs: Sequence[LogFile], done: Callable[[], None] = lambda: None
) -> None:
    """Read them all. `done` is called with each. Raises what `Writer.save` raises."""
    group = _Group(reading)
    for log_file in logs:
        manner = reading.manner()
        # Who looks at content saves each file by itself: it is judged by all that was told so far.
        piece = None if manner.grants else whole(manner, log_file)
        if piece is None:
            await group.save()
            await reading.read_one(log_file)
        else:
            await group.add(log_file, piece)
        done()
        # Reading is all work and no waiting: others may want to run, or us to stop.
        await anyio.lowlevel.checkpoint()
    await group.save()


def whole(manner: Manner, log_file: LogFile) -> Piece | None:
    """All that a file tells; None if that is too much at once, or something is the matter with it."""
    reader = manner.reader(log_file)
    assert reader is not None
    try:
        with opened(log_file.file) as rollout:
            one = OneFile(manner, log_file, rollout, reader, new_cursor(log_file))
            piece = next(one.pieces())
    except (OSError, UnreadableError):
        return None
    return piece if piece.last and not piece.unreadable else None


class _Group:
    """Files whose facts are saved together."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._read: list[tuple[LogFile, Piece]] = []

    async def add(self, log_file: LogFile, piece: Piece) -> None:
        self._read.append((log_file, piece))
        facts = sum(each.batch.facts for _, each in self._read)
        if facts >= AT_ONCE or len(self._read) >= FILES_AT_ONCE:
            await self.save()

    async def save(self) -> None:
        read, self._read = self._read, []
        if read and not await self._reading.save_new([piece for _, piece in read]):
            for log_file, _ in read:
                await self._reading.read_one(log_file)
