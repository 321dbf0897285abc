"""A turn on a page to send: its waterfall and its tokens."""

from typing import Any, NamedTuple

from codex_telemetry.cli import turn_head
from codex_telemetry.cli.turn_words import unseen
from codex_telemetry.cli.turns import pictured
from codex_telemetry.cli.words import short_turn
from codex_telemetry.reports.shapes_family import TurnInFull
from codex_telemetry.reports.waterfall import Waterfall
from codex_telemetry.store.queries import Row, Store
from codex_telemetry.web.drawn import Drawn, drawn

CHILDREN = 30
"""So many of the turns that worked for it are listed."""

RESPONSES = 200
"""And so many of the model's responses."""


class Told(NamedTuple):
    """A turn as it is drawn."""

    turn: TurnInFull
    name: str
    model: Waterfall
    drawn: Drawn
    length: str | None
    said: list[str]
    unseen: str | None
    """The parts that its source can't tell."""
    folded: int
    """Items without a bar of their own."""


def told(db: Store, row: Row, now: int) -> Told:
    turn, model = pictured(db, row, now, roll_up=True)
    return Told(
        turn,
        short_turn(turn.turn_id, turn.session_id, turn.turn_index),
        model,
        drawn(model),
        turn_head.length(turn, model),
        [word for word in (turn_head.tokens(turn), turn_head.context(turn)) if word],
        unseen(turn) if turn.parts_source == "rollout" else None,
        sum(bar.items for bar in model.bars if bar.kind == "folded"),
    )


def names(db: Store, row: Row, now: int) -> dict[str, Any]:
    """What the template shows."""
    return {
        "told": told(db, row, now),
        "children_listed": CHILDREN,
        "responses_listed": RESPONSES,
    }
