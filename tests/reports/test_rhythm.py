"""When turns run, by the clock on the wall."""

from pathlib import Path

import scenes
from codex_telemetry.cli.period import Zone
from codex_telemetry.reports.rhythm import by_hour
from codex_telemetry.store.queries import Filters, reading

HOUR, DAY = scenes.HOUR, scenes.DAY


def told(database: Path, zone: str, *starts: int) -> dict[tuple[int, int], int]:
    session = scenes.session()
    turns = [scenes.turn(session, at, 1_000, n=n + 1) for n, at in enumerate(starts)]
    scenes.write(database, session, *turns)
    with reading(database) as db:
        return dict(by_hour(db, Filters(), Zone(zone).offsets))


def test_an_hour_is_that_of_the_zone(tmp_path: Path) -> None:
    """`T0` is a Monday, 9:00 UTC."""
    starts = (scenes.T0, scenes.T0 + HOUR // 2, scenes.T0 + DAY)
    assert told(tmp_path / "a.db", "UTC", *starts) == {(0, 9): 2, (1, 9): 1}
    assert told(tmp_path / "b.db", "Asia/Kolkata", *starts) == {(0, 14): 1, (0, 15): 1, (1, 14): 1}
    assert told(tmp_path / "c.db", "Pacific/Kiritimati", scenes.T0) == {(0, 23): 1}


def test_an_hour_stays_what_the_wall_shows_when_clocks_change(tmp_path: Path) -> None:
    """Berlin's did on 2026-03-29."""
    before, after = scenes.T0 + 7 * DAY, scenes.T0 + 28 * DAY
    assert told(tmp_path / "a.db", "Europe/Berlin", before, after - HOUR) == {(0, 10): 2}


def test_no_turns_have_no_hours(tmp_path: Path) -> None:
    assert told(tmp_path / "a.db", "UTC") == {}
