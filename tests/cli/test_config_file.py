"""`config.toml` and `config`: what is set and by what, and one line for what is wrong."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scenes
from checkout import CHECKOUT
from codex_telemetry.errors import UsageError
from codex_telemetry.settings import Settings, load
from commands import Command

SECRET = "CANARY-config-value"


@pytest.fixture
def file(home: Path) -> Path:
    return home / "config.toml"


def told(cli: Command, *words: str) -> dict[str, tuple[object, str]]:
    answer = cli("config", "--json", *words)
    assert answer.code == 0, answer.err
    return {row["option"]: (row["value"], row["source"]) for row in json.loads(answer.out)}


def test_every_option_is_listed_and_says_where_it_comes_from(
    cli: Command, file: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(cli)["week_start"] == ("monday", "default")
    file.write_text('tz = "Asia/Kolkata"\n[[prices]]\nmodel = "m"\ninput = 1\noutput = 2.5\n')
    found = told(cli, "--db", "/x.db")
    assert set(found) == {"database", "config", "log_level", *Settings.__struct_fields__}
    assert found["database"] == ("/x.db", "option")
    assert found["config"] == (str(file), "environment")
    assert found["log_level"] == ("off", "default")
    assert found["tz"] == ("Asia/Kolkata", "file")
    prices, source = found["prices"]
    assert isinstance(prices, list)
    assert source == "file"
    assert (prices[0]["model"], prices[0]["output"], prices[0]["tier"]) == ("m", 2.5, "default")
    monkeypatch.setenv("CODEX_TELEMETRY_LOG", "error")
    assert told(cli)["log_level"] == ("error", "environment")
    monkeypatch.delenv("CODEX_TELEMETRY_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    assert told(cli)["database"][1] == told(cli)["config"][1] == "default"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f'tz = "{SECRET}"',
            "tz: there is no time zone of that name; write one like Europe/Berlin",
        ),
        ("tz = 1", "tz must be the name of a time zone"),
        (f'week_start = "{SECRET}"', 'week_start must be "monday" or "sunday"'),
        (f'weak_start = "{SECRET}"', "unknown key weak_start (known: week_start, tz"),
        (f'[[prices]]\nmodel = "m"\ninput = "{SECRET}"', "prices[1].input must be US dollars"),
        ('[[prices]]\nmodel = "m"\ninput = 1', "prices[1].output is missing"),
        ("[[prices]]\ninput = 1\noutput = 1", "prices[1].model is missing"),
        ('[[prices]]\nmodel = "m"\ninput = nan\noutput = 1', "prices[1].input must be US dollars"),
        ('[[prices]]\nmodel = "m"\ninput = -1\noutput = 1', "prices[1].input must be US dollars"),
        ('[[prices]]\nmodel = "m"\ninput = true\noutput = 1', "prices[1].input must be US dollars"),
        (
            '[[prices]]\nmodel = "m"\ninput = 1\noutput = 1\nsince = "November"',
            "prices[1].since must be a day such as 2026-11-01",
        ),
        (
            '[[prices]]\nmodel = "m"\ninput = 1\noutput = 1\nsince = 2026-02-01\nuntil = 2026-01-01',
            "prices[1].until must be after since",
        ),
        ('[[prices]]\nmodel = "m"\ninput = 1\noutput = 1\ncost = 1', "unknown key prices[1].cost"),
        (f'prices = "{SECRET}"', "prices must be tables, each headed [[prices]]"),
        (f'[prices]\nmodel = "{SECRET}"', "prices must be tables, each headed [[prices]]"),
        (f"tz = {SECRET}", "not TOML at line 1, column 6"),
        (f'tz = "{SECRET}', "not TOML at its end"),
        ("[" * 2000, "not TOML at"),
    ],
)
@pytest.mark.parametrize("command", ["config", "turns", "sessions"])
def test_what_is_wrong_is_one_line_without_the_value(
    cli: Command, file: Path, command: str, text: str, said: str
) -> None:
    file.write_text(text)
    answer = cli(command)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith(f"codex-telemetry: {file}: ")
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert SECRET not in answer.err


def test_the_example_in_the_readme_is_a_config_file(cli: Command, file: Path) -> None:
    readme = (CHECKOUT / "README.md").read_text()
    file.write_text(readme.partition("```toml\n")[2].partition("```")[0])
    found = told(cli)
    assert found["week_start"] == ("sunday", "file")
    assert found["tz"] == ("Europe/Berlin", "file")
    assert found["prices"][1] == "file"


def test_a_file_that_cannot_be_read_is_one_line(cli: Command, file: Path) -> None:
    file.write_bytes(b"\xff")
    assert "it is not text" in cli("config").err
    file.unlink()
    file.mkdir()
    answer = cli("config")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "can't be read: Is a directory" in answer.err


def test_a_file_that_is_named_has_to_be_there(
    cli: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("config").code == 0
    assert "there is no config file at" in cli("config", "--config", str(home / "no.toml")).err
    monkeypatch.setenv("CODEX_TELEMETRY_CONFIG", str(home / "no.toml"))
    assert cli("config").code == 2


def test_where_the_file_is_can_be_asked_however_broken_it_is(cli: Command, file: Path) -> None:
    file.write_text("[[[")
    assert str(file) in cli("path").out


def test_the_zone_of_the_file_holds_unless_another_is_asked_for(
    cli: Command, week: Path, file: Path
) -> None:
    file.write_text('tz = "Asia/Kolkata"')
    assert "14:30:01 +05:30" in cli("turns").out
    assert "+05:30" not in cli("turns", "--tz", "UTC").out


def test_a_week_begins_when_the_file_says(
    cli: Command, database: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked on a Monday at noon: of a Sunday's turn and a Monday's."""
    session = scenes.session()
    for n, day in enumerate((-scenes.DAY, 0)):
        scenes.write(database, session, scenes.turn(session, scenes.T0 + day, n=n + 1))
    noon = scenes.T0 + 3 * scenes.HOUR
    monkeypatch.setattr("time.time_ns", lambda: noon * 1_000_000)
    found = [len(json.loads(cli("turns", "--week", "--json", "--tz", "UTC").out))]
    file.write_text('week_start = "sunday"')
    found.append(len(json.loads(cli("turns", "--week", "--json", "--tz", "UTC").out)))
    assert found == [1, 2]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_file_is_settings_or_one_line(file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    with contextlib.suppress(UsageError):
        load(file)
