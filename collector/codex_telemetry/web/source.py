"""The database as a page needs it: opened to be read, for one page, whatever happened to it since."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from codex_telemetry.cli.options import Narrow
from codex_telemetry.cli.period import Zone
from codex_telemetry.config import Paths
from codex_telemetry.reports.tokens import Calendar
from codex_telemetry.store.queries import Filters, Store, only_reading


class Source(NamedTuple):
    """What views look at, and how the user wants it shown."""

    paths: Paths
    zone: Zone
    week_start: str
    home: str | None
    """The person's, which is `~`."""

    @property
    def database(self) -> Path:
        return self.paths.database

    @contextlib.contextmanager
    def opened(self) -> Iterator[Store]:
        """Raises `UserError` where it can't be read now; the next page may find it again."""
        with only_reading(self.database) as db:
            yield db

    @property
    def calendar(self) -> Calendar:
        return Calendar(self.zone.offsets, from_sunday=self.week_start == "sunday")

    def filters(self, db: Store, asked: Narrow) -> Filters:
        """Raises `UserError` for what can't be meant."""
        return asked.found(db, asked._replace(database=self.database).check(self.zone))
