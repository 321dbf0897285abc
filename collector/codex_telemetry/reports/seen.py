"""A turn with all that its waterfall is drawn from, whenever that is drawn."""

from typing import NamedTuple

from codex_telemetry.reports import family, turns
from codex_telemetry.reports.shapes_family import TurnInFull
from codex_telemetry.reports.turns import Outlined
from codex_telemetry.reports.waterfall import Event, Waterfall, waterfall
from codex_telemetry.store.queries import Row, Store


class Seen(NamedTuple):
    turn: TurnInFull
    events: list[Event]
    told: Outlined | None

    def waterfall(self, now: int) -> Waterfall:
        """As it is at that moment (ms UTC)."""
        cut = self.told.cut(now) if self.told is not None else None
        return waterfall(self.turn, cut, self.events, now)


def seen(db: Store, row: Row, *, roll_up: bool = False) -> Seen:
    return Seen(
        family.turn(db, row, roll_up=roll_up), turns.events(db, row), turns.outlined(db, row)
    )
