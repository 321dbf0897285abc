"""`limits`: each window by its limit and length, as it stands, as it was, and when it was crossed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import scenes
from commands import Command, on_a_terminal, run

HOUR, T0, NOW = scenes.HOUR, scenes.T0, scenes.LIMITED_AT


def told(*words: str, now: int = NOW) -> list[dict[str, Any]]:
    answer = run("limits", *words, "--json", now=now)
    assert answer.code == 0, answer.err
    found: list[dict[str, Any]] = json.loads(answer.out)
    return found


def test_each_window_is_known_by_its_limit_and_length(limited: Path) -> None:
    assert [(r["limit_id"], r["window"], r["window_minutes"]) for r in told()] == [
        ("codex", "5h", 300),
        ("codex", "weekly", 10_080),
        ("codex_other", "90h", 5_400),
    ]


def test_it_is_the_latest_reading_with_the_high_water_mark(limited: Path) -> None:
    five_hours, week, _ = told()
    assert (five_hours["used_percent"], five_hours["high_water_percent"]) == (42, 45)
    assert five_hours["percent_per_hour"] == 18
    assert five_hours["exhausted_at"] is None
    assert five_hours["observed_at"] == "2026-03-02T11:01:00.000Z"
    assert week["exhausted_at"] == "2026-03-02T19:10:00.000Z"


def test_a_reset_starts_anew(database: Path) -> None:
    scenes.write(
        database,
        scenes.reading(T0, 80, T0 + HOUR),
        scenes.reading(T0 + 2 * HOUR, 3, T0 + 6 * HOUR),
    )
    (window,) = told(now=T0 + 2 * HOUR)
    assert (window["used_percent"], window["high_water_percent"]) == (3, 3)


def test_what_is_not_said_is_as_it_was(database: Path) -> None:
    scenes.write(
        database,
        scenes.reading(T0, 80, T0 + 2 * HOUR),
        scenes.reading(T0 + HOUR, None, None),
    )
    (window,) = told(now=T0 + HOUR)
    assert (window["used_percent"], window["resets_at"]) == (80, "2026-03-02T11:00:00.000Z")
    assert window["observed_at"] == "2026-03-02T10:00:00.000Z"


def test_a_window_without_id_length_or_reset_is_still_shown(database: Path) -> None:
    scenes.write(database, scenes.reading(T0, 5, None, minutes=0, limit_id=None))
    (window,) = told()
    assert window["limit_id"] is window["window"] is window["window_minutes"] is None
    assert (window["used_percent"], window["high_water_percent"]) == (5, 5)
    assert "nobody said when it resets" in run("limits", now=NOW).out


@pytest.mark.parametrize("minutes", [10**14, -300, 1])
def test_no_length_of_a_window_is_a_mistake_of_ours(database: Path, minutes: int) -> None:
    scenes.write(database, scenes.reading(T0, 5, T0 + HOUR, minutes=minutes))
    for words in ([], ["--history"], ["--milestones"], ["--history", "--since", "2026-03-02"]):
        assert run("limits", *words, now=T0).code == 0


def test_history_has_every_reading_with_how_it_stood_then(limited: Path) -> None:
    history = told("--history")
    assert len(history) == 28
    five_hours = [row for row in history if row["window"] == "5h"]
    assert [row["used_percent"] for row in five_hours] == [*range(9, 46, 3), 42]
    assert [row["high_water_percent"] for row in five_hours] == [*range(9, 46, 3), 45]
    assert len({row["resets_at"] for row in five_hours}) == 1


def test_a_part_of_the_history_stands_as_in_the_whole(limited: Path) -> None:
    history = told("--history")
    for last in (1, 3, 13, 28, 29):
        assert told("--history", "--last", str(last)) == history[-last:]
    since = told("--history", "--since", "2026-03-02T10:55Z")
    assert since == [row for row in history if row["observed_at"] >= "2026-03-02T10:55"]
    until = told("--history", "--until", "2026-03-02T10:55Z")
    assert until + since == history


def test_milestones_say_which_window_and_what_it_took(limited: Path) -> None:
    crossed = told("--milestones")
    week = [m for m in crossed if m["window"] == "weekly"]
    assert [m["percent"] for m in week] == [*range(70, 77)]
    assert week[-1]["cumulative_tokens"] == 3_900
    assert week[-1]["five_hour_percent"] == 45
    assert {m["source"] for m in crossed} == {"live"}
    assert told("--milestones", "--last", "2") == crossed[-2:]
    assert told("--milestones", "--since", "2026-03-03") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--history", "--milestones"], "--history and --milestones exclude each other"),
        (["--history", "--model", "x"], "--model narrows no limit"),
        (["--project", "."], "--project narrows no limit"),
        (["--week"], "how they stand now is of no other time"),
        (["--last", "0", "--history"], "--last"),
        (["--history", "--since", "soon"], "--since is not a time"),
    ],
)
def test_what_cannot_be_meant_is_one_line(cli: Command, words: list[str], said: str) -> None:
    answer = cli("limits", *words)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_no_limits_yet_says_who_has_them(cli: Command, week: Path) -> None:
    answer = on_a_terminal("limits")
    assert (answer.code, answer.out) == (0, "")
    assert "ChatGPT plan" in answer.err
    assert cli("limits", "--json").out == "[]\n"
    assert cli("limits", "--milestones", "--json").out == "[]\n"


def words_of(out: str) -> str:
    return re.sub(r"\s+", " ", out)


def test_it_says_in_words_how_long_it_lasts(database: Path) -> None:
    scenes.write(database, scenes.reading(T0, 0, T0 + 5 * HOUR))
    assert "0 % an hour: lasts until it resets" in run("limits", now=T0 + HOUR // 2).out
    scenes.write(database, scenes.reading(T0 + HOUR, 50, T0 + 5 * HOUR))
    said = words_of(run("limits", now=T0 + HOUR).out)
    assert "50 % an hour: runs out in 1 h 00 min, 3 h 00 min before it resets" in said
    scenes.write(database, scenes.reading(T0 + 2 * HOUR, 100, T0 + 5 * HOUR))
    said = words_of(run("limits", "--tz", "UTC", now=T0 + 3 * HOUR).out)
    assert "used up since 2026-03-02 11:00:00" in said
    said = words_of(run("limits", now=T0 + 6 * HOUR).out)
    assert "has reset since" in said
    assert "an hour" not in said


HOSTILE = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202eabc\r\n"


@pytest.mark.parametrize("words", [[], ["--history"], ["--milestones"], ["--json"], ["--csv"]])
def test_a_hostile_name_never_reaches_a_terminal(database: Path, words: list[str]) -> None:
    columns = ("limit_id", "plan_type", "credit_balance", "session_id")
    names: dict[str, Any] = dict.fromkeys(columns, HOSTILE)
    scenes.write(database, scenes.reading(T0, 5, T0 + HOUR, **names))
    out = on_a_terminal("limits", *words, columns=200, env={"NO_COLOR": "1"}, now=T0).out
    assert "red" in out
    assert not [c for c in ("\x1b", "\x07", "\x9b", "\u202e", "\r") if c in out]
