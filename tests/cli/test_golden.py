"""What people see, to the character. `GOLDEN=write` writes it anew; see fixtures/golden/README.md."""

import os
from pathlib import Path

import pytest

import month
import scenes
from codex_telemetry.cli.period import Zone
from codex_telemetry.cli.table import table
from codex_telemetry.cli.turns import columns
from codex_telemetry.reports import turns as report
from codex_telemetry.store import queries
from codex_telemetry.store.queries import Filters
from commands import Command, on_a_terminal, run

FOLDER = Path(__file__).parents[2] / "fixtures" / "golden"
BUSY = f"{scenes.uuid7(scenes.T0)}:0"
ZONE = ("--tz", "Europe/Berlin")


def compare(name: str, printed: str) -> None:
    path = FOLDER / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(printed, encoding="utf-8")
    assert printed == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("columns", [80, 120])
def test_a_turn(week: Path, columns: int) -> None:
    bare = {"NO_COLOR": "1"}
    out = on_a_terminal("turn", BUSY, *ZONE, columns=columns, env=bare).out
    assert max(map(len, out.splitlines())) <= columns
    compare(f"turn_{columns}", out)


def test_a_turn_in_colour(week: Path) -> None:
    compare("turn_80_colour", on_a_terminal("turn", BUSY, *ZONE).out)


def test_a_turn_in_ascii(week: Path) -> None:
    printed = run("turn", BUSY, *ZONE, env={"PYTHONIOENCODING": "ascii", "COLUMNS": "80"})
    compare("turn_80_ascii", printed.out)


def test_a_turn_of_very_many_items(database: Path) -> None:
    session = scenes.session()
    scenes.write(database, session, scenes.long_turn(session, 500))
    out = on_a_terminal("turn", "--last", *ZONE, env={"NO_COLOR": "1"}).out
    assert len(out.splitlines()) < 50
    compare("turn_500_items_80", out)


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(
    "words", [["turns"], ["sessions"], ["session", scenes.uuid7(scenes.T0)]], ids=lambda w: w[0]
)
def test_a_list(week: Path, words: list[str], columns: int) -> None:
    out = on_a_terminal(*words, *ZONE, columns=columns, env={"NO_COLOR": "1"}).out
    compare(f"{words[0]}_{columns}", out)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_data(cli: Command, week: Path, form: str) -> None:
    compare(f"turns_{form}", cli("turns", f"--{form}").out)
    compare(f"turn_{form}", cli("turn", BUSY, f"--{form}").out)
    compare(f"sessions_{form}", cli("sessions", f"--{form}").out)


def test_a_turn_with_what_worked_for_it(database: Path) -> None:
    top = scenes.session()
    root = scenes.busy_turn(top)
    agents = [
        scenes.session(
            scenes.T0 + ms,
            n=n,
            parent_session_id=scenes.told(parent),
            relation=scenes.told("subagent"),
        )
        for n, ms, parent in (
            (2, 1_900, top.session_id),
            (3, 2_600, scenes.uuid7(scenes.T0 + 1_900, 2)),
            (4, 3_000, top.session_id),
        )
    ]
    status = {"status": scenes.told("interrupted")}
    turns = [
        scenes.turn(agents[0], scenes.T0 + 1_900, 2_100, n=5),
        scenes.turn(agents[1], scenes.T0 + 2_600, 900, n=6, model=scenes.told("gpt-5.5-mini")),
        scenes.turn(agents[2], scenes.T0 + 3_000, 150, n=7, **status),
    ]
    for n, turn in enumerate(turns[:2]):
        turn.responses = {1_200: scenes.response(scenes.T0 + 2_000, 1_200 + 9_000 * n)}
    scenes.write(database, top, *agents, root, *turns)
    bare = {"NO_COLOR": "1"}
    compare("turn_roll_up_80", on_a_terminal("turn", BUSY, "--roll-up", *ZONE, env=bare).out)
    told = on_a_terminal("session", top.session_id, "--roll-up", *ZONE, env=bare).out
    compare("session_roll_up_80", told)


@pytest.mark.parametrize("columns", [80, 120])
def test_limits(limited: Path, columns: int) -> None:
    def shown(*words: str) -> str:
        bare = {"NO_COLOR": "1"}
        out = on_a_terminal(
            "limits", *words, *ZONE, columns=columns, env=bare, now=scenes.LIMITED_AT
        ).out
        assert max(map(len, out.splitlines())) <= columns
        return out

    compare(f"limits_{columns}", shown())
    compare(f"limits_history_{columns}", shown("--history"))
    compare(f"limits_milestones_{columns}", shown("--milestones"))


def test_limits_in_colour(limited: Path) -> None:
    compare("limits_80_colour", on_a_terminal("limits", *ZONE, now=scenes.LIMITED_AT).out)


def test_limits_in_ascii(limited: Path) -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii", "COLUMNS": "80"}
    compare("limits_80_ascii", run("limits", *ZONE, env=ascii_only, now=scenes.LIMITED_AT).out)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_limits_as_data(limited: Path, form: str) -> None:
    printed = run("limits", f"--{form}", now=scenes.LIMITED_AT).out
    compare(f"limits_{form}", printed)
    compare(f"limits_milestones_{form}", run("limits", "--milestones", f"--{form}").out)


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("by", ["day", "week", "month", "model", "project", "session", "tier"])
def test_tokens(months: Path, by: str, columns: int) -> None:
    out = on_a_terminal(
        *("tokens", "--by", by, "--roll-up", *ZONE), columns=columns, env={"NO_COLOR": "1"}
    ).out
    assert max(map(len, out.splitlines())) <= columns
    compare(f"tokens_{by}_{columns}", out)


def test_tokens_in_colour_and_in_ascii(months: Path) -> None:
    compare("tokens_day_80_colour", on_a_terminal("tokens", *ZONE).out)
    bare = {"PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
    compare("tokens_day_80_ascii", on_a_terminal("tokens", *ZONE, env=bare).out)


@pytest.mark.parametrize("columns", [80, 120])
def test_prices_and_config(
    months: Path, home: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    out = on_a_terminal("prices", columns=columns, env={"NO_COLOR": "1"}).out
    compare(f"prices_{columns}", out)
    monkeypatch.setenv("CODEX_TELEMETRY_HOME", "/home/me/telemetry")
    out = on_a_terminal("config", columns=columns, env={"NO_COLOR": "1"}).out
    compare(f"config_{columns}", out)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_data_of_tokens(cli: Command, months: Path, form: str) -> None:
    compare(f"tokens_{form}", cli("tokens", f"--{form}", "--by", "month", *ZONE).out)


def test_what_was_lately_is_so_long_ago(week: Path) -> None:
    """At a fixed moment: half an hour after the last turn began."""
    now = scenes.T0 + 4 * scenes.DAY + scenes.HOUR // 2
    with queries.reading(week) as db:
        rows = list(report.turns(db, Filters()))
    drawn = table(columns(Zone("Europe/Berlin"), now), rows, 80)
    compare("turns_lately_80", "".join("".join(s.text for s in line) + "\n" for line in drawn))


REPORTS = {
    "stats": ["stats"],
    "stats_by_model": ["stats", "--by", "model"],
    "stats_by_day": ["stats", "--by", "day"],
    "tools": ["tools"],
    "tools_by_server": ["tools", "--by", "server"],
    "events": ["events"],
}


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", REPORTS)
def test_a_report(march: Path, name: str, columns: int) -> None:
    bare = {"NO_COLOR": "1"}
    out = on_a_terminal(*REPORTS[name], *ZONE, columns=columns, env=bare).out
    assert max(map(len, out.splitlines())) <= columns
    compare(f"{name}_{columns}", out)


def test_a_report_in_ascii(march: Path) -> None:
    ascii_ = {"PYTHONIOENCODING": "ascii", "COLUMNS": "80"}
    printed = [
        run(*words, *ZONE, env=ascii_).out for words in (["stats"], ["stats", "--by", "model"])
    ]
    assert all(out.isascii() and "?" not in out for out in printed)
    compare("stats_80_ascii", "\n".join(printed))


def test_a_comparison(cli: Command, march: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = month.BEGUN + month.TURNS * month.BETWEEN
    monkeypatch.setattr("time.time_ns", lambda: now * 1_000_000)
    compare("stats_compare", cli("stats", "--compare", "14d", *ZONE).out)
    compare("stats_compare_by_model", cli("stats", "--compare", "14d", "--by", "model", *ZONE).out)
    compare("stats_compare_json", cli("stats", "--compare", "14d", "--json").out)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_data_of_reports(cli: Command, march: Path, form: str) -> None:
    compare(f"stats_{form}", cli("stats", "--by", "project", f"--{form}").out)
    compare(f"tools_{form}", cli("tools", "--by", "kind", f"--{form}").out)
    compare(f"events_{form}", cli("events", "--last", "5", f"--{form}").out)
