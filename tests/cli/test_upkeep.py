"""`path`, `backfill`, `schema`, `doctor`, help: what applies, and whether all is well."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import scenes
from codex_telemetry import __version__
from codex_telemetry.cli.app import COMMANDS
from codex_telemetry.core.facts import Drift, Gap
from codex_telemetry.reports.schemas import ALSO_CALLED, SHAPES, published
from commands import Command

NAMES = [command.__name__ for command in COMMANDS]


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
        (["path"], "path", False),
        (["backfill"], "backfill", False),
        (["doctor"], "doctor", False),
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


class TestDoctor:
    def checks(self, cli: Command, *, code: int = 0) -> dict[str, tuple[str, str]]:
        answer = cli("doctor", "--json")
        assert answer.code == code
        return {c["name"]: (c["status"], c["detail"]) for c in json.loads(answer.out)["checks"]}

    def test_all_is_well(self, cli: Command, week: Path) -> None:
        checks = self.checks(cli)
        assert {status for status, _ in checks.values()} == {"ok"}
        assert set(checks) == {
            "database", "schema", "permissions", "spool", "gaps", "drift", "sources"
        }  # fmt: skip
        assert "stream alone 6" in checks["sources"][1]

    def test_no_database_yet_is_no_failure(self, cli: Command) -> None:
        assert self.checks(cli)["database"][0] == "warn"

    def test_a_database_that_others_can_read_fails(self, cli: Command, week: Path) -> None:
        week.chmod(0o644)
        assert self.checks(cli, code=1)["permissions"][0] == "fail"
        assert f"chmod 600 {week}" in cli("doctor").out

    def test_a_folder_that_others_can_open_is_a_warning(self, cli: Command, week: Path) -> None:
        week.parent.chmod(0o755)
        assert self.checks(cli)["permissions"][0] == "warn"

    def test_a_newer_database_fails(self, cli: Command, week: Path) -> None:
        with closing(sqlite3.connect(week)) as db:
            db.execute("PRAGMA user_version=999")
        assert "newer version" in self.checks(cli, code=1)["schema"][1]

    def test_gaps_and_unknown_names_are_counted(self, cli: Command, database: Path) -> None:
        scenes.write(
            database,
            Gap(scenes.T0, 4096, "queue full"),
            *(Drift("0.169.0", "thread/new", "unknown method") for _ in range(3)),
            *(Drift("0.169.0", f"item/{n}", "unknown method") for n in range(12)),
        )
        report = json.loads(cli("doctor", "--json").out)
        assert report["gaps"] == [
            {
                "session_id": None,
                "at": "2026-03-02T09:00:00.000Z",
                "dropped_bytes": 4096,
                "reason": "queue full",
            }
        ]
        assert report["drift"][0]["name"] == "thread/new"
        assert (report["drift"][0]["n"], report["drift"][0]["source"]) == (3, "live")
        shown = cli("doctor").out
        assert "1 times something wasn't heard (4,096 bytes)" in shown
        assert "3 more: --json has all" in shown


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help_with_an_example(cli: Command, name: str) -> None:
    for word in ("--help", "-h"):
        answer = cli(name, word)
        assert answer.code == 0
        assert f"Example: codex-telemetry {name}" in answer.out
        assert answer.err == ""


def test_help_lists_all_commands_in_whole_sentences(cli: Command) -> None:
    out = cli("--help").out
    assert all(f"\n  {name} " in out for name in NAMES)
    assert "collect" not in out
    assert not [name for name in NAMES if re.search(rf"\n  {name} .*[^.]\.\.\.", out)]


def test_no_command_at_all_is_a_usage_error_that_helps(cli: Command) -> None:
    answer = cli()
    assert answer.code == 2
    assert "Usage: codex-telemetry" in answer.out + answer.err


def test_the_version(cli: Command) -> None:
    assert cli("--version").out == f"codex-telemetry {__version__}\n"
