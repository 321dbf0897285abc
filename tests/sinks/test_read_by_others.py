"""The example queries of docs/EXPORT.md, as they stand there, each run by the program it is for."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

import large
from commands import run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/EXPORT.md").read_text()
EXAMPLES: dict[str, str] = dict(re.findall(r"(?ms)^(\w+)[^\n]*:\n\n```\w+\n(.*?)^```$", PAGE))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What lies in it is in `telemetry`, as the examples have it."""
    made = tmp_path_factory.mktemp("read")
    large.write(made / "t.db", 150)
    out = f"--out={made / 'telemetry'}"
    assert run("export", "parquet", out, f"--db={made / 't.db'}").code == 0
    return made


@pytest.fixture
def turns(folder: Path) -> Counter[tuple[str | None, str | None]]:
    """How many, by day and model, as the report has them."""
    rows = json.loads(run("turns", "--json", f"--db={folder / 't.db'}").out)
    return Counter((row["started_at"] and row["started_at"][:10], row["model"]) for row in rows)


def counted(rows: list[tuple[Any, ...]]) -> dict[tuple[str | None, str | None], int]:
    found = {(day and day.isoformat(), model): count for day, model, count, *_ in rows}
    assert len(found) == len(rows)
    return found


def test_there_is_an_example_for_each() -> None:
    assert {"DuckDB", "Polars", "Spark"} <= EXAMPLES.keys()


def test_duckdb_counts_what_the_report_lists(
    folder: Path, turns: Counter[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    found = duckdb.sql(EXAMPLES["DuckDB"])
    assert found is not None
    rows = found.fetchall()
    assert counted(rows) == turns
    assert any(p95 for *_, p95 in rows)


def test_polars_counts_what_the_report_lists(
    folder: Path, turns: Counter[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    printed: list[pl.DataFrame] = []
    exec(EXAMPLES["Polars"], {"print": printed.append})
    (table,) = printed
    assert counted(table.rows()) == turns
    assert table.columns[:3] == ["day", "model", "len"]
