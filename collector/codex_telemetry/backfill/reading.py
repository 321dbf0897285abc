"""Read files, and save what they tell: on from where we stopped, or afresh where a file isn't what it was."""

from collections.abc import Sequence

from codex_telemetry import log
from codex_telemetry.backfill.log_files import LogFile
from codex_telemetry.backfill.one_file import Manner, OneFile, Piece, new_cursor
from codex_telemetry.backfill.tally import Tally
from codex_telemetry.core.veil import OPEN, Veil
from codex_telemetry.inputs.opened import Mark, OpenedRollout, UnreadableError, opened
from codex_telemetry.store import cursors
from codex_telemetry.store.cursors import Cursor, OvertakenError
from codex_telemetry.store.grants import Standing
from codex_telemetry.store.keeper import UNWRITABLE
from codex_telemetry.store.told import first_heard
from codex_telemetry.store.writer import UnsoundError, Writer

TRIES = 3
"""How often a file is begun that another reads at the same time."""


class Reading:
    """A run through files, by one writer."""

    def __init__(
        self,
        writer: Writer,
        tally: Tally,
        *,
        rebuild: bool = False,
        veil: Veil = OPEN,
        hash_commands: bool = False,
        standing: Standing | None = None,
    ) -> None:
        self.writer = writer
        self.tally = tally
        self.rebuild = rebuild
        self._standing = standing or Standing()
        self._manner = Manner(veil, hash_commands)

    def manner(self) -> Manner:
        """How files are to be read as things stand now."""
        self._manner = self._manner._replace(grants=self._standing.now())
        return self._manner

    async def read_one(self, log_file: LogFile) -> None:
        """Read one file. Whatever is the matter with it costs it, and no other."""
        for _ in range(TRIES):
            try:
                await self._read(log_file)
            except OvertakenError:
                continue
            except FileNotFoundError:
                pass  # moved or removed just now: where it is now, it is found the next time
            except UnreadableError:
                self.tally.unreadable += 1
            except UNWRITABLE:
                raise
            except Exception as error:  # noqa: BLE001 - a mistake of ours may cost a file, never the rest
                log.crash(error)
                self.tally.unreadable += 1
            break

    async def save_new(self, pieces: Sequence[Piece]) -> bool:
        """Save what files told that were never read before, a piece each; False if each of them has to
        be read by itself. Raises `UNWRITABLE`."""
        try:
            await self.writer.save_new([(piece.batch, piece.cursor) for piece in pieces])
        except (OvertakenError, UnsoundError):
            return False
        except UNWRITABLE:
            raise
        except Exception as error:  # noqa: BLE001 - a mistake of ours may cost time, never a file
            log.crash(error)
            return False
        for piece in pieces:
            _count(self.tally, piece)
            self.tally.responses += len(_responses(piece))
        return True

    async def _read(self, log_file: LogFile) -> None:
        """Read what is new of a file. Raises `FileNotFoundError` if it is gone, `UnreadableError` if
        it can't be opened, `OvertakenError` if another reads it, and what `Writer.save` raises."""
        manner = self.manner()
        before = await cursors.load_one(self.writer.connection, log_file.origin)
        if before is not None and not self.rebuild:
            if not log_file.differs(before):
                return
            with opened(log_file.file) as rollout:
                reader = manner.reader(log_file, before.state)
                if reader is not None and _goes_on(rollout, before):
                    before.since = before.place
                    await self._save(OneFile(manner, log_file, rollout, reader, before))
                    return
        with opened(log_file.file) as rollout:
            anew = new_cursor(log_file)
            anew.since = before.place if before is not None else None
            fresh = manner.reader(log_file)
            assert fresh is not None
            first = {}
            if before is not None:
                first = await first_heard(self.writer.connection, log_file.origin)
            one = OneFile(manner, log_file, rollout, fresh, anew, first)
            await self._save(one, afresh=before is not None)

    async def _save(self, one: OneFile, *, afresh: bool = False) -> None:
        """`afresh`: with what is saved first, forget all that the file told before."""
        counts, responses = Tally(), set[tuple[str, int]]()
        for piece in one.pieces():
            await self.writer.save(
                piece.batch, cursor=piece.cursor, afresh=afresh, more_follows=True
            )
            afresh = False
            _count(counts, piece)
            responses |= _responses(piece)
        counts.responses = len(responses)
        # Only of a file that was saved to its end: another may have read on in it meanwhile.
        self.tally.add(counts)


def _goes_on(rollout: OpenedRollout, before: Cursor) -> bool:
    if rollout.size == before.size and rollout.mtime_ns != before.mtime_ns:
        return False  # written anew: nothing was added, and it needn't be its ends that changed
    return rollout.goes_on(Mark(before.read_to, before.head, before.tail))


def _count(counts: Tally, piece: Piece) -> None:
    counts.files_read += piece.last
    counts.bytes_read += piece.bytes_read
    counts.lines += piece.lines
    counts.skipped_lines += piece.skipped_lines
    counts.unreadable += piece.unreadable
    counts.drift += piece.drift
    # Not `|=`: keys aren't a set, so that copies all there is.
    counts.sessions.update(piece.batch.sessions)
    counts.turns.update(piece.batch.turns)


def _responses(piece: Piece) -> set[tuple[str, int]]:
    return {
        (turn.turn_id, total) for turn in piece.batch.turns.values() for total in turn.responses
    }
