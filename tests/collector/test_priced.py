"""What is heard has its cost as soon as it is stored: no report has to come by first."""

from pathlib import Path

import pytest

from collecting import Place, a_plain_turn, ended, finish, started
from recordings import Recordings
from saved import query


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for name in ("home", "temp", "own"):
        (tmp_path / name).mkdir(mode=0o700)
    return Place(tmp_path)


def test_a_turn_is_priced_as_it_is_saved(place: Place, recordings: Recordings) -> None:
    story = a_plain_turn(recordings)
    finish(place.collector(), started() + story.before + story.end + ended())
    ((cost, tokens),) = query(place.database, "SELECT cost_usd, total_tokens FROM turns")
    assert tokens > 0
    assert cost > 0
    assert query(place.database, "SELECT sum(cost_usd), sum(total_tokens) FROM usage") == [
        (cost, tokens)
    ]


def test_a_config_that_is_wrong_costs_no_turn(place: Place, recordings: Recordings) -> None:
    """It is said to who asks for a report; the prices there are stay."""
    (place.folder / "own" / "config.toml").write_text("nonsense")
    story = a_plain_turn(recordings)
    finish(place.collector(), started() + story.before + story.end + ended())
    assert query(place.database, "SELECT count(*), count(cost_usd) FROM turns") == [(1, 0)]


def test_ones_own_prices_hold_for_what_is_heard(place: Place, recordings: Recordings) -> None:
    story = a_plain_turn(recordings)
    finish(place.collector(), started("before") + story.before + story.end + ended())
    ((model,),) = query(place.database, "SELECT model FROM turns")
    (place.folder / "own" / "config.toml").write_text(
        f'[[prices]]\nmodel = "{model}"\ninput = 1_000_000\noutput = 1_000_000\n'
    )
    finish(place.collector(), started("after") + story.before + story.end + ended())
    ((cost, tokens),) = query(place.database, "SELECT cost_usd, total_tokens FROM turns")
    assert cost == tokens
