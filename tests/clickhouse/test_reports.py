"""Every report over a ClickHouse says what it says over the database that was sent there."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

import month
import scenes
from clickhouse.conftest import There
from codex_telemetry.cli.period import Zone
from codex_telemetry.reports import sessions, stats, tokens, tools, turns
from codex_telemetry.reports.clickhouse import warehouse
from codex_telemetry.reports.elsewhere import Elsewhere
from codex_telemetry.reports.tokens import Calendar
from codex_telemetry.store.measured import BYS
from codex_telemetry.store.queries import Filters, Store, reading
from commands import Command

Report = Callable[[Store | Elsewhere, Filters, Zone], Any]


def _stats(by: Any) -> Report:
    return lambda db, f, zone: list(stats.rows(stats.groups(db, f, by, zone.days, zone.offsets)))


def _tools(by: Any) -> Report:
    return lambda db, f, _: tools.tools(db, f, by)


def _tokens(by: Any, *, roll_up: bool) -> Report:
    return lambda db, f, zone: tokens.tokens(db, f, by, Calendar(zone.offsets), roll_up=roll_up)


REPORTS: dict[str, Report] = {
    "turns": lambda db, f, _: list(turns.turns(db, f)),
    "their number": lambda db, f, _: turns.count(db, f),
    "sessions": lambda db, f, _: list(sessions.sessions(db, f)),
    "their number too": lambda db, f, _: sessions.count(db, f),
    **{f"stats {by}": _stats(by) for by in (None, *BYS)},
    **{f"tools {by}": _tools(by) for by in tools.BYS},
    **{f"tokens {by}": _tokens(by, roll_up=False) for by in get_args(tokens.By)},
    **{f"tokens {by}, rolled up": _tokens(by, roll_up=True) for by in get_args(tokens.By)},
}
SINCE = scenes.T0 + 10 * scenes.DAY + 7 * 60_000 + 3_123
"""Not at the beginning of a quarter of an hour, nor is the end."""
NARROWED = {
    "all": Filters(),
    "last": Filters(last=3),
    "model": Filters(model="gpt-5.5"),
    "status": Filters(status="completed"),
    "project": Filters(projects=("/home/me/project", "/home/me/none")),
    "time": Filters(since=SINCE, until=SINCE + 40 * scenes.DAY + 500),
    "all at once": Filters(
        SINCE, SINCE + 40 * scenes.DAY, 9, None, ("/home/me",), "gpt-5.5", "completed"
    ),
}


@pytest.mark.parametrize("narrowed", NARROWED)
def test_each_is_equal_to_the_letter(sent: tuple[Path, There], narrowed: str) -> None:
    # Clocks there change by half an hour.
    zone, filters = Zone("Australia/Lord_Howe"), NARROWED[narrowed]
    with reading(sent[0]) as here, warehouse(sent[1].address) as elsewhere:
        for name, report in REPORTS.items():
            told = report(here, filters, zone)
            assert report(elsewhere, filters, zone) == told, name
            assert told or filters != Filters(), name


@pytest.fixture
def same(sent: tuple[Path, There], monkeypatch: pytest.MonkeyPatch) -> Iterator[There]:
    """Commands ask the database that was sent, unless they ask of where it was sent to."""
    monkeypatch.setenv("CODEX_TELEMETRY_DB", str(sent[0]))
    yield sent[1]
    sent[1].trouble(None)


def test_one_session_is_found_by_the_beginning_of_its_id(same: There, cli: Command) -> None:
    known = json.loads(cli("sessions", "--json").out)[-1]["session_id"]
    for words in (["turns"], ["sessions"], ["stats"], ["tools"], ["tokens", "--roll-up"]):
        asked = [*words, "--session", known[:-3], "--json"]
        assert cli(*asked, "--store", same.url) == cli(*asked)
    nobody = cli("turns", "--session", "nobody", "--store", same.url)
    assert nobody.code == 1
    assert "no session has an id that starts with nobody" in nobody.err


@pytest.mark.parametrize("words", [["stats"], ["stats", "--by", "day"], ["tools"]], ids=" ".join)
def test_people_see_the_same_too(same: There, cli: Command, words: list[str]) -> None:
    assert cli(*words, "--store", same.url) == cli(*words)


def test_the_environment_or_the_config_may_say_where(
    home: Path, same: There, cli: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = len(same.asked())
    (home / "config.toml").write_text(f'store = "{same.url}"\n')
    assert cli("turns", "--json").out != "[]"
    assert len(same.asked()) > asked
    monkeypatch.setenv("CODEX_TELEMETRY_STORE", "clickhouse://127.0.0.1:1/x")
    assert "it can't be reached" in cli("turns").err
    asked = len(same.asked())
    assert cli("turns", "--store", "local").code == 0
    assert cli("turns", "--db", os.environ["CODEX_TELEMETRY_DB"]).code == 0
    assert len(same.asked()) == asked


def test_two_machines_are_one_answer(
    tmp_path: Path, database: Path, home: Path, there: There, cli: Command
) -> None:
    one = scenes.write(database, *scenes.week())
    other = month.write(tmp_path / "other" / "telemetry.db")
    for name, path in (("one", one), ("other", other)):
        (home / "config.toml").write_text(f'[clickhouse]\nmachine = "{name}"\nnames = "stored"\n')
        assert cli("export", "clickhouse", "--db", str(path), "--to", there.url).code == 0
    both = json.loads(cli("turns", "--store", there.url, "--json").out)
    apart = [json.loads(cli("turns", "--db", str(path), "--json").out) for path in (one, other)]
    assert sorted(t["turn_id"] for t in both) == sorted(t["turn_id"] for ts in apart for t in ts)
    counted = json.loads(cli("stats", "--store", there.url, "--json").out)[0]["turns"]
    assert counted == sum(map(len, apart))
    assert there.rows("SELECT DISTINCT machine FROM turns ORDER BY 1") == [("one",), ("other",)]


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (["--store", "postgres://h/d"], "--store is no address of a ClickHouse", 2),
        (["--store", "clickhouse://h/d", "--db", "x"], "--store and --db exclude each other", 2),
        (["--store", "clickhouse://h:port/d"], "--store is no address of a ClickHouse", 2),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    cli: Command, there: There, words: list[str], said: str, code: int
) -> None:
    answer = cli("turns", *words)
    assert (answer.code, answer.out, answer.err.count("\n")) == (code, "", 1)
    assert said in answer.err


def test_titles_stay_on_their_machine(same: There, cli: Command) -> None:
    answer = cli("sessions", "--titles", "--store", same.url)
    assert (answer.code, answer.out) == (2, "")
    assert "--titles" in answer.err


def test_where_nothing_was_sent_is_said(there: There, cli: Command) -> None:
    answer = cli("turns", "--store", there.url)
    assert answer.code == 1
    assert "nothing was sent to" in answer.err
    assert "CANARY" not in answer.err


def test_what_a_newer_version_made_is_refused(week: Path, there: There, cli: Command) -> None:
    assert cli("export", "clickhouse", "--to", there.url).code == 0
    there.command("INSERT INTO schema_versions (version) VALUES (99)")
    for words in (
        ["turns", "--store", there.url],
        ["export", "clickhouse", "--again", "--to", there.url],
    ):
        answer = cli(*words)
        assert (answer.code, answer.out, answer.err.count("\n")) == (3, "", 1)
        assert "was made by a newer version (schema 99" in answer.err


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("516", "it refuses the user or the password"),
        ("497", "the user has no right to do that"),
        ("hangup", "it"),
    ],
)
def test_a_server_that_says_no_is_one_line(
    same: There, cli: Command, trouble: str, said: str
) -> None:
    same.trouble(trouble)
    answer = cli("turns", "--store", same.url)
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert f"cannot read from {same.address.shown}: {said}" in answer.err
    assert "CANARY" not in answer.err
