"""Turns a page at a time."""

from pathlib import Path

import pytest

import scenes
from codex_telemetry.reports import turns
from codex_telemetry.store.queries import ORDERS, Filters, reading


def pages(database: Path, order: str, *, down: bool, size: int = 3) -> list[str]:
    found: list[str] = []
    with reading(database) as db:
        for skipped in range(0, 30, size):
            found += [
                turn.turn_id
                for turn in turns.page(db, Filters(), order, down=down, size=size, skipped=skipped)
            ]
    return found


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize("order", ORDERS)
def test_all_pages_together_are_all_turns_in_that_order(
    tmp_path: Path, order: str, *, down: bool
) -> None:
    session = scenes.session()
    lasting = [
        scenes.turn(session, scenes.T0 + n * 90_000, n * 37 % 5 * 1_000, n=n) for n in range(1, 9)
    ]
    running = scenes.turn(session, scenes.T0 + 9 * 90_000, None, n=9)
    database = scenes.write(
        tmp_path / "a.db", session, scenes.busy_turn(session), *lasting, running
    )
    found = pages(database, order, down=down)
    assert len(found) == len(set(found)) == 10
    with reading(database) as db:
        by_id = {turn.turn_id: getattr(turn, order) for turn in turns.turns(db, Filters())}
    values = [by_id[one] for one in found]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=down)
    assert values[: len(known)] == known  # what isn't known comes last
