"""Every window of a limit as it went, in a stretch of time."""

from pathlib import Path

import scenes
from codex_telemetry.reports.limits import Past, windows
from codex_telemetry.store.queries import Filters, reading

T0, HOUR = scenes.T0, scenes.HOUR


def told(
    database: Path, filters: Filters | None = None
) -> dict[tuple[str | None, str | None], list[Past]]:
    with reading(database) as db:
        found = [one for one in windows(db, filters or Filters()) if one]
    return {(its[0].limit_id, its[0].window): its for its in found}


def test_a_window_keeps_its_high_water_mark_whatever_is_read_later(tmp_path: Path) -> None:
    (five_hours,) = told(scenes.write(tmp_path / "a.db", *scenes.limits()))["codex", "5h"]
    assert five_hours.high_water_percent == 45
    assert [percent for _, percent in five_hours.rises] == [*range(9, 46, 3)]
    assert five_hours.full_at is None
    # Resets that differ by seconds are one.
    assert five_hours.resets_at == T0 + 4 * HOUR + 2_000
    assert five_hours.resets_at - five_hours.started_at == 5 * HOUR


def test_each_reset_begins_a_window(tmp_path: Path) -> None:
    database = scenes.write(
        tmp_path / "a.db",
        scenes.reading(T0, 80, T0 + HOUR),
        scenes.reading(T0 + HOUR // 2, 100, T0 + HOUR),
        scenes.reading(T0 + 2 * HOUR, 3, T0 + 6 * HOUR),
    )
    ended, runs = told(database)["codex", "5h"]
    assert (ended.high_water_percent, ended.full_at) == (100, T0 + HOUR // 2)
    assert (runs.high_water_percent, runs.full_at) == (3, None)


def test_a_window_belongs_to_all_the_time_it_ran(tmp_path: Path) -> None:
    readings = [
        scenes.reading(T0 + n * 6 * HOUR + minutes * 60_000, minutes, T0 + (n * 6 + 5) * HOUR)
        for n in range(4)
        for minutes in (10, 20)
    ]
    database = scenes.write(tmp_path / "a.db", *readings)
    inside = Filters(since=T0 + 7 * HOUR, until=T0 + 12 * HOUR + 15 * 60_000)
    found = told(database, inside)["codex", "5h"]
    # What was read of it before the stretch counts; what was read after it doesn't.
    assert [past.high_water_percent for past in found] == [20, 10]
    assert [past.resets_at for past in found] == [T0 + 11 * HOUR, T0 + 17 * HOUR]


def test_what_never_said_when_it_resets_has_no_windows(tmp_path: Path) -> None:
    assert told(scenes.write(tmp_path / "a.db", scenes.reading(T0, 3, None))) == {}
