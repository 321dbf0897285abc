"""What a backfill did, counted as it goes."""

from typing import NamedTuple


class Tally:
    """See the contract: `backfill`."""

    def __init__(self) -> None:
        self.taken_in = 0
        """Files of the spool."""
        self.files = 0
        self.files_read = 0
        self.bytes_read = 0
        """Uncompressed."""
        self.lines = 0
        self.skipped_lines = 0
        """Of which nothing could be read."""
        self.unreadable = 0
        """Files and folders that couldn't be read, or only in part."""
        self.drift = 0
        self.responses = 0
        self.sessions: set[str] = set()
        self.turns: set[str] = set()

    def add(self, other: "Tally") -> None:
        """Take in what was counted apart: of one file, once it is saved."""
        for name, n in vars(other).items():
            if isinstance(n, set):
                getattr(self, name).update(n)
            else:
                setattr(self, name, getattr(self, name) + n)


class Progress(NamedTuple):
    done: int
    files: int
