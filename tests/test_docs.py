"""Docs that can't lie: every data point has a column and a test, every output shown is a real one."""

import json
import re
import sqlite3
import subprocess
import sys
from functools import cache
from pathlib import Path

import anyio
import pytest

import shown
from capture.granting import grant
from casts import cast
from codex_telemetry import pricing
from codex_telemetry.backfill.homes import backfill
from codex_telemetry.cli.app import (
    COMMANDS,
    CONTENT_COMMANDS,
    PRIVACY_COMMANDS,
    SECRET_COMMANDS,
    SERVICE_COMMANDS,
    SHIM_COMMANDS,
)
from codex_telemetry.core.facts import Gap
from codex_telemetry.core.veil import Veil
from codex_telemetry.formats.base import Direction
from codex_telemetry.settings import Settings
from codex_telemetry.store import consent, sink_cursors
from codex_telemetry.store import db as database
from codex_telemetry.store.grants import Standing
from codex_telemetry.store.writer import Writer
from recordings import Recordings
from saved import BORN, batch, thread, turn
from screenshots import PICTURES
from store_of import rows
from told import Told, told_by

CHECKOUT = Path(__file__).parents[1]
STATES = {"done", "next", "later"}


def data_points() -> list[dict[str, str]]:
    """The rows of the tables in ROADMAP.md, by their headings."""
    points: list[dict[str, str]] = []
    heads: list[str] = []
    for line in (CHECKOUT / "docs" / "ROADMAP.md").read_text().splitlines():
        if not line.startswith("|"):
            heads = []
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not heads:
            heads = cells
        elif not set(line) <= set("|- "):
            points.append(dict(zip(heads, cells, strict=True)))
    return points


POINTS = data_points()


@cache
def columns() -> frozenset[str]:
    """Every `table.column` of a fresh database."""
    with sqlite3.connect(":memory:") as db:
        for migration in database.migrations():
            db.executescript(migration)
        tables = [
            row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return frozenset(
            f"{table}.{row[1]}"
            for table in tables
            for row in db.execute(f"PRAGMA table_xinfo({table})")
        )


@cache
def names_of_tests() -> frozenset[str]:
    """The names of all tests."""
    return frozenset(
        name
        for path in (CHECKOUT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    )


def test_the_roadmap_has_every_milestone() -> None:
    text = (CHECKOUT / "docs" / "ROADMAP.md").read_text()
    assert [int(n) for n in re.findall(r"^## Milestone (\d)", text, re.MULTILINE)] == [
        0,
        1,
        2,
        3,
        4,
        5,
    ]
    assert len(POINTS) > 80


@pytest.mark.parametrize("point", POINTS, ids=[p["data point"] for p in POINTS])
def test_a_data_point_says_where_it_is_and_what_proves_it(point: dict[str, str]) -> None:
    assert point["state"] in STATES
    if point["kept in"]:
        assert point["kept in"] in columns()
    if point["state"] == "done":
        assert point["kept in"]
        assert point["test"] in names_of_tests()
    if point["test"]:
        assert point["test"] in names_of_tests()


def proofs_of_faults() -> set[str]:
    """The tests that the tables of FAULTS.md name."""
    lines = (CHECKOUT / "docs" / "FAULTS.md").read_text().splitlines()
    return {test for line in lines if line[:1] == "|" for test in re.findall(r"\btest_\w+", line)}


def test_every_test_that_the_docs_name_runs() -> None:
    """One in a file that isn't collected, say, would prove nothing."""
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:xdist"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = {
        line.rpartition("::")[2].partition("[")[0]
        for line in listed.stdout.splitlines()
        if "::" in line
    }
    assert {point["test"] for point in POINTS if point["test"]} <= found
    assert proofs_of_faults() <= found


SHOWS = ("README.md", "docs/COMMANDS.md", "docs/TOP.md", "docs/schema.md")
"""As the Makefile's `docs` has them."""


def cog(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cogapp", "-I", CHECKOUT / "tests", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", SHOWS)
def test_the_docs_show_what_commands_print(name: str) -> None:
    """If this fails: `make docs`, and look at the difference."""
    done = cog("--check", "--diff", CHECKOUT / name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_doc_that_lies_is_found(tmp_path: Path) -> None:
    lying = tmp_path / "README.md"
    lying.write_text((CHECKOUT / "README.md").read_text().replace("4.22 s", "4.23 s"))
    assert cog("--check", lying).returncode != 0


def test_make_docs_writes_what_is_tested() -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    assert f"DOCS := {' '.join(SHOWS)}\n" in makefile
    shown_in = [
        path.relative_to(CHECKOUT).as_posix()
        for path in [CHECKOUT / "README.md", *(CHECKOUT / "docs").rglob("*.md")]
        if "[[[cog" in path.read_text()
    ]
    assert sorted(shown_in) == sorted(SHOWS)


def test_every_command_is_documented_with_an_example() -> None:
    assert set(shown.EXAMPLES) == set(COMMANDS)
    headings = re.findall(
        r"^## `(\w+)`$", (CHECKOUT / "docs/COMMANDS.md").read_text(), re.MULTILINE
    )
    assert headings == list(COMMANDS)


@pytest.mark.parametrize(
    ("group", "commands"),
    [
        ("capture", CONTENT_COMMANDS),
        ("privacy", PRIVACY_COMMANDS),
        ("privacy secret", SECRET_COMMANDS),
        ("shim", SHIM_COMMANDS),
        ("service", SERVICE_COMMANDS),
    ],
)
def test_every_command_of_a_group_is_documented_with_an_example(
    group: str, commands: dict[str, str]
) -> None:
    text = (CHECKOUT / "docs/COMMANDS.md").read_text()
    documented = re.findall(rf"^### `{group} (\w+)`$", text, re.MULTILINE)
    assert documented == list(commands)
    for name in documented:
        assert f"```sh\ncodex-telemetry {group} {name}" in text


def test_every_command_that_the_docs_name_is_there() -> None:
    """Also where it is only mentioned."""
    there = {*shown.EXAMPLES, "capture", "privacy", "shim", "service", "export"}
    there |= {"collect", "COMMAND"}
    for path in [CHECKOUT / "README.md", *(CHECKOUT / "docs").glob("*.md")]:
        named = re.findall(r"`codex-telemetry ([\w-]+)", path.read_text())
        assert {name for name in named if not name.startswith("-")} <= there, path


MADE_THREAD = "01a20723-e07a-7931-8126-7830aff6bc00"
MADE_TURN = "01a20724-25db-75a2-b830-6a9c0d170300"
MADE_STREAM: tuple[tuple[Direction, dict[str, object]], ...] = (
    (
        "client",
        {
            "id": 0,
            "method": "initialize",
            "params": {"capabilities": {"optOutNotificationMethods": ["turn/diff/updated"]}},
        },
    ),
    (
        "client",
        {
            "id": 1,
            "method": "turn/start",
            "trace": {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
            "params": {
                "threadId": "made",
                "sandboxPolicy": {
                    "type": "workspaceWrite",
                    "writableRoots": ["/a"],
                    "networkAccess": False,
                    "excludeTmpdirEnvVar": False,
                    "excludeSlashTmp": True,
                },
            },
        },
    ),
    ("server", {"id": 1, "result": {"turn": {"id": "0"}}}),
    ("server", {"method": "turn/started", "params": {"threadId": "made", "turn": {"id": "0"}}}),
    (
        "server",
        {
            "method": "account/rateLimits/updated",
            "params": {"rateLimits": {"planType": "pro", "primary": {"usedPercent": 1}}},
        },
    ),
)
MADE_LOG: tuple[tuple[str, dict[str, object]], ...] = (
    ("session_meta", {"git": {"repository_url": "https://example.invalid/x.git"}}),
    ("event_msg", {"type": "task_started", "turn_id": MADE_TURN}),
    ("turn_context", {"turn_id": MADE_TURN, "model": "m", "developer_instructions": "be brief"}),
)
"""What no recording holds: a sandbox with roots, a plan, a repository with an address, developer
instructions; made by hand in the forms of 0.169."""
YEAR_MS = 365 * 86_400_000


@pytest.fixture(scope="session")
def golden_rows(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of three releases' recordings, heard and logged, and of what was made by hand."""
    folder = tmp_path_factory.mktemp("golden")
    anyio.run(fill, folder, recordings)
    with consent.writing(folder / "telemetry.db") as db:
        sink_cursors.begin(db, "otlp", "http://localhost:4318", 1)
        sink_cursors.fail(db, "otlp", "it can't be reached", 2)
    return folder / "telemetry.db"


async def fill(folder: Path, recordings: Recordings) -> None:
    sessions = folder / "codex" / "sessions"
    sessions.mkdir(parents=True)
    grant(folder / "telemetry.db", "/", at=0)
    writer = await Writer.open(folder / "telemetry.db", prices=pricing.wanted(Settings()))
    try:
        for recording in recordings.like("0.169.0/*", "0.125.0/*", "0.98.0/*"):
            if "x_" not in recording.scenario:
                heard = told_by(recording.frames()).batch
                heard.origin = recording.name
                await writer.save(heard)
            for path in recording.rollouts():
                (sessions / path.name).write_bytes(path.read_bytes())
        made = Told()
        for sent_by, message in MADE_STREAM:
            made.hear(sent_by, json.dumps(message).encode(), BORN)
        made.batch.add(Gap(1, 2, "made"), 1)
        for fact in cast("0.125.0-45x110").facts():
            made.batch.add(fact, 1)
        await writer.save(made.batch)
        lines = [
            {"timestamp": "2026-11-23T06:42:01.000Z", "type": kind, "payload": payload}
            for kind, payload in MADE_LOG
        ]
        lines[0]["payload"] = {"id": MADE_THREAD, "cwd": "/", **MADE_LOG[0][1]}
        log = sessions / f"rollout-2026-11-23T06-42-01-{MADE_THREAD}.jsonl"
        log.write_text("".join(json.dumps(line) + "\n" for line in lines))
        await backfill(
            writer,
            [folder / "codex"],
            veil=Veil(lambda text: f"#{len(text)}", "a secret"),
            hash_commands=True,
            standing=Standing(folder / "telemetry.db"),
        )
        await writer.save(batch("long ago", turn(0, thread(0), at=-YEAR_MS)))
        await writer.prune(BORN - YEAR_MS // 2)
    finally:
        await writer.close()


@pytest.mark.parametrize("where", sorted({p["kept in"] for p in POINTS if p["state"] == "done"}))
def test_what_is_done_is_known_in_some_golden_row(golden_rows: Path, where: str) -> None:
    table, column = where.split(".")
    (found,) = rows(golden_rows, f"SELECT count({column}) AS n FROM {table}")
    assert found["n"] > 0


EMBEDDED = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<path>[^)]+)\)")
LARGEST_PICTURE = 150_000


def embedded() -> set[Path]:
    found = set()
    for page in (CHECKOUT / "README.md", *(CHECKOUT / "docs").glob("*.md")):
        for alt, path in EMBEDDED.findall(page.read_text()):
            assert len(alt) > 20, f"{page}: {path} says nothing to who doesn't see it"
            found.add((page.parent / path).resolve())
    return found


def test_every_picture_is_there_and_every_one_is_shown() -> None:
    pictures = set((CHECKOUT / "docs" / "images").iterdir())
    assert embedded() == pictures
    assert {path.stem for path in pictures} == {picture.name for picture in PICTURES}
    for path in pictures:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size <= LARGEST_PICTURE, path
