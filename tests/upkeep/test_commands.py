"""`prune`, `vacuum` and the config's `[retention]`: what is said beforehand is what is done."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from jsonschema import Draft202012Validator

from cli.test_golden import compare
from codex_telemetry import retention
from codex_telemetry.config import Paths
from codex_telemetry.reports.schemas import published
from codex_telemetry.sections import Retention
from codex_telemetry.settings import Settings, bytes_of
from codex_telemetry.store import ours
from commands import PROGRAM, Command
from saved import BORN, batch, contents, query, save, thread, turn
from store_of import until
from upkeep.kept import copied, used
from upkeep.machine import writing

DAY = 86_400_000
WORDS = {
    "prune": ["--older-than", "1d"],
    "vacuum": [],
    "backup": ["{copy}"],
    "restore": ["{copy}", "--yes"],
    "merge": ["{copy}"],
}


@pytest.fixture
def database(home: Path) -> Path:
    """Three turns of long ago, and one of now."""
    path = home / "telemetry.db"
    old = [turn(n, thread(0), at=n * 10_000 - 100 * DAY) for n in range(3)]
    now = time.time_ns() // 1_000_000
    save(path, batch("a", *old, turn(9, thread(1), at=now - BORN - 10_000)))
    return path


@pytest.mark.parametrize("name", WORDS)
def test_what_is_printed_is_what_the_schema_says(
    cli: Command, database: Path, tmp_path: Path, name: str
) -> None:
    copy = tmp_path / "copy.db"
    if name in ("restore", "merge"):
        cli("backup", str(copy))
    words = [word.format(copy=copy) for word in WORDS[name]]
    answer = cli(name, *words, "--json")
    assert answer.code == 0, answer.err
    Draft202012Validator(json.loads(published(name))).validate(json.loads(answer.out))


def test_a_dry_run_changes_nothing_and_tells_what_a_yes_does(cli: Command, database: Path) -> None:
    cli("turns")
    before = contents(database)
    dry = json.loads(cli("prune", "--older-than", "1d", "--json").out)
    assert contents(database) == before
    assert (dry["dry_run"], dry["turns"], dry["sessions"]) == (True, 3, 1)
    done = json.loads(cli("prune", "--older-than", "1d", "--yes", "--json").out)
    counts = ("sessions", "turns", "items", "responses", "events", "limits", "content", "bytes")
    assert [done[name] for name in counts] == [dry[name] for name in counts]
    assert len(contents(database)["turns"]) == 1
    again = json.loads(cli("prune", "--older-than", "1d", "--yes", "--json").out)
    assert (again["turns"], again["before_at"]) == (0, None)


def test_reports_say_whether_they_count_what_was_pruned(cli: Command, database: Path) -> None:
    before = cli("tokens", "--by", "month", "--json")
    assert before.err == ""
    assert cli("prune", "--older-than", "1d", "--yes").code == 0
    after = cli("tokens", "--by", "month", "--json")
    assert after.out == before.out
    assert "may have been pruned: what they used is counted" in after.err
    for name in ("stats", "tools"):
        answer = cli(name, "--json")
        assert "may have been pruned: they aren't counted" in answer.err
        assert cli(name, "--json", "--since", "1h").err == ""
    assert json.loads(cli("stats", "--json").out)[0]["turns"] == 1


def test_people_are_told_what_goes_and_what_stays(cli: Command, database: Path) -> None:
    told = cli("prune", "--older-than", "1d", "--tz", "UTC").out
    told += cli("prune", "--older-than", "1d", "--tz", "UTC", "--yes").out
    told += cli("prune", "--older-than", "1d", "--tz", "UTC", "--yes").out
    told = re.sub(r"[\d,]+ bytes|of [\d,]+$", "N bytes", told, flags=re.MULTILINE)
    compare("prune", re.sub(r"before 2\S+ \S+ \S+", "before THEN", told))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "prune: nothing says how much to keep; --older-than 400d, --size 2GB, or"),
        (["--older-than", "x"], 2, "--older-than is not a stretch of time"),
        (["--older-than", "0d"], 2, "--older-than is not a stretch of time"),
        (["--size", "big"], 2, "--size is no size; write 500MB or 2GB"),
        (["--size", "-1GB"], 2, "--size is no size"),
        (["--older-than", "1d", "--db", "/nowhere/t.db"], 1, "there is no database yet"),
    ],
)
def test_what_cant_be_meant_is_one_line(
    cli: Command, database: Path, words: list[str], code: int, said: str
) -> None:
    answer = cli("prune", *words)
    assert answer.code == code
    assert answer.err.startswith(f"codex-telemetry: {said}")
    assert len(answer.err.splitlines()) == 1


def test_the_config_says_how_much_is_kept(cli: Command, database: Path, home: Path) -> None:
    (home / "config.toml").write_text('[retention]\ndays = 8\nsize = "1GB"\n')
    assert json.loads(cli("prune", "--json").out)["turns"] == 3
    (setting,) = [
        row for row in json.loads(cli("config", "--json").out) if row["option"] == "retention"
    ]
    assert (setting["value"], setting["source"]) == ({"days": 8, "size": "1GB"}, "file")
    assert "8 days, 1GB" in cli("config").out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("retention = 8", "retention must be a table headed [retention], with days or size"),
        ("[retention]\ndays = 7", "retention.days must be a number of days, 8 or more"),
        ('[retention]\nsize = "CANARY"', 'retention.size must be a size such as "2GB"'),
        ("[retention]\nyears = 1", "unknown key retention.years (known: days, size)"),
    ],
)
def test_a_wrong_retention_is_one_line(cli: Command, home: Path, text: str, said: str) -> None:
    file = home / "config.toml"
    file.write_text(text)
    assert cli("prune").err == f"codex-telemetry: {file}: {said}\n"


def test_sizes_are_powers_of_a_thousand() -> None:
    told = [bytes_of(size) for size in ("1KB", "20 MB", "2gb", "1TB", "2G", "", "1.5GB", "٢GB")]
    assert told == [1_000, 20_000_000, 2_000_000_000, 10**12, None, None, None, None]


def test_nothing_is_kept_less_unless_somebody_says_so() -> None:
    assert retention.wanted_by(Retention()) is None


async def test_who_follows_the_logs_applies_it(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SOON_S", 0.0)
    monkeypatch.setattr(retention, "AGAIN_S", 0.01)
    before = used(database)
    paths = Paths(database, database, database, ())
    with anyio.move_on_after(20):
        async with anyio.create_task_group() as tasks:
            wanted = Settings(retention=Retention(days=8))
            tasks.start_soon(retention.look_after, paths, wanted)
            while query(database, "SELECT count(*) FROM turns") != [(1,)]:  # noqa: ASYNC110 - nobody tells
                await anyio.sleep(0.02)
            tasks.cancel_scope.cancel()
    assert query(database, "SELECT count(*) FROM turns") == [(1,)]
    assert _tokens(used(database)) == _tokens(before)


def test_a_watch_prunes(database: Path, home: Path, tmp_path: Path) -> None:
    """As a process of its own, told by the config."""
    (home / "config.toml").write_text("[retention]\ndays = 8\n")
    soon = "from codex_telemetry import retention; retention.SOON_S = 0.1\n"
    program = f"{soon}from codex_telemetry.main import main; main()"
    with subprocess.Popen(
        [*PROGRAM[:2], "-c", program, "backfill", "--watch"],
        env=os.environ.copy(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as watch:
        try:
            until(lambda: query(database, "SELECT count(*) FROM turns") == [(1,)])
        finally:
            watch.terminate()
            watch.communicate(timeout=30)
    assert watch.returncode == 0


# vacuum


def test_a_vacuum_gives_back_what_was_freed(cli: Command, every: Path, tmp_path: Path) -> None:
    database = copied(every, tmp_path / "machine")
    size = database.stat().st_size
    db = ("--db", str(database))
    assert cli("prune", "--older-than", "1h", "--yes", *db).code == 0
    rows = contents(database)
    told = json.loads(cli("vacuum", "--json", *db).out)
    assert told["clean"] is True
    assert told["after_bytes"] == database.stat().st_size < size / 2
    assert told["before_bytes"] >= size
    journal = database.with_name(f"{database.name}-wal")
    assert not journal.exists() or not journal.stat().st_size
    assert contents(database) == rows


def test_a_vacuum_waits_for_who_writes_and_says_so(
    cli: Command, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("turns")
    monkeypatch.setattr(ours, "BUSY_MS", 200)
    with writing(database):
        answer = cli("vacuum")
    assert answer.code == 1
    assert answer.err == (
        f"codex-telemetry: another process is writing to {database}; nothing was changed; "
        "try again when it is done\n"
    )


def test_a_vacuum_with_a_reader_beside_it_says_that_the_journal_stays(
    cli: Command, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("turns")
    monkeypatch.setattr(ours, "BUSY_MS", 200)
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM turns").fetchone()
        answer = cli("vacuum")
    assert answer.code == 0
    assert "another process still reads what was before" in answer.err


def test_without_room_nothing_is_begun(
    cli: Command, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("turns")
    before = database.read_bytes()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("", (), {"free": 1_000})())
    answer = cli("vacuum")
    assert answer.code == 1
    assert "there is no room for it" in answer.err
    assert len(answer.err.splitlines()) == 1
    assert database.read_bytes() == before


def _tokens(found: object) -> list[object]:
    assert isinstance(found, dict)
    return [[row["total_tokens"] for row in rows] for rows in found.values()]
