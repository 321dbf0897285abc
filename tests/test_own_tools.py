"""The queries that docs/OWN_TOOLS.md and deploy/ give to other programs: SQLite answers each of them."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import large
from commands import run

CHECKOUT = Path(__file__).parents[1]
DATASETTE = json.loads((CHECKOUT / "deploy" / "datasette.json").read_text())
NAMED = {
    name: query["sql"] for name, query in DATASETTE["databases"]["telemetry"]["queries"].items()
}
GRAFANA = re.findall(r"(?ms)^```sql\n(.*?)^```$", (CHECKOUT / "docs" / "OWN_TOOLS.md").read_text())


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return large.write(tmp_path_factory.mktemp("own") / "telemetry.db", 150)


@pytest.mark.parametrize("query", [*NAMED.values(), *GRAFANA])
def test_it_answers_with_rows_and_changes_nothing(database: Path, query: str) -> None:
    # Those of the last 30 days: of the day on which the youngest turn began.
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        ((youngest,),) = db.execute("SELECT max(started_at) / 1000 FROM turns")
        found = db.execute(query.replace("unixepoch()", str(youngest)))
        names = [each[0] for each in found.description]
        assert len(set(names)) == len(names)
        assert found.fetchall()


def test_percentiles_are_those_of_stats(database: Path) -> None:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        found = db.execute(NAMED["latency"]).fetchall()
    day = max(found, key=lambda row: row[2])[0]
    words = ["--since", f"{day}T00:00Z", "--until", f"{day}T23:59:59.999Z", "--status=completed"]
    stats = json.loads(run("stats", "--by=model", "--json", *words, f"--db={database}").out)
    assert {model: (p50, p95) for when, model, _, p50, p95 in found if when == day} == {
        row["key"]: (row["duration_p50_ms"] / 1000, row["duration_p95_ms"] / 1000) for row in stats
    }
