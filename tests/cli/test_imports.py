"""What a command imports: a report as data must be there at once."""

import json
from pathlib import Path

import pytest

from backfill.codex_home import place
from codex_telemetry.cli.app import COMMANDS, CONTENT_COMMANDS, HIDDEN
from codex_telemetry.store import spool
from commands import run
from recordings import Recordings

HEAVY = {
    *("structlog", "rich", "anyio", "aiosqlite", "asyncio", "genai_prices", "nacl", "keyring"),
    "pydantic",
    *("starlette", "uvicorn", "jinja2", "codex_telemetry.web.app"),
    "textual",
}

SCRIPT = """
import sys
from codex_telemetry.cli import app
code = app.run(sys.argv[1:])
print(code, *sorted(sys.modules), file=sys.stderr)
"""

COMMAND_MODULES = {
    f"codex_telemetry.cli.{place.rpartition('.')[0]}"
    for place in [*COMMANDS.values(), *HIDDEN.values(), *CONTENT_COMMANDS.values()]
}
NEEDED_BY_ALL = {"codex_telemetry.cli.completion"}


def imported(*words: str) -> set[str]:
    answer = run(python=("-c", SCRIPT, *words))
    code, *modules = answer.err.splitlines()[-1].split()
    assert code == "0", answer.err
    assert "msgspec" in modules
    return set(modules)


@pytest.mark.parametrize(
    "words",
    [
        ["turns"],
        ["turn", "--last"],
        ["sessions"],
        ["limits"],
        ["sql", "SELECT 1"],
        ["doctor"],
        ["path"],
        ["config"],
        ["tokens"],
        ["prices"],
        *(["stats"], ["stats", "--by", "day"], ["tools"], ["events"]),
        ["capture", "status"],
        *(["shim", "status"], ["service", "status"]),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("form", ["--json", "--ndjson", "--csv"])
def test_data_takes_nothing_heavy(week: Path, words: list[str], form: str) -> None:
    assert not imported(*words, form) & HEAVY


@pytest.mark.parametrize("name", ["turns", "stats", "tools", "tokens", "events", "limits", "sql"])
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["drawn", "data"])
def test_no_other_command_is_imported(week: Path, name: str, form: list[str]) -> None:
    words = [name, "SELECT 1"] if name == "sql" else [name]
    found = imported(*words, *form) & COMMAND_MODULES
    assert found - NEEDED_BY_ALL == {f"codex_telemetry.cli.{name}"}


def test_what_is_drawn_takes_no_pydantic(week: Path) -> None:
    assert "pydantic" not in imported("turns")


def test_an_empty_spool_folder_takes_nothing_heavy(week: Path) -> None:
    week.with_name(f"{week.name}.spool").mkdir(mode=0o700)
    assert not imported("turns", "--json") & HEAVY


def test_what_is_drawn_takes_no_loop_and_no_log(week: Path) -> None:
    assert not imported("turn", "--last") & (HEAVY - {"rich"})


def test_the_suffix_that_is_looked_for_is_that_of_spool_files(week: Path) -> None:
    folder = week.with_name(f"{week.name}.spool")
    folder.mkdir(mode=0o700)
    (folder / f"x{spool.SUFFIX}").write_bytes(b"")
    assert imported("turns", "--json") & HEAVY
    assert json.loads(run("turns", "--json").out)


def test_a_backfill_that_finds_nothing_new_takes_nothing_that_reads(
    recordings: Recordings, tmp_path: Path
) -> None:
    place([recordings.one("0.169.0/h_compact")], tmp_path / "codex-home")
    reads = {"anyio", "aiosqlite", "zstandard", "codex_telemetry.formats.rollout.reader"}
    assert imported("backfill", "--json") >= reads
    for form in ([], ["--json"]):
        assert not imported("backfill", *form) & (HEAVY | reads)
