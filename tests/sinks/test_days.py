"""`export parquet`, `csv`, `jsonl`: the folder holds what the reports say, each row once, however an
export ended; and the next one writes only what changed."""

import csv
import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

import large
from codex_telemetry.store import copies, restore
from commands import Answer, run
from saved import BORN, batch, prune, query, save, thread, turn

TABLES = ("turns", "sessions", "items", "responses", "events")
DAY_MS = 86_400_000

DIES = """
import os, signal, sys
from codex_telemetry.cli import app
from codex_telemetry.sinks import days
whole, left = days.Folder._put, [int(sys.argv.pop(1))]
def put(self, path, rows, write):
    if not left[0]:
        def torn(file, rows):
            file.write(b"half a")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        write = torn
    left[0] -= 1
    return whole(self, path, rows, write)
days.Folder._put = put
sys.exit(app.run(sys.argv[1:]))
"""


def export(form: str, database: Path, out: Path, *words: str) -> Answer:
    answer = run("export", form, "--out", str(out), f"--db={database}", "--json", *words)
    assert (answer.code, answer.err) == (0, "")
    return answer


def written(answer: Answer) -> dict[str, int]:
    return {each["table"]: each["days_written"] for each in json.loads(answer.out)["tables"]}


def files(out: Path) -> dict[str, bytes]:
    """What a reader reads."""
    return {
        str(path.relative_to(out)): path.read_bytes() for path in sorted(out.glob("*/day=*/part.*"))
    }


def read(out: Path, table: str) -> list[dict[str, Any]]:
    """Rows of JSON lines, with their day."""
    return [
        {**json.loads(line), "day": path.parent.name[4:]}
        for path in sorted((out / table).glob("day=*/part.jsonl"))
        for line in path.read_text().splitlines()
    ]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Three turns on the first day, one on the next, one ten days later."""
    path = tmp_path / "t.db"
    later = [turn(9, thread(1), at=n * DAY_MS) for n in (1, 10)]
    save(path, batch("a", turn(1, thread(1)), turn(2, thread(1)), turn(3, thread(2)), *later))
    return path


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return large.write(tmp_path_factory.mktemp("days") / "t.db", 150)


def test_every_row_of_the_reports_is_there_once_on_its_day(many: Path, tmp_path: Path) -> None:
    export("jsonl", many, tmp_path)
    for table in ("turns", "sessions", "events"):
        want = json.loads(run(table, "--json", f"--db={many}").out)
        found = read(tmp_path, table)
        for row in found:
            if table != "events":
                moment = row["started_at" if table == "turns" else "created_at"]
                assert row["day"] == (moment[:10] if moment else "__HIVE_DEFAULT_PARTITION__")
            del row["day"]
        for row in want:
            row.pop("title", None)
        assert sorted(map(json.dumps, found)) == sorted(map(json.dumps, want))
    for table in ("items", "responses"):
        keys = {tuple(sorted(row.items(), key=repr)).__repr__() for row in read(tmp_path, table)}
        assert [(len(keys),)] == query(many, f"SELECT count(*) FROM {table}")
    days = {row["turn_id"]: row["day"] for row in read(tmp_path, "turns")}
    assert all(days[row["turn_id"]] == row["day"] for row in read(tmp_path, "items"))


def test_parquet_and_csv_hold_the_same_with_types(many: Path, tmp_path: Path) -> None:
    for form in ("jsonl", "csv", "parquet"):
        export(form, many, tmp_path / form)
    for table in TABLES:
        lines = read(tmp_path / "jsonl", table)
        for row in lines:
            del row["day"]
        paths = sorted((tmp_path / "parquet" / table).glob("day=*/part.parquet"))
        tables = [parquet.ParquetFile(path).read() for path in paths]
        assert len({repr(each.schema) for each in tables}) == 1
        whole = pa.concat_tables(tables)
        for field in whole.schema:
            if field.name == "at" or field.name.endswith("_at"):
                assert field.type == pa.timestamp("ms", tz="UTC")
            if field.name.endswith(("_ms", "_tokens")):
                assert field.type == pa.int64()
            if field.name in ("sources", "models"):
                assert field.type == pa.list_(pa.string())
        assert [_as_json(row) for row in whole.to_pylist()] == lines
        cells = [
            row
            for path in sorted((tmp_path / "csv" / table).glob("day=*/part.csv"))
            for row in csv.DictReader(path.read_text().splitlines())
        ]
        assert [list(row) for row in cells] == [list(row) for row in lines]
        assert [row["session_id"] for row in cells] == [row["session_id"] for row in lines]


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: f"{value.isoformat(timespec='milliseconds')[:-6]}Z"
        if hasattr(value, "isoformat")
        else value
        for name, value in row.items()
    }


def test_an_export_again_writes_nothing_and_a_change_its_day_alone(
    database: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert written(export("jsonl", database, out))["turns"] == 3
    before = files(out)
    assert set(written(export("jsonl", database, out)).values()) == {0}
    save(database, batch("b", turn(9, thread(1), at=DAY_MS, total=500)))
    assert written(export("jsonl", database, out))["turns"] == 1
    day = (date(1970, 1, 1) + timedelta(days=BORN // DAY_MS + 1)).isoformat()
    changed = {name for name, body in files(out).items() if before[name] != body}
    assert {name for name in changed if not name.startswith("sessions/")} == {
        f"{table}/day={day}/part.jsonl" for table in ("turns", "items", "responses")
    } & changed
    assert f"turns/day={day}/part.jsonl" in changed
    export("jsonl", database, tmp_path / "anew")
    assert files(out) == files(tmp_path / "anew")


@pytest.mark.parametrize("days", [0, 4])
def test_whoever_is_killed_at_it_leaves_whole_days_and_the_next_one_doubles_nothing(
    database: Path, tmp_path: Path, days: int
) -> None:
    out, anew = tmp_path / "out", tmp_path / "anew"
    words = ["export", "jsonl", "--out", str(out), f"--db={database}"]
    killed = subprocess.run([sys.executable, "-c", DIES, str(days), *words], check=False)
    assert killed.returncode == -signal.SIGKILL
    export("jsonl", database, anew)
    there = files(out)
    assert len(there) == days
    assert there.items() <= files(anew).items()
    export("jsonl", database, out)
    assert files(out) == files(anew)
    assert not list(out.glob("*/*/.part*"))


def test_a_full_disk_is_told_in_one_line_and_leaves_no_half_file(
    database: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    full = (
        "import errno; from codex_telemetry.sinks import writing\n"
        "def write(file, rows): file.write(b'half a'); raise OSError(errno.ENOSPC, 'disk full')\n"
        "writing._jsonl = lambda columns: write\n"
        "import sys; from codex_telemetry.cli import app; sys.exit(app.run(sys.argv[1:]))"
    )
    words = ["export", "jsonl", "--out", str(out), f"--db={database}"]
    answer = subprocess.run(
        [sys.executable, "-c", full, *words], check=False, capture_output=True, text=True
    )
    assert (answer.returncode, answer.stdout, answer.stderr.count("\n")) == (1, "", 1)
    assert "disk full" in answer.stderr
    assert not [path for path in out.rglob("*") if path.is_file()]


def test_two_exports_at_once_are_one_and_a_refusal(database: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export("jsonl", database, out)
    held = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        answer = run("export", "jsonl", "--out", str(out), f"--db={database}")
    finally:
        os.close(held)
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert "another export" in answer.err


def test_after_a_restore_the_folder_is_as_the_restored_database(
    database: Path, tmp_path: Path
) -> None:
    out, copy = tmp_path / "out", tmp_path / "copy.db"
    copies.backup(database, copy, force=False)
    before = dict(written(export("jsonl", database, out)))
    as_copied = files(out)
    save(database, batch("b", turn(30, thread(7), at=20 * DAY_MS)))
    export("jsonl", database, out)
    assert files(out) != as_copied
    restore.restore(copy, database, tmp_path / "kept.db", content=False)
    assert written(export("jsonl", database, out)) == before
    assert files(out) == as_copied


def test_days_outside_since_and_until_wait(database: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    day = (date(1970, 1, 1) + timedelta(days=BORN // DAY_MS + 1)).isoformat()
    narrow = ["--since", f"{day}T00:00Z", "--until", f"{day}T23:00Z"]
    first = json.loads(export("jsonl", database, out, *narrow).out)["tables"][0]
    assert (first["days_written"], first["days_waiting"]) == (1, 2)
    assert {row["day"] for row in read(out, "turns")} == {day}
    assert written(export("jsonl", database, out))["turns"] == 2
    assert len(read(out, "turns")) == 5


def test_a_table_that_is_asked_for_later_is_written_whole(database: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export("jsonl", database, out, "--tables", "turns")
    assert {path.name for path in out.iterdir()} == {"turns", "_export.json"}
    assert written(export("jsonl", database, out))["items"] == 3


def test_what_was_pruned_is_gone_from_the_folder_too(database: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export("jsonl", database, out)
    prune(database, BORN + 15_000 + DAY_MS)
    answer = json.loads(export("jsonl", database, out).out)
    assert answer["tables"][0]["days_removed"] == 2
    assert len(read(out, "turns")) == 1
    export("jsonl", database, tmp_path / "anew")
    assert files(out) == files(tmp_path / "anew")


def test_names_that_are_to_be_labels_are_so_on_all_days(database: Path, tmp_path: Path) -> None:
    home = "/home/me/secret-project"
    save(database, batch("b", turn(20, thread(3), cwd=_said(home))))
    out = tmp_path / "out"
    export("jsonl", database, out)
    assert home in "".join(map(str, files(out).values()))
    assert written(export("jsonl", database, out, "--redact"))["turns"] == 3
    assert home not in "".join(map(str, files(out).values()))


def _said(value: str) -> Any:
    from codex_telemetry.core.facts import Said, Weight

    return Said(value, Weight.LIVE, BORN)


def test_files_are_their_owners_alone(database: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export("csv", database, out)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in out.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (out, out / "turns")} == {0o700}


def test_a_folder_is_of_one_database_and_one_form(database: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other.db"
    export("jsonl", database, out)
    before = files(out)
    save(other, batch("a", turn(1, thread(1))))
    for form, path in (("csv", database), ("jsonl", other)):
        answer = run("export", form, "--out", str(out), f"--db={path}")
        assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
        assert "name another folder" in answer.err
    (out / "_export.json").write_text("{")
    answer = run("export", "jsonl", "--out", str(out), f"--db={database}")
    assert (answer.code, answer.err.count("\n")) == (1, 1)
    assert files(out) == before


def test_without_pyarrow_one_line_names_the_extra(database: Path, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "pyarrow.py").write_text("raise ImportError")
    out = tmp_path / "out"
    env = {**os.environ, "PYTHONPATH": str(hidden)}
    answer = run("export", "parquet", "--out", str(out), f"--db={database}", env=env)
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert "codex-telemetry[parquet]" in answer.err
    assert not out.exists()


@pytest.mark.parametrize("words", [["--tables", "turns,nothing"], ["--since", "soon"]])
def test_what_cant_be_is_refused_in_one_line(
    database: Path, tmp_path: Path, words: list[str]
) -> None:
    answer = run("export", "csv", "--out", str(tmp_path / "o"), f"--db={database}", *words)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert not (tmp_path / "o").exists()
