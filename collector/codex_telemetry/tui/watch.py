"""Read the database whenever it has changed, in a thread of its own: keys never wait for it."""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from codex_telemetry.cli.labelled import by_label
from codex_telemetry.cli.tools import named
from codex_telemetry.cli.turns import as_shown
from codex_telemetry.errors import UserError
from codex_telemetry.reports import now as report
from codex_telemetry.reports.now import Now
from codex_telemetry.reports.seen import Seen, seen
from codex_telemetry.store.find import find_turn
from codex_telemetry.store.noticed import Noticed, look, one_moment
from codex_telemetry.store.queries import Filters, Store

LOOK_S = 0.5
"""Between two looks whether something was written."""

REST = 20
"""Reading takes no more than this fraction of the time, however large the database is."""

AGAIN_S = 1.0
"""Between two readings at least, and until a database that couldn't be read is tried again."""

ANEW_MS = 5 * 60_000
"""After so long minutes that were over are counted once more: a log may have told of them since."""


class Asked(NamedTuple):
    """What is to be read."""

    narrowed: Callable[[Store], Filters]
    """Raises `UserError` for what there is none of."""
    turn_id: str | None = None
    """The turn that is looked at."""


class News(NamedTuple):
    """What was read, or why nothing was."""

    now: Now | None
    turn: Seen | None = None
    trouble: UserError | None = None
    crash: Exception | None = None


class _Earlier(NamedTuple):
    asked: Asked
    counted: int
    """When its minutes were last counted (ms UTC), all of them."""
    found: Now


class Watch(threading.Thread):
    def __init__(
        self,
        path: Path,
        open_store: Callable[[], AbstractContextManager[Store]],
        tell: Callable[[News], object],
        clock: Callable[[], int],
        asked: Asked,
    ) -> None:
        super().__init__(name="watch", daemon=True)
        self._path, self._open, self._tell, self._clock = path, open_store, tell, clock
        self._changed = threading.Condition()
        self._asked: Asked = asked
        self._is_new = True
        self._over = False
        self._earlier: _Earlier | None = None

    def ask(self, asked: Asked) -> None:
        """From now on this; it is read at once."""
        with self._changed:
            self._asked, self._is_new = asked, True
            self._changed.notify()

    def stop(self) -> None:
        """It ends when it can; nobody needs to wait for it."""
        with self._changed:
            self._over = True
            self._changed.notify()

    def run(self) -> None:
        while not self._over:
            try:
                with self._open() as db:
                    self._follow(db)
            except UserError as error:
                self._tell(News(None, trouble=error))
            except Exception as error:  # noqa: BLE001 - told in one line by who shows it
                self._tell(News(None, crash=error))
                return
            self._wait(AGAIN_S)

    def _follow(self, db: Store) -> None:
        """Until there is another database, or none."""
        before: Noticed | None = None
        rest_until = 0.0
        while not self._over:
            at = look(db, self._path)
            if before is not None and _is_other(at, before):
                return
            with self._changed:
                asked, is_new, self._is_new = self._asked, self._is_new, False
            if before is None or is_new or (at != before and time.monotonic() >= rest_until):
                before, began = at, time.monotonic()
                self._read(db, asked)
                took = time.monotonic() - began
                rest_until = time.monotonic() + max(AGAIN_S, REST * took)
            self._wait(LOOK_S)

    def _read(self, db: Store, asked: Asked) -> None:
        at = self._clock()
        known = self._known(asked, at)
        try:
            with one_moment(db, self._path):
                filters = asked.narrowed(db)
                found = report.now(db, filters, at, known and known.found)
                opened = None
                if asked.turn_id is not None:
                    opened = as_shown(seen(db, find_turn(db, asked.turn_id)))
        except UserError as error:
            if error.exit_code != 1:
                raise
            self._tell(News(None, trouble=error))
            return
        counted = at if known is None else known.counted
        self._earlier = _Earlier(asked, counted, found)
        self._tell(News(_shown(found), opened))

    def _known(self, asked: Asked, at: int) -> "_Earlier | None":
        known = self._earlier
        if known is None or known.asked.narrowed is not asked.narrowed:
            return None
        return known if 0 <= at - known.counted < ANEW_MS else None

    def _wait(self, seconds: float) -> None:
        with self._changed:
            if not (self._over or self._is_new):
                self._changed.wait(seconds)


def _is_other(at: Noticed, before: Noticed) -> bool:
    """Whether what is open isn't, or may not be, what is there."""
    return at.file != before.file or (at.disk != before.disk and at.writes == before.writes)


def _shown(found: Now) -> Now:
    """With names as the user wants them shown; a table of turns sees to its own."""
    return found._replace(
        running=[as_shown(each) for each in found.running],
        tools=by_label(found.tools, lambda tool: named(tool, "name")),
    )
