"""The histories that `bench/` measures on are such as Codex writes: nothing in them is unknown."""

from pathlib import Path

import histories
from backfill.codex_home import take_in, total_tokens
from saved import query


def test_a_synthetic_history_holds_what_its_maker_says_and_nothing_unknown(
    tmp_path: Path, database: Path
) -> None:
    home = tmp_path / "home"
    # Few, but of each release, with a fork that copies, one that doesn't, and a subagent.
    made = histories.write(home, 40, typical=20_000)
    tally = take_in(database, home)
    assert (tally.files_read, tally.unreadable, tally.skipped_lines) == (40, 0, 0)
    assert query(database, "SELECT name, reason, n FROM drift") == []
    assert len(tally.sessions) == made.sessions
    assert len(tally.turns) == made.turns
    assert tally.responses == made.responses
    assert total_tokens(database) == made.tokens
    told = query(database, "SELECT DISTINCT cli_version, relation FROM sessions ORDER BY 1, 2")
    assert [tuple(row) for row in told] == [
        (None, "root"),
        ("0.125.0", "fork"),
        ("0.125.0", "root"),
        ("0.169.0", "fork"),
        ("0.169.0", "root"),
        ("0.169.0", "subagent"),
        ("0.63.0", "root"),
    ]


def test_a_synthetic_history_is_the_same_each_time(tmp_path: Path) -> None:
    made = [histories.write(tmp_path / name, 5, typical=5_000) for name in ("one", "other")]
    assert made[0] == made[1]
    contents = [
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("rollout-*")}
        for name in ("one", "other")
    ]
    assert contents[0] == contents[1]
    assert len(contents[0]) == 5
