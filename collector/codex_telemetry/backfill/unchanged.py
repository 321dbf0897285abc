"""Whether there is anything to be read, told without what it takes to read it: mostly there isn't."""

from collections.abc import Iterable
from pathlib import Path

from codex_telemetry.backfill.log_files import look
from codex_telemetry.backfill.tally import Tally
from codex_telemetry.inputs import files
from codex_telemetry.store import cursors, milestone_statements
from codex_telemetry.store.queries import Store


def unchanged(db: Store, homes: Iterable[Path]) -> Tally | None:
    """What a backfill of these homes comes to that has nothing to do; None if it has something to do.

    Raises `OSError` if a home can't be looked at.
    """
    tally = Tally()
    for home in {files.real(one): None for one in homes}:
        looked = look(home)
        known = cursors.load_now(db, files.text_of(home))
        for log_file in looked.logs:
            before = known.get(log_file.origin)
            if before is None or log_file.differs(before):
                return None
        tally.files += len(looked.logs)
        tally.unreadable += looked.unreadable
    # Of a backfill that was killed: it had read everything, and not written all that comes of it.
    left = db.execute(milestone_statements.DUE, (1,)).fetchone()
    return tally if left is None else None
