"""What the pages of sessions, tools and health make of their reports."""

from pathlib import Path
from typing import Any

import pytest

import month
import scenes
from codex_telemetry.reports import tools
from codex_telemetry.store.queries import Filters, reading
from codex_telemetry.web.app import View
from codex_telemetry.web.views import health_checks, session, sessions, tools_calls
from scenes import T0, told
from web.conftest import made, source_of


def shown(view: View, database: Path, **words: str) -> dict[str, Any]:
    return made(view, source_of(database), now=T0 + scenes.HOUR, **words)


@pytest.fixture
def sixty(tmp_path: Path) -> Path:
    root = scenes.session()
    turns = [scenes.turn(root, T0 + n * 30_000, 1_000 + n, n=n) for n in range(60)]
    worker = scenes.session(
        T0 + 100, n=1, relation=told("subagent"), parent_session_id=told(root.session_id)
    )
    inner = scenes.turn(worker, T0 + 200, 500, n=70)
    return scenes.write(tmp_path / "a.db", root, worker, *turns, inner)


def test_a_session_opens_at_its_newest_turns(sixty: Path) -> None:
    page = shown(session.view, sixty, id=scenes.uuid7(T0))
    assert [turn.turn_index for turn in page["turns"]] == list(range(50, 60))
    assert (page["number_of_page"], page["pages"], page["longest"]) == (2, 2, 1_059)
    first = shown(session.view, sixty, id=scenes.uuid7(T0), page="1")
    assert [turn.turn_index for turn in first["turns"]] == list(range(50))


def test_a_session_tells_of_what_worked_for_it(sixty: Path) -> None:
    page = shown(session.view, sixty, id=scenes.uuid7(T0))
    assert [one.session.relation for one in page["below"].threads] == ["subagent"]
    assert (page["together"].turns, page["together"].sessions) == (61, 2)
    assert page["whole"] == sum(range(1_000, 1_060))  # the worker's time is in its own turn
    worker = shown(session.view, sixty, id=scenes.uuid7(T0 + 100, 1))
    assert [link.session_id for link in worker["elders"]] == [scenes.uuid7(T0)]
    assert worker["together"] is None


def test_a_session_with_very_many_turns_is_not_drawn(
    sixty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "DRAWN", 59)
    page = shown(session.view, sixty, id=scenes.uuid7(T0))
    assert (page["drawable"], page["timeline"], len(page["turns"])) == (False, None, 10)


def test_trees_come_a_page_at_a_time(sixty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenes.write(sixty, scenes.session(T0 + scenes.DAY, n=9))
    monkeypatch.setattr(sessions, "SIZE", 1)
    pages = [shown(sessions.view, sixty, page=str(n)) for n in (1, 2)]
    assert [len(page["trees"][0].threads) for page in pages] == [1, 2]
    assert [(page["number"], page["number_of_trees"], page["pages"]) for page in pages] == [
        (3, 2, 2),
        (3, 2, 2),
    ]


@pytest.mark.parametrize("by", tools.BYS)
def test_tools_are_those_of_the_command(
    tmp_path: Path, by: tools.By, monkeypatch: pytest.MonkeyPatch
) -> None:
    month.write(tmp_path / "a.db")
    page = shown(tools_calls.view, tmp_path / "a.db", by=by)
    with reading(tmp_path / "a.db") as db:
        rows = tools.tools(db, Filters(), by)
    assert [row for _, row, _ in page["rows"]] == rows
    assert page["calls"] == sum(row.calls for row in rows)
    ran = sum(page["steps"]["series"][0]["values"])
    assert ran == page["calls"] - page["declines"]
    monkeypatch.setattr(tools_calls, "LISTED", 1)
    cut = shown(tools_calls.view, tmp_path / "a.db", by=by)
    assert (len(cut["rows"]), cut["hidden"]) == (1, len(rows) - 1)
    assert cut["calls"] == page["calls"]
    assert len(shown(tools_calls.view, tmp_path / "a.db", by=by, rows="all")["rows"]) == len(rows)


def test_what_is_wrong_comes_first(sixty: Path) -> None:
    sixty.chmod(0o644)
    page = shown(health_checks.view, sixty)
    order = [check.status for check in page["checks"]]
    assert order == sorted(order, key=health_checks.WORST_FIRST.index)
    assert page["checks"][0].name == "permissions"
    assert page["counts"]["fail"] == 1
