"""`stats`, `tools` and `events` say what plain Python finds in the same rows, however narrowed."""

import math
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import big_database
import large
from codex_telemetry.cli.period import Zone
from codex_telemetry.core.parts import TOOLS
from codex_telemetry.reports import events as events_report
from codex_telemetry.reports import stats as stats_report
from codex_telemetry.reports import tools as tools_report
from codex_telemetry.reports.shapes_stats import Stats, StatsChange, ToolStats
from codex_telemetry.store import queries, tool_calls
from codex_telemetry.store.measured import BYS, MEASURES, By
from codex_telemetry.store.queries import Filters, Store

TURNS = 700
ZONE = "Europe/Berlin"
Row = dict[str, Any]


class Both:
    """The store, and every row of it."""

    def __init__(self, path: Path, db: Store) -> None:
        self.db = db
        self.sessions = {row["session_id"]: row for row in _rows(path, "sessions")}
        self.turns, self.items, self.events = (
            _rows(path, table) for table in ("turns", "items", "events")
        )

    def matching(self, filters: Filters) -> list[Row]:
        return _narrowed(
            filters,
            [turn for turn in self.turns if self._matches(filters, turn)],
            lambda turn: (turn["started_at"] is not None, turn["started_at"], turn["turn_key"]),
        )

    def _matches(self, filters: Filters, turn: Row) -> bool:
        cwd = turn["cwd"] or self.sessions[turn["session_id"]]["cwd"]
        return (
            _within(filters, turn["started_at"])
            and filters.session_id in (None, turn["session_id"])
            and filters.model in (None, turn["model"])
            and filters.status in (None, turn["status"])
            and (not filters.projects or _is_under(cwd, filters.projects))
        )

    def project(self, turn: Row) -> str | None:
        session = self.sessions[turn["session_id"]]
        repository = session["git_repo"]
        folders = [
            s["cwd"]
            for s in self.sessions.values()
            if repository is not None and s["git_repo"] == repository and s["cwd"]
        ]
        own: str | None = turn["cwd"] or session["cwd"]
        return min(folders, key=lambda f: (len(f), f), default=own)


def _narrowed(filters: Filters, rows: list[Row], order: Any) -> list[Row]:
    rows = sorted(rows, key=lambda row: [(part is not None, part or 0) for part in order(row)])
    return rows if filters.last is None else rows[-filters.last :]


def _within(filters: Filters, at: int | None) -> bool:
    if filters.since is None and filters.until is None:
        return True
    return (
        at is not None
        and (filters.since is None or at >= filters.since)
        and (filters.until is None or at < filters.until)
    )


def _is_under(cwd: str | None, folders: tuple[str, ...]) -> bool:
    return cwd is not None and any(f"{cwd}/".startswith(f"{folder}/") for folder in folders)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    path = large.write(tmp_path_factory.mktemp("large") / "telemetry.db", TURNS)
    with queries.reading(path) as db:
        yield Both(path, db)


def _rows(path: Path, table: str) -> list[Row]:
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(f"SELECT * FROM {table}")]


SESSIONS = [s.session_id for s in big_database.Made(random.Random(2026), TURNS).sessions()][:5]
moments = st.integers(0, big_database.SPAN_MS).map(lambda ms: big_database.BEGUN + ms)
filters_ = st.builds(
    Filters,
    since=st.none() | moments,
    until=st.none() | moments,
    last=st.none() | st.integers(1, TURNS + 10),
    session_id=st.none() | st.sampled_from(["nowhere", *SESSIONS]),
    projects=st.sampled_from(
        [(), ("/home/me/work/project-1",), ("/home/me",), ("/home/me/.worktrees", "/nowhere")]
    ),
    model=st.none() | st.sampled_from(big_database.MODELS),
    status=st.none() | st.sampled_from(["completed", "interrupted"]),
)


def _rank(values: list[int | None], percent: int) -> int | None:
    known = sorted(value for value in values if value is not None)
    return known[math.ceil(len(known) * percent / 100) - 1] if known else None


def _day(ms: int | None) -> str | None:
    if ms is None:
        return None
    return f"{datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(ZONE)):%Y-%m-%d}"


def _key(both: Both, by: By | None, turn: Row) -> str | None:
    session = both.sessions[turn["session_id"]]
    found: str | None = {
        None: None,
        "version": turn["cli_version"],
        "day": _day(turn["started_at"]),
        "project": both.project(turn),
        "client": session["client_name"] or session["originator"],
    }.get(by, turn.get(by or ""))
    return found


def _plain_stats(both: Both, filters: Filters, by: By | None) -> dict[str | None, Stats]:
    groups: dict[str | None, list[Row]] = {} if by else {None: []}
    for turn in both.matching(filters):
        groups.setdefault(_key(both, by, turn), []).append(turn)
    return {
        key: Stats(
            key,
            len(turns),
            *(
                _rank([turn[f"{measure}_ms"] for turn in turns], percent)
                for measure in ("duration", "ttft", "tools", "approval")
                for percent in (50, 90, 95, 99, 100)
            ),
        )
        for key, turns in groups.items()
    }


@settings(max_examples=150)
@given(filters=filters_, by=st.none() | st.sampled_from(BYS))
def test_stats_are_those_of_the_turns_that_match(
    both: Both, filters: Filters, by: By | None
) -> None:
    found = list(stats_report.rows(stats_report.groups(both.db, filters, by, Zone(ZONE).days)))
    assert {row.key: row for row in found} == _plain_stats(both, filters, by)
    assert len({row.key for row in found}) == len(found)


@pytest.mark.parametrize("by", [None, *BYS])
def test_every_key_and_every_hole_is_met(both: Both, by: By | None) -> None:
    """So that the comparison above can't be empty."""
    plain = _plain_stats(both, Filters(), by)
    assert sum(row.turns for row in plain.values()) == TURNS
    if by in ("model", "effort", "day", "client", "project"):
        assert None in plain
    assert len(plain) > 2 or by is None


def test_of_one_session_only_its_turns_count(both: Both) -> None:
    session = max(both.sessions.values(), key=lambda s: s["turns"])
    filters = Filters(session_id=session["session_id"])
    (group,) = stats_report.groups(both.db, filters, None, Zone(ZONE).days)
    assert group.turns == session["turns"] > 1


def test_days_are_in_order_and_other_keys_by_their_turns(both: Both) -> None:
    days = [g.key for g in stats_report.groups(both.db, Filters(), "day", Zone(ZONE).days)]
    assert days[:-1] == sorted(day for day in days if day is not None)
    assert days[-1] is None
    models = stats_report.groups(both.db, Filters(), "model", Zone(ZONE).days)
    assert [g.turns for g in models] == sorted((g.turns for g in models), reverse=True)


def test_a_change_is_what_it_was_and_is(both: Both) -> None:
    half = big_database.BEGUN + big_database.SPAN_MS // 2
    days = Zone(ZONE).days
    now = stats_report.groups(both.db, Filters(since=half), "model", days)
    then = stats_report.groups(both.db, Filters(until=half), "model", days)
    rows = list(stats_report.changes(now, then))
    after = _plain_stats(both, Filters(since=half), "model")
    before = _plain_stats(both, Filters(until=half), "model")
    assert {row.key for row in rows} == set(after) | set(before)
    assert len(rows) == len(MEASURES) * len(set(after) | set(before))
    for row in rows:
        new, old = after.get(row.key), before.get(row.key)
        assert row.turns == (new.turns if new else 0)
        assert row.turns_before == (old.turns if old else 0)
        for name in ("p50", "p90", "p95", "p99", "max"):
            _check_change(row, name, new, old)


def _check_change(row: StatsChange, name: str, new: Stats | None, old: Stats | None) -> None:
    is_, was = (getattr(s, f"{row.measure}_{name}_ms") if s else None for s in (new, old))
    assert getattr(row, f"{name}_ms") == is_
    assert getattr(row, f"{name}_before_ms") == was
    change = is_ - was if is_ is not None and was is not None else None
    assert getattr(row, f"{name}_change_ms") == change
    percent = getattr(row, f"{name}_change_percent")
    # Of nothing there is no percentage.
    assert (percent is None) == (change is None or not was)
    if percent is not None and change is not None:
        assert percent == pytest.approx(100 * change / was, abs=0.051)


def _plain_tools(both: Both, filters: Filters, by: tools_report.By) -> list[ToolStats]:
    keys = {turn["turn_key"] for turn in both.matching(filters)}
    only = {"command": {"command"}, "server": {"mcp_tool"}}.get(by, TOOLS)
    column = {"kind": "kind", "server": "server"}.get(by, "name")
    calls: dict[tuple[str, str | None], list[Row]] = {}
    for item in both.items:
        if item["kind"] in only and item["turn_key"] in keys:
            calls.setdefault((item["kind"], item[column]), []).append(item)
    return [_plain_tool(kind, key, items) for (kind, key), items in calls.items()]


def _plain_tool(kind: str, key: str | None, items: list[Row]) -> ToolStats:
    ran = [item["duration_ms"] for item in items if item["status"] != "declined"]
    known = [ms for ms in ran if ms is not None]
    return ToolStats(
        key=key,
        kind=kind,
        calls=len(items),
        failures=sum(item["status"] == "failed" for item in items),
        declines=sum(item["status"] == "declined" for item in items),
        p50_ms=_rank(ran, 50),
        p95_ms=_rank(ran, 95),
        max_ms=max(known, default=None),
        total_ms=sum(known) if known else None,
    )


@pytest.mark.parametrize("few", [0, 20_000], ids=["all calls gone through", "looked up by turn"])
@settings(max_examples=60)
@given(filters=st.just(Filters()) | filters_, by=st.sampled_from(tools_report.BYS))
def test_tools_are_those_called_in_the_turns_that_match(
    both: Both, few: int, filters: Filters, by: tools_report.By
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tool_calls, "FEW", few)
        found = tools_report.tools(both.db, filters, by)
    assert [row.calls for row in found] == sorted((row.calls for row in found), reverse=True)
    plain = _plain_tools(both, filters, by)
    assert sorted(found, key=repr) == sorted(plain, key=repr)


def test_what_was_declined_is_no_failure_and_took_no_time(both: Both) -> None:
    declined = [item for item in both.items if item["status"] == "declined"]
    assert declined
    rows = tools_report.tools(both.db, Filters(), "kind")
    assert sum(row.declines for row in rows) == len(declined)


def _plain_events(both: Both, filters: Filters, kind: str | None) -> list[int]:
    turns = {turn["turn_id"]: turn for turn in both.turns}
    found = []
    for event in both.events:
        turn = turns.get(event["turn_id"], {})
        cwd = turn.get("cwd") or both.sessions[event["session_id"]]["cwd"]
        if (
            _within(filters, event["at"])
            and kind in (None, event["kind"])
            and filters.session_id in (None, event["session_id"])
            and filters.model in (None, turn.get("model"))
            and filters.status in (None, turn.get("status"))
            and (not filters.projects or _is_under(cwd, filters.projects))
        ):
            found.append(event)
    in_order = _narrowed(filters, found, lambda e: (e["at"], e["event_id"]))
    return [event["event_id"] for event in in_order]


@settings(max_examples=100)
@given(filters=filters_, kind=st.none() | st.sampled_from(["approval", "error", "hook"]))
def test_events_are_those_that_match_the_newest_last(
    both: Both, filters: Filters, kind: str | None
) -> None:
    found = [event.event_id for event in events_report.events(both.db, filters, kind)]
    assert found == _plain_events(both, filters, kind)


def test_an_event_says_who_told_of_it(both: Both) -> None:
    told = {1: "live", 2: "rollout", 3: "both"}
    sources = {event["event_id"]: told[event["sources"]] for event in both.events}
    found = {e.event_id: e.source for e in events_report.events(both.db, Filters(), None)}
    assert found == sources
    assert set(sources.values()) == set(told.values())
