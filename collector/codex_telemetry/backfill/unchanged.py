"""Whether there is anything to be read, told without what it takes to read it: mostly there isn't."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from codex_telemetry.backfill.log_files import LogFile, Looked, look
from codex_telemetry.backfill.tally import Tally
from codex_telemetry.inputs import files
from codex_telemetry.store import cursors, milestone_statements
from codex_telemetry.store.cursors import AsFound
from codex_telemetry.store.queries import Store


class Seen(NamedTuple):
    """A home as it was a moment ago, and as its logs had been when they were last read, by their
    origins. Who goes by it can't lose anything: each log is looked at once more as it is read."""

    looked: Looked
    known: dict[str, AsFound]
    due: list[LogFile]
    """Logs that are new, or may have changed."""


def unchanged(db: Store, homes: Iterable[Path]) -> Tally | dict[Path, Seen]:
    """What a backfill of these homes comes to that has nothing to do; if it has something to do, what
    was seen of them.

    Raises `OSError` if a home can't be looked at.
    """
    tally, seen = Tally(), dict[Path, Seen]()
    for home in {files.real(one): None for one in homes}:
        looked = look(home)
        known = cursors.load_now(db, files.text_of(home))
        due = [
            log_file
            for log_file in looked.logs
            if (before := known.get(log_file.origin)) is None or log_file.differs(before)
        ]
        seen[home] = Seen(looked, known, due)
        tally.files += len(looked.logs)
        tally.unreadable += looked.unreadable
    # Of a backfill that was killed: it had read everything, and not written all that comes of it.
    left = db.execute(milestone_statements.DUE, (1,)).fetchone()
    nothing = left is None and not any(home.due for home in seen.values())
    return tally if nothing else seen
