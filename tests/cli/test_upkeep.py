"""`path`, `backfill`, `schema`, help: what applies, and that what is printed is what was promised."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from jsonschema import Draft202012Validator

import scenes
from codex_telemetry import __version__
from codex_telemetry.cli import app
from codex_telemetry.cli.app import COMMANDS
from codex_telemetry.reports.schemas import ALSO_CALLED, SHAPES, published
from commands import Command

NAMES = list(COMMANDS)


def test_path_says_where_everything_is_and_makes_nothing(
    cli: Command, home: Path, tmp_path: Path
) -> None:
    told = json.loads(cli("path", "--json", "--db", "~/x.db").out)
    assert list(told) == ["database", "config", "log", "spool"]
    assert told["database"] == "/home/me/x.db"
    assert told["config"] == str(home / "config.toml")
    assert told["spool"][0] == "/home/me/x.db.spool"
    assert list(home.iterdir()) == []
    assert str(home / "telemetry.db") in cli("path").out
    assert cli("path", "--csv").out.startswith("database,config,log,spool\n")


def test_schema_lists_and_prints_what_was_shipped(cli: Command) -> None:
    assert [line.split()[0] for line in cli("schema").out.splitlines()] == list(SHAPES)
    for name in SHAPES:
        assert cli("schema", name).out == published(name)
    for name, same in ALSO_CALLED.items():
        assert cli("schema", name).out == published(same)


@pytest.mark.parametrize(
    ("words", "name", "many"),
    [
        (["limits"], "limit", True),
        (["limits", "--history"], "limit", True),
        (["limits", "--milestones"], "milestone", True),
        (["turns"], "turn", True),
        (["turn", "--last"], "turn_detail", False),
        (["turn", f"{scenes.uuid7(scenes.T0)}:0"], "turn_detail", False),
        (["turn", f"{scenes.uuid7(scenes.T0)}:0"], "turn", False),
        (["sessions"], "session", True),
        (["session", scenes.uuid7(scenes.T0)], "session_detail", False),
        (["sql", "--schema"], "schema_column", True),
        (["stats"], "stats", True),
        (["stats", "--by", "project"], "stats", True),
        (["stats", "--compare", "999d"], "stats_change", True),
        (["tools"], "tools", True),
        (["events"], "event", True),
        (["path"], "path", False),
        (["config"], "config", True),
        (["tokens"], "tokens", True),
        (["tokens", "--by", "model"], "tokens", True),
        (["prices"], "prices", True),
        (["backfill"], "backfill", False),
        (["doctor"], "doctor", False),
        (["service", "status"], "service", False),
    ],
)
def test_what_is_printed_is_what_the_schema_says(
    cli: Command, week: Path, limited: Path, words: list[str], name: str, many: bool
) -> None:
    printed = json.loads(cli(*words, "--json").out)
    rows = printed if many else [printed]
    assert rows
    schema = json.loads(published(name))
    Draft202012Validator.check_schema(schema)
    for row in rows:
        Draft202012Validator(schema).validate(row)
    assert json.loads(cli(*words, "--ndjson").out.splitlines()[0]) == rows[0] or name == "backfill"
    assert set(cli(*words, "--csv").out.splitlines()[0].split(",")) == set(rows[0])


def walked(command: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Every command that people are told of, also those below another."""
    for name, below in getattr(command, "commands", {}).items():
        if not below.hidden:
            yield (*path, name)
            yield from walked(below, *path, name)


WALKED = list(walked(typer.main.get_command(app.app())))


@pytest.mark.parametrize("path", WALKED, ids=" ".join)
def test_every_command_has_help_with_an_example(cli: Command, path: tuple[str, ...]) -> None:
    for word in ("--help", "-h"):
        answer = cli(*path, word)
        assert answer.code == 0
        assert f"Example: codex-telemetry {' '.join(path)}" in answer.out
        assert answer.err == ""


@pytest.mark.parametrize("path", WALKED, ids=" ".join)
def test_help_reads_well(cli: Command, path: tuple[str, ...]) -> None:
    """A sentence on what it is for, every argument and option explained, nothing cut on 80 columns."""
    out = cli(*path, "--help").out
    _, _, about, *rest = out.splitlines()
    assert re.fullmatch(r"  [A-Z].*\.", about)
    assert max(map(len, out.splitlines())) <= 80
    options = [line for line in rest if re.match(r"  -", line)]
    assert options
    assert [line for line in options if not re.search(r"\S  +\S", line)] == []


def test_the_walk_finds_every_command() -> None:
    assert [path[0] for path in WALKED if len(path) == 1] == [
        *NAMES,
        *("capture", "privacy", "shim", "service", "export"),
    ]


def test_help_lists_all_commands_in_whole_sentences(cli: Command) -> None:
    out = cli("--help").out
    assert all(f"\n  {name} " in out for name in NAMES)
    assert "collect" not in out
    assert not re.search(r"[^\]]\.\.\.", out)


def test_no_command_at_all_is_a_usage_error_that_helps(cli: Command) -> None:
    answer = cli()
    assert answer.code == 2
    assert "Usage: codex-telemetry" in answer.out + answer.err


def test_the_version(cli: Command) -> None:
    assert cli("--version").out == f"codex-telemetry {__version__}\n"
