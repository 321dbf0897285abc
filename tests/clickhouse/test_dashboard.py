"""Every query of the Grafana dashboard runs on the tables there are, and finds something in them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import month
import scenes
from checkout import CHECKOUT
from clickhouse.conftest import There
from clickhouse.test_sending import refreshed, send

DEPLOY = CHECKOUT / "deploy" / "clickhouse"
BOARD: Any = json.loads((DEPLOY / "grafana" / "dashboards" / "codex-telemetry.json").read_text())

# As Grafana's plugin for ClickHouse fills them in.
FILLED = {
    "$__fromTime": "toDateTime(1770000000)",
    "$__toTime": "toDateTime(1800000000)",
    "${user:singlequote}": "'u'",
}


def filled(sql: str) -> str:
    for mark, value in FILLED.items():
        sql = sql.replace(mark, value)
    assert "$" not in sql, sql
    return sql


def test_each_query_finds_rows(database: Path, there: There) -> None:
    month.write(database)
    scenes.write(database, *scenes.week(), *scenes.limits())
    send(database, there.address)
    refreshed(there)
    asked = [
        *((panel["title"], panel["targets"][0]["rawSql"]) for panel in BOARD["panels"]),
        *((each["name"], each["query"]) for each in BOARD["templating"]["list"]),
    ]
    assert len(asked) > 10
    found = {title: bool(there.rows(filled(sql))) for title, sql in asked}
    assert all(found.values()), found


def test_what_the_panels_are_of_is_what_is_provisioned() -> None:
    text = (DEPLOY / "grafana" / "provisioning" / "datasources" / "clickhouse.yaml").read_text()
    uids = {panel["datasource"]["uid"] for panel in BOARD["panels"]}
    assert uids == {"codex-telemetry"}
    assert "uid: codex-telemetry\n" in text
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in BOARD["panels"]]
    assert len(set(places)) == len(places)


def test_nothing_of_the_deployment_is_open_or_unpinned_or_has_a_password_in_it() -> None:
    compose = (DEPLOY / "compose.yaml").read_text()
    images = re.findall(r"image: \S+?:\$\{\w+:-([^}]+)\}", compose)
    assert len(images) == compose.count("image:") == 2
    assert all(re.fullmatch(r"[\d.]+", version) for version in images)
    assert compose.count('ports: ["${CODEX_TELEMETRY_BIND:-127.0.0.1}:') == compose.count("ports:")
    for line in compose.splitlines():
        if "PASSWORD:" in line:
            assert ":?set a password}" in line, line


@pytest.mark.parametrize("version", ["0001_turns_sessions_limits.sql", "0002_daily.sql"])
def test_each_column_says_what_it_means(version: str) -> None:
    text = (CHECKOUT / "schema" / "clickhouse" / version).read_text()
    columns = re.findall(
        r"^    `?[\w.]+`? (?:\w+\(|Nullable|UInt|Int|Date|String|Low|Array|Simple|Agg).*$",
        text,
        re.MULTILINE,
    )
    assert len(columns) > 10
    assert all(re.search(r"COMMENT '.{3,}',?$", line) for line in columns)
