"""Read files that were never read before: many are saved in one transaction."""

import contextlib
import gc
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import anyio.lowlevel

from codex_telemetry.backfill import helper, one_file
from codex_telemetry.backfill.log_files import LogFile
from codex_telemetry.backfill.one_file import Manner, OneFile, Piece, new_cursor
from codex_telemetry.backfill.reading import Reading
from codex_telemetry.inputs.opened import UnreadableError, opened

FILES_AT_ONCE = 16
ROWS_AT_ONCE = 2_000
"""So much, or a bit more, is saved at once: more would take memory, and hardly less time."""


async def read_new(
    reading: Reading, logs: Sequence[LogFile], done: Callable[[], None] = lambda: None
) -> None:
    """Read them all. `done` is called with each. Raises what `Writer.save` raises."""
    for first in range(0, len(logs), helper.MOST):
        some = logs[first : first + helper.MOST]
        manner = reading.manner()
        if manner.grants:
            # Who looks at content saves each file by itself: it is judged by all that was told so far.
            for log_file in some:
                await reading.read_one(log_file)
                done()
                await anyio.lowlevel.checkpoint()
            continue
        share = helper.Share(some, partial(whole, manner))
        much = sum(log_file.file.size for log_file in some) >= helper.WORTH_IT
        with _no_search_for_cycles(), share.shared() if much else contextlib.nullcontext():
            await _Group(reading, done).read(share)


@contextlib.contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """What is read and saved makes none (found over 1,000 logs: 0), and there is much to be looked through."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def whole(manner: Manner, log_file: LogFile) -> Piece | None:
    """All that a file tells; None if that is too much at once, or something is the matter with it."""
    if log_file.file.size >= one_file.SAVE_EVERY:
        return None
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

    def __init__(self, reading: Reading, done: Callable[[], None]) -> None:
        self._reading = reading
        self._done = done
        self._read: list[tuple[LogFile, Piece]] = []
        self._rows = 0

    async def read(self, share: helper.Share) -> None:
        for log_file, piece in share.mine():
            await self._take(log_file, piece)
            for other, its_piece in share.arrived():
                await self._take(other, its_piece)
            # Reading is all work and no waiting: others may want to run, or us to stop.
            await anyio.lowlevel.checkpoint()
        async for log_file, piece in share.rest():
            await self._take(log_file, piece)
        await self._save()

    async def _take(self, log_file: LogFile, piece: Piece | None) -> None:
        if piece is None:
            await self._save()
            await self._reading.read_one(log_file)
        else:
            self._read.append((log_file, piece))
            turns = piece.batch.turns.values()
            self._rows += sum(len(turn.items) + len(turn.responses) for turn in turns)
            if len(self._read) >= FILES_AT_ONCE or self._rows >= ROWS_AT_ONCE:
                await self._save()
        self._done()

    async def _save(self) -> None:
        read, self._read, self._rows = self._read, [], 0
        if read and not await self._reading.save_new([piece for _, piece in read]):
            for log_file, _ in read:
                await self._reading.read_one(log_file)
