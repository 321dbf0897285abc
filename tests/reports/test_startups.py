"""How MCP servers start, by server and by day."""

from pathlib import Path

import scenes
from codex_telemetry.cli.period import Zone
from codex_telemetry.core.facts import EventFacts, Source
from codex_telemetry.reports.startups import Group, startups
from codex_telemetry.store.queries import Filters, reading
from scenes import DAY, T0, by, told


def start(server: str, at: int, ms: int | None, status: str | None = "ready") -> EventFacts:
    return EventFacts(
        "mcp_server_startup",
        name=told(server),
        status=told(status) if status is not None else None,
        starts=by(at),
        ends=by(at + ms) if ms is not None else {},
        sources=Source.LIVE,
    )


def written(database: Path) -> Path:
    first = {
        "a": start("docs", T0, 400),
        "b": start("docs", T0 + 1, 30_000, "failed"),
        "c": start("browser", T0, 20, "cancelled"),
        "other": EventFacts("error", starts=by(T0), sources=Source.LIVE),
    }
    later = {"a": start("docs", T0 + DAY, 600), "b": start("browser", T0 + DAY, None, None)}
    return scenes.write(
        database,
        scenes.session(events=first),
        scenes.session(T0 + DAY, n=1, events=later, cwd=told("/home/me/other")),
    )


def told_of(groups: list[Group]) -> list[tuple[object, ...]]:
    return [(g.key, g.starts, g.failures, g.cancels, len(g.took), g.took.at(50)) for g in groups]


def test_starts_are_told_by_server_and_by_day(tmp_path: Path) -> None:
    with reading(written(tmp_path / "a.db")) as db:
        found = startups(db, Filters(), Zone("UTC").days)
    assert told_of(found.servers) == [("docs", 3, 1, 0, 3, 600), ("browser", 2, 0, 1, 1, 20)]
    assert told_of(found.days) == [
        ("2026-03-02", 3, 1, 1, 3, 400),
        ("2026-03-03", 2, 0, 0, 1, 600),
    ]
    assert found.servers[0].last_at == T0 + DAY


def test_starts_are_narrowed_by_time_and_by_folder(tmp_path: Path) -> None:
    days = Zone("UTC").days
    with reading(written(tmp_path / "a.db")) as db:
        for filters in (Filters(since=T0 + DAY), Filters(projects=("/home/me/other",))):
            assert told_of(startups(db, filters, days).days) == [("2026-03-03", 2, 0, 0, 1, 600)]
        assert startups(db, Filters(until=T0), days).servers == []
