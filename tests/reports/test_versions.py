"""What each Codex version brought: turns, and names that no older one said."""

from pathlib import Path

import scenes
from codex_telemetry.cli.period import Zone
from codex_telemetry.core.facts import Drift
from codex_telemetry.reports.versions import Version, versions
from codex_telemetry.store.queries import Filters, reading
from scenes import T0, told


def found(database: Path, filters: Filters = Filters()) -> list[Version]:  # noqa: B008
    with reading(database) as db:
        return versions(db, filters, Zone("UTC").days)


def drift(version: str | None, *names: str) -> list[Drift]:
    return [Drift(version, name, "unknown method") for name in names]


def test_a_name_is_new_in_the_oldest_version_that_says_it(tmp_path: Path) -> None:
    database = scenes.write(
        tmp_path / "a.db",
        *drift("0.155.0", "old"),
        *drift("0.169.0", "old", "later"),
        *drift("0.170.0-alpha.2", "newest", "old"),
        *drift("0.170.0", "newest", "later"),
        *drift(None, "nobody's"),
    )
    assert [(v.name, v.fresh) for v in found(database)] == [
        ("0.170.0", frozenset()),
        ("0.170.0-alpha.2", {"newest"}),
        ("0.169.0", {"later"}),
        ("0.155.0", frozenset()),  # there is none that it could be compared with
        (None, frozenset()),
    ]


def test_versions_stand_by_number_and_tell_of_their_turns(tmp_path: Path) -> None:
    session = scenes.session()
    turns = [
        scenes.turn(session, T0 + n * 60_000, ms, n=n, cli_version=told(version))
        for n, (version, ms) in enumerate(
            [("0.98.0", 1_000), ("0.125.0", 2_000), ("0.125.0", 4_000)]
        )
    ]
    database = scenes.write(tmp_path / "a.db", session, *turns, *drift("0.126.0", "said"))
    told_of = [
        (v.name, v.group and (v.group.turns, v.group.spreads["duration"].at(100)), len(v.drift))
        for v in found(database)
    ]
    assert told_of == [
        ("0.126.0", None, 1),
        ("0.125.0", (2, 4_000), 0),
        ("0.98.0", (1, 1_000), 0),
    ]
    (only,) = [v for v in found(database, Filters(until=T0 + 1)) if v.group]
    assert only.name == "0.98.0"
