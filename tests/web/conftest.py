"""A dashboard over a database with one of everything, and names that would like to be markup."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import scenes
from codex_telemetry.cli.period import Zone
from codex_telemetry.config import Paths
from codex_telemetry.core.facts import Drift, EventFacts, Source
from codex_telemetry.web.app import View
from codex_telemetry.web.asking import asked
from codex_telemetry.web.pieces import finished
from codex_telemetry.web.source import Source as Views
from web.dashboard import Dashboard, dashboard

HOSTILE = "\"'><img src=x onerror=alert(1)></script><script>alert(2)</script>{{7*7}}"

HOSTILE_TURN = f"/turn?id={scenes.uuid7(scenes.T0 + 60_000, 7)}"

HOSTILE_SESSION = f"/session?id={scenes.uuid7(scenes.T0, 9)}"


def source_of(database: Path) -> Views:
    """What views look at."""
    paths = Paths(database, database.with_name("config.toml"), database.with_name("log"), ())
    return Views(paths, Zone("UTC"), "monday", None)


def made(view: View, source: Views, *, now: int, **words: str) -> dict[str, Any]:
    """What a view gives its template."""
    making = view(source, asked("/", list(words.items())), now)
    next(making)
    return finished(making)


def write(database: Path) -> Path:
    told = scenes.told(HOSTILE)
    starts = {
        name: EventFacts(
            "mcp_server_startup", name=scenes.told(name), status=scenes.told(status),
            starts=scenes.by(scenes.T0), ends=scenes.by(scenes.T0 + ms), sources=Source.LIVE,
        )
        for name, ms, status in (("docs", 800, "ready"), (HOSTILE, 30_000, "failed"))
    }  # fmt: skip
    first = scenes.session(events=starts)
    fork = scenes.session(
        n=11, relation=scenes.told("fork"), forked_from_id=scenes.told(first.session_id)
    )
    hostile = scenes.session(n=9, cwd=told, client_name=told, git_branch=told, cli_version=told)
    worker = scenes.session(
        n=5, relation=scenes.told("subagent"), parent_session_id=scenes.told(first.session_id)
    )
    at = scenes.T0 + 60_000
    named = scenes.turn(
        hostile, at, 3_000, n=7, model=told, effort=told, cwd=told, cli_version=told,
        service_tier=told, error_kind=told, status=scenes.told("failed"),
        items={"i": scenes.item("command", at + 100, at + 900, HOSTILE)},
        responses={1_200: scenes.response(at + 500, 1_200, HOSTILE), 2_500: scenes.response(at + 800, 1_300)},
    )  # fmt: skip
    drift = [
        Drift(version, name, HOSTILE) for version, name in (("0.168.0", "old"), (HOSTILE, HOSTILE))
    ]
    return scenes.write(
        database, first, hostile, worker, fork, *drift, scenes.busy_turn(first), named,
        scenes.turn(worker, scenes.T0 + 2_200, 900, n=6),
        *scenes.limits(), scenes.reading(scenes.T0, 3, None, limit_id=HOSTILE, plan_type=HOSTILE),
    )  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    folder.chmod(0o700)
    write(folder / "telemetry.db")
    return folder


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[Dashboard]:
    with dashboard(home) as found:
        yield found
