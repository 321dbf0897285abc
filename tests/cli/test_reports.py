"""`stats`, `tools` and `events`: what they are asked, and what they say when there is nothing to say."""

import json
from pathlib import Path
from typing import Any

import pytest

import month
import scenes
from canary import leaks_in
from codex_telemetry.core.facts import Drift
from commands import Command, on_a_terminal, run

T0, DAY, HOUR = scenes.T0, scenes.DAY, scenes.HOUR
COMMANDS = ("stats", "tools", "events")


def rows(cli: Command, *words: str) -> list[dict[str, Any]]:
    answer = cli(*words, "--json")
    assert answer.code == 0, answer.err
    found: list[dict[str, Any]] = json.loads(answer.out)
    return found


def keys(cli: Command, *words: str) -> list[str | None]:
    return [row["key"] for row in rows(cli, *words)]


def test_without_a_key_there_is_one_row_and_its_key_is_null(cli: Command, week: Path) -> None:
    (row,) = rows(cli, "stats")
    assert (row["key"], row["turns"]) == (None, 6)
    assert row["duration_max_ms"] == 65_000
    (none,) = rows(cli, "stats", "--model", "none")
    assert none["turns"] == 0
    assert {value for name, value in none.items() if name != "turns"} == {None}


def test_a_part_that_is_not_known_is_not_counted_as_nothing(cli: Command, database: Path) -> None:
    session = scenes.session()
    turns = [scenes.turn(session, T0 + n * HOUR, ms, n=n) for n, ms in enumerate((500, 900, None))]
    logged = scenes.turn(session, T0 + 9 * HOUR, 700, n=9, sources=2)
    scenes.write(database, session, *turns, logged)
    (row,) = rows(cli, "stats")
    assert row["turns"] == 4
    assert (row["duration_p50_ms"], row["duration_max_ms"]) == (700, 900)
    # Two were heard whole, without a tool; of the running one and of the logged one nobody knows.
    assert (row["tools_p50_ms"], row["tools_max_ms"]) == (0, 0)
    assert rows(cli, "stats", "--since", "2026-03-02T15:00Z")[0]["tools_p50_ms"] is None


def test_worktrees_of_a_repository_are_one_project(cli: Command, march: Path) -> None:
    assert sorted(keys(cli, "stats", "--by", "project"), key=str) == [
        "/home/me/project",
        "/home/me/repo",
    ]


def test_a_turn_without_a_folder_is_of_its_sessions(cli: Command, week: Path) -> None:
    found = {row["key"]: row["turns"] for row in rows(cli, "stats", "--by", "project")}
    assert found == {"/home/me/project": 4, "/home/me/other/deep": 1, "/home/me/other": 1}


def test_a_client_is_known_by_its_name_else_by_its_originator(cli: Command, march: Path) -> None:
    assert keys(cli, "stats", "--by", "client") == ["an_editor", "codex_cli_rs"]


@pytest.mark.parametrize(
    ("zone", "hours"),
    [("Europe/Berlin", 23), ("UTC", 24), ("Asia/Kolkata", 24), ("Australia/Lord_Howe", 24)],
)
def test_days_are_cut_by_the_wall_clock_there(
    cli: Command, database: Path, zone: str, hours: int
) -> None:
    """29 March 2026 has 23 hours in Berlin; a turn begins every half hour, just before the next."""
    session = scenes.session(T0 + 25 * DAY)
    turns = [
        scenes.turn(session, T0 + 25 * DAY + n * HOUR // 2 - 1, 100, n=n) for n in range(2 * 24 * 4)
    ]
    scenes.write(database, session, *turns)
    found = {row["key"]: row["turns"] for row in rows(cli, "stats", "--by", "day", "--tz", zone)}
    assert found["2026-03-29"] == 2 * hours


class TestCompare:
    @pytest.fixture(autouse=True)
    def at_the_end(self, march: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        now = month.BEGUN + month.TURNS * month.BETWEEN
        monkeypatch.setattr("time.time_ns", lambda: now * 1_000_000)

    def test_the_last_stretch_stands_beside_the_one_before(self, cli: Command) -> None:
        found = {row["measure"]: row for row in rows(cli, "stats", "--compare", "7d")}
        assert list(found) == ["duration", "ttft", "tools", "approval"]
        assert {(row["turns"], row["turns_before"]) for row in found.values()} == {(20, 21)}
        took = found["duration"]
        assert took["p50_ms"] - took["p50_before_ms"] == took["p50_change_ms"]

    def test_other_filters_hold_for_both(self, cli: Command) -> None:
        found = rows(cli, "stats", "--compare", "7d", "--by", "model", "--model", "gpt-5.5-mini")
        assert {row["key"] for row in found} == {"gpt-5.5-mini"}
        assert found[0]["turns"] < 20

    def test_where_there_was_nothing_there_is_no_change(self, cli: Command) -> None:
        (row, *_) = rows(cli, "stats", "--compare", "20d")
        assert row["turns"] > 0
        found = rows(cli, "stats", "--compare", "52w")
        assert found[0]["turns_before"] == 0
        assert found[0]["p50_change_ms"] is None
        assert found[0]["p50_change_percent"] is None

    def test_slower_is_red_and_signed(self, march: Path) -> None:
        env = {"FORCE_COLOR": "1"}
        assert run("stats", "--compare", "52w", env=env).code == 0

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["7"], "--compare is not a stretch of time: 7; write 7d or 24h"),
            (["0d"], "--compare is not a stretch of time"),
            (["-7d"], "--compare is not a stretch of time"),
            (["7d", "--since", "1d"], "--compare and --since exclude each other"),
            (["7d", "--today"], "--compare and --today exclude each other"),
            (["7d", "--last", "3"], "--compare and --last exclude each other"),
            (["7d", "--by", "day"], "--compare and --by day exclude each other"),
        ],
    )
    def test_what_cannot_be_compared(self, cli: Command, words: list[str], said: str) -> None:
        answer = cli("stats", "--compare", *words)
        assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
        assert said in answer.err


def test_tools_are_told_apart_by_what_is_asked(cli: Command, march: Path) -> None:
    assert keys(cli, "tools", "--by", "kind") == [
        "command",
        "file_change",
        "mcp_tool",
        "web_search",
    ]
    assert keys(cli, "tools", "--by", "server") == ["docs", "github"]
    commands = rows(cli, "tools", "--by", "command")
    assert {row["kind"] for row in commands} == {"command"}
    assert {row["key"] for row in commands} == {"rg", "sed", "git", "pytest", None}
    assert sum(row["calls"] for row in commands) == rows(cli, "tools", "--by", "kind")[0]["calls"]
    assert rows(cli, "tools") == rows(cli, "tools", "--by", "name")


def test_a_kind_without_names_is_called_by_itself(march: Path) -> None:
    shown = on_a_terminal("tools", columns=120, env={"NO_COLOR": "1"}).out
    assert "\nfile change  file change" in shown
    assert "\n-            command" in shown


def test_events_of_one_kind(cli: Command, week: Path) -> None:
    every = rows(cli, "events")
    assert {event["kind"] for event in every} == {"approval", "retry"}
    assert rows(cli, "events", "--kind", "retry") == [e for e in every if e["kind"] == "retry"]
    assert [e["at"] for e in every] == sorted(e["at"] for e in every)


def test_a_kind_that_no_event_has_is_one_line_that_names_those_there_are(
    cli: Command, week: Path
) -> None:
    answer = cli("events", "--kind", "retries")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        "codex-telemetry: --kind: there is no event of kind retries; one of approval, retry\n"
    )


def test_of_an_empty_database_no_kind_is_wrong(cli: Command, database: Path) -> None:
    scenes.write(database, Drift("0.169.0", "x", "unknown method"))
    assert cli("events", "--kind", "error", "--json").out == "[]\n"


@pytest.mark.parametrize("by", [[], ["--by", "model"]], ids=["all", "model"])
def test_turns_that_all_run_have_no_histogram(database: Path, by: list[str]) -> None:
    session = scenes.session()
    scenes.write(database, session, scenes.turn(session, T0, None))
    answer = on_a_terminal("stats", *by, env={"NO_COLOR": "1"})
    assert (answer.code, answer.err) == (0, "")
    assert "1" in answer.out
    assert "durations" not in answer.out
    assert "how long" not in answer.out


@pytest.mark.parametrize("command", COMMANDS)
class TestNothing:
    def test_no_database_says_how_to_fill_one(self, cli: Command, command: str) -> None:
        answer = cli(command)
        assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
        assert "codex-telemetry backfill" in answer.err

    def test_an_empty_one_is_told_from_no_match(
        self, cli: Command, database: Path, command: str
    ) -> None:
        scenes.write(database, Drift("0.169.0", "x", "unknown method"))
        nouns = {"stats": "turns", "tools": "tool calls", "events": "events"}
        env = {"NO_COLOR": "1"}
        empty = on_a_terminal(command, env=env)
        assert (empty.code, empty.out, empty.err) == (0, "", f"no {nouns[command]} yet\n")
        narrowed = on_a_terminal(command, "--model", "none", env=env)
        assert narrowed.err == f"no {nouns[command]} match\n"

    def test_as_data_it_is_an_empty_list(self, cli: Command, week: Path, command: str) -> None:
        if command != "stats":
            assert cli(command, "--json", "--model", "none").out == "[]\n"
            assert cli(command, "--ndjson", "--model", "none").out == ""
        assert len(cli(command, "--csv", "--model", "none").out.splitlines()) == 1 + (
            command == "stats"
        )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stats", "--by", "speed"], "--by: there is no key speed; one of model, effort, project"),
        (["stats", "--by", ""], "--by: there is no key"),
        (["tools", "--by", "model"], "--by: there is no key model; one of name, kind, command"),
    ],
)
def test_a_key_that_is_none_is_one_line(cli: Command, words: list[str], said: str) -> None:
    answer = cli(*words)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_reports_are_never_wider_than_the_terminal(march: Path, columns: int) -> None:
    for words in (["stats"], ["stats", "--by", "model"], ["tools"], ["events"]):
        out = on_a_terminal(*words, columns=columns, env={"NO_COLOR": "1"}).out
        assert max(len(line.rstrip()) for line in out.splitlines()) <= columns
        assert not leaks_in(out)


def test_a_terminal_shows_twenty_keys_the_latest_of_days(march: Path) -> None:
    answer = on_a_terminal("stats", "--by", "day", "--tz", "UTC", env={"NO_COLOR": "1"})
    assert answer.err == "9 earlier rows: --json has all of them\n"
    assert "2026-04-03" in answer.out
