"""`tokens`: by time, model, project, session and tier, in any zone; and what it would have cost."""

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import scenes
from canary import leaks_in
from codex_telemetry.cli.tokens import BYS
from codex_telemetry.core.facts import SessionFacts, TurnFacts
from codex_telemetry.reports.shapes_tokens import Tokens
from commands import Command
from recordings import Recordings

T0, HOUR, DAY = scenes.T0, scenes.HOUR, scenes.DAY
USD = (450 * 10 + 450 * 1 + 100 * 100) / 1e6
"""Of a response of 1,000 tokens of gpt-5.5."""


def told(cli: Command, *words: str) -> list[dict[str, Any]]:
    answer = cli("tokens", "--json", *words)
    assert answer.code == 0, answer.err
    found: list[dict[str, Any]] = json.loads(answer.out)
    return found


def by_key(cli: Command, *words: str) -> dict[str | None, int]:
    return {row["key"]: row["total_tokens"] for row in told(cli, *words)}


def used(
    of: SessionFacts, *moments: int, n: int = 1, model: str | None = None, **fields: object
) -> TurnFacts:
    """A turn with a response of 1,000 tokens at each of these moments."""
    responses = {(k + 1) * 1_000: scenes.response(at, 1_000, model) for k, at in enumerate(moments)}
    return scenes.turn(of, moments[0] - 1_000, 2_000, n=n, responses=responses, **fields)


def at(text: str, zone: str = "UTC") -> int:
    moment = datetime.fromisoformat(text)
    return int(moment.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.fixture
def busy(database: Path) -> Path:
    """Two repositories, one with a worktree; a subagent and its own; a folder without a repository."""
    root = scenes.session(git_repo=scenes.told("hash1"))
    tree = scenes.session(
        n=1, cwd=scenes.told("/home/me/.trees/x/project"), git_repo=scenes.told("hash1")
    )
    child = scenes.session(
        n=2,
        relation=scenes.told("subagent"),
        root_session_id=scenes.told(root.session_id),
        cwd=scenes.told("/home/me/elsewhere"),
    )
    grandchild = scenes.session(
        n=3,
        relation=scenes.told("subagent"),
        parent_session_id=scenes.told(child.session_id),
        cwd=None,
    )
    plain = scenes.session(n=4, cwd=scenes.told("/home/me/plain"))
    return scenes.write(
        database,
        *(root, tree, child, grandchild, plain),
        used(root, T0 + HOUR, T0 + 2 * HOUR, n=1),
        used(root, T0 + DAY, n=2, cwd=scenes.told("/home/me/project/deep")),
        used(tree, T0 + 2 * DAY, n=3, cwd=None),
        used(child, T0 + HOUR, n=4, cwd=None),
        used(grandchild, T0 + 40 * DAY, n=5, cwd=None, model="gpt-5.5-mini"),
        used(plain, T0 + 9 * DAY, n=6, cwd=None, service_tier=scenes.told("priority")),
        used(plain, T0 + 9 * DAY + 1, n=7, cwd=None, status=scenes.told("failed")),
        scenes.turn(plain, T0 + 10 * DAY, n=8),
    )


ROOT, TREE, CHILD, GRANDCHILD, PLAIN = (scenes.uuid7(T0, n) for n in range(5))


@pytest.mark.usefixtures("busy")
class TestApart:
    def test_every_name_is_there(self, cli: Command) -> None:
        for row in told(cli):
            assert list(row) == list(Tokens.__struct_fields__)

    def test_by_day_without_being_asked(self, cli: Command) -> None:
        first, second = "2026-03-02", "2026-03-03"
        rows = told(cli, "--tz", "UTC")
        assert rows[0]["key"] == first
        assert rows[0]["responses"] == 3
        assert rows[0]["cost_usd"] == pytest.approx(3 * USD)
        assert rows[0]["cache_hit_rate"] == 0.5
        assert rows[1]["key"] == second
        assert rows == told(cli, "--by", "day", "--tz", "UTC")

    def test_by_week_and_month(self, cli: Command) -> None:
        assert by_key(cli, "--by", "week", "--tz", "UTC") == {
            "2026-W10": 5_000,
            "2026-W11": 2_000,
            "2026-W15": 1_000,
        }
        assert by_key(cli, "--by", "month", "--tz", "UTC") == {"2026-03": 7_000, "2026-04": 1_000}

    def test_by_model_with_what_has_no_price_counted_apart(self, cli: Command) -> None:
        known, unknown = told(cli, "--by", "model")
        assert (known["key"], known["unpriced_tokens"]) == ("gpt-5.5", 1_000)
        assert known["cost_usd"] == pytest.approx(6 * USD)
        assert (unknown["key"], unknown["unpriced_tokens"]) == ("gpt-5.5-mini", 1_000)
        assert unknown["cost_usd"] is None

    def test_by_tier_no_tier_is_the_default(self, cli: Command) -> None:
        rows = told(cli, "--by", "tier")
        assert [(row["key"], row["unpriced_tokens"]) for row in rows] == [
            ("default", 1_000),
            ("priority", 1_000),
        ]

    def test_worktrees_of_a_repository_are_one_project(self, cli: Command) -> None:
        assert by_key(cli, "--by", "project") == {
            "/home/me/project": 4_000,
            "/home/me/plain": 2_000,
            "/home/me/elsewhere": 1_000,
            None: 1_000,
        }

    def test_by_session_the_most_used_first(self, cli: Command) -> None:
        assert list(by_key(cli, "--by", "session").items()) == [
            (ROOT, 3_000),
            (PLAIN, 2_000),
            (TREE, 1_000),
            (CHILD, 1_000),
            (GRANDCHILD, 1_000),
        ]

    def test_rolled_up_subagents_count_for_who_called_them(self, cli: Command) -> None:
        assert by_key(cli, "--by", "session", "--roll-up") == {
            ROOT: 5_000,
            PLAIN: 2_000,
            TREE: 1_000,
        }
        assert by_key(cli, "--by", "project", "--roll-up") == {
            "/home/me/project": 6_000,
            "/home/me/plain": 2_000,
        }
        assert by_key(cli, "--by", "model", "--roll-up", "--session", ROOT) == {
            "gpt-5.5": 4_000,
            "gpt-5.5-mini": 1_000,
        }
        assert sum(by_key(cli, "--roll-up", "--project", "/home/me/project").values()) == 5_000
        assert sum(by_key(cli, "--project", "/home/me/project").values()) == 3_000

    def test_narrowed_by_what_responses_and_their_turns_were(self, cli: Command) -> None:
        def total(*words: str) -> int:
            return sum(by_key(cli, *words).values())

        assert total("--model", "gpt-5.5-mini") == 1_000
        assert total("--status", "failed") == 1_000
        assert total("--session", CHILD) == 1_000
        assert total("--project", "/home/me/plain") == 2_000
        assert total("--since", "2026-03-03", "--tz", "UTC") == 5_000
        assert total("--model", "none") == 0

    def test_the_last_are_those_last_used(self, cli: Command) -> None:
        assert list(by_key(cli, "--last", "2", "--tz", "UTC")) == ["2026-03-11", "2026-04-11"]
        assert list(by_key(cli, "--by", "session", "--last", "2")) == [PLAIN, GRANDCHILD]

    @pytest.mark.parametrize("by", BYS)
    @pytest.mark.parametrize("roll_up", [[], ["--roll-up"]], ids=["own", "rolled"])
    def test_every_sum_is_that_of_the_responses(
        self, cli: Command, busy: Path, by: str, roll_up: list[str]
    ) -> None:
        names = (
            "input_tokens cached_input_tokens output_tokens reasoning_output_tokens total_tokens"
        )
        rows = told(cli, "--by", by, *roll_up)
        with closing(sqlite3.connect(busy)) as db:
            for name in names.split():
                (whole,) = db.execute(f"SELECT sum({name}) FROM responses").fetchone()
                assert sum(row[name] for row in rows) == whole, name
            (usd, unpriced) = db.execute(
                """SELECT sum(cost_usd), sum(total_tokens) FILTER (WHERE cost_usd IS NULL)
                FROM responses"""
            ).fetchone()
        assert sum(row["cost_usd"] or 0 for row in rows) == pytest.approx(usd)
        assert sum(row["unpriced_tokens"] for row in rows) == unpriced


def test_a_stretch_of_time_is_met_to_the_millisecond(database: Path, cli: Command) -> None:
    """Sums are by quarter of an hour: what is cut in the midst of one is counted by response."""
    session = scenes.session()
    moments = [T0 + n * 137_000 for n in range(40)]
    scenes.write(database, session, used(session, *moments))
    for since, until in ((0, 39), (3, 4), (3, 30), (7, 8), (12, 39), (5, 5)):
        span = [scenes_text(moments[since] + 1), scenes_text(moments[until] + 2)]
        found = by_key(cli, "--since", span[0], "--until", span[1])
        assert sum(found.values()) == 1_000 * (until - since)
    only = by_key(cli, "--since", scenes_text(moments[20]))
    assert sum(only.values()) == 20_000
    assert sum(by_key(cli, "--until", scenes_text(moments[20])).values()) == 20_000


def scenes_text(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, ZoneInfo("UTC")).isoformat(timespec="milliseconds")


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/New_York", "2026-03-08", 23),
        ("Asia/Kolkata", "2026-03-08", 24),
        ("Asia/Kathmandu", "2026-03-08", 24),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Africa/Cairo", "2026-04-24", 23),
    ],
)
def test_a_day_has_the_hours_it_has(
    database: Path, cli: Command, zone: str, day: str, hours: float
) -> None:
    """A response every half an hour, for three days around the change."""
    begin = at(f"{day}T00:00", zone) - DAY
    session = scenes.session()
    moments = [begin + n * HOUR // 2 for n in range(3 * 48)]
    scenes.write(database, session, used(session, *moments))
    assert by_key(cli, "--tz", zone)[day] == hours * 2 * 1_000
    assert sum(by_key(cli, "--tz", zone, "--since", day, "--until", day).values()) == (
        hours * 2 * 1_000
    )


def test_weeks_begin_when_the_user_says(database: Path, home: Path, cli: Command) -> None:
    session = scenes.session()
    saturday, sunday, monday = (at(f"2026-03-{day:02}T12:00") for day in (7, 8, 9))
    scenes.write(database, session, used(session, saturday, sunday, monday))
    week = ("--by", "week", "--tz", "UTC")
    assert by_key(cli, *week) == {"2026-W10": 2_000, "2026-W11": 1_000}
    (home / "config.toml").write_text('week_start = "sunday"')
    assert by_key(cli, *week) == {"2026-W10": 1_000, "2026-W11": 2_000}


def test_a_response_without_a_time_counts_when_its_turn_began(database: Path, cli: Command) -> None:
    session = scenes.session()
    timeless = scenes.response(0, 1_000)
    timeless.times = {}
    scenes.write(database, session, scenes.turn(session, T0, responses={1_000: timeless}))
    assert by_key(cli, "--tz", "UTC") == {"2026-03-02": 1_000}


def test_what_has_no_time_at_all_has_no_day_and_is_not_lost(database: Path, cli: Command) -> None:
    session = scenes.session()
    timeless = scenes.response(0, 1_000)
    timeless.times = {}
    old = scenes.old_turn(session, T0)
    old.responses, old.starts, old.ends, old.requested, old.duration = (
        {1_000: timeless},
        {},
        {},
        {},
        None,
    )
    scenes.write(database, session, old, used(session, T0, n=2))
    assert by_key(cli, "--tz", "UTC") == {None: 1_000, "2026-03-02": 1_000}
    assert by_key(cli, "--since", "2026-01-01", "--tz", "UTC") == {"2026-03-02": 1_000}


def test_a_session_that_stands_above_itself_is_its_own_root(database: Path, cli: Command) -> None:
    one, other = scenes.uuid7(T0, 1), scenes.uuid7(T0, 2)
    sessions = [
        scenes.session(n=n, relation=scenes.told("subagent"), parent_session_id=scenes.told(above))
        for n, above in ((1, other), (2, one))
    ]
    scenes.write(database, *sessions, used(sessions[0], T0, n=1), used(sessions[1], T0, n=2))
    assert sum(by_key(cli, "--by", "session", "--roll-up").values()) == 2_000


def test_nothing_that_was_said_is_in_any_of_it(
    cli: Command, recordings: Recordings, tmp_path: Path
) -> None:
    sessions = tmp_path / "codex-home" / "sessions"
    sessions.mkdir()
    for recording in recordings.like("0.169.0/*"):
        for path in recording.rollouts():
            (sessions / path.name).write_bytes(path.read_bytes())
    assert cli("backfill").code == 0
    for by in BYS:
        for form in ([], ["--json"], ["--csv"]):
            answer = cli("tokens", "--by", by, *form)
            assert answer.code == 0
            assert answer.out
            assert not leaks_in(answer.out + answer.err)
    assert not leaks_in(cli("prices").out + cli("config").out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--by", "hour"], "--by: there is no key hour; one of day, week"),
        (["--tz", "Mars/Olympus"], "no time zone is called Mars/Olympus"),
        (["--since", "yesterday"], "--since is not a time"),
        (["--last", "0"], "--last"),
    ],
)
def test_what_cannot_be_meant_is_one_line(cli: Command, words: list[str], said: str) -> None:
    answer = cli("tokens", *words)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err


def test_a_session_that_is_not_there_is_one_line(cli: Command, busy: Path) -> None:
    answer = cli("tokens", "--session", "nobody")
    assert (answer.code, answer.out) == (1, "")
    assert "no session has an id that starts with nobody" in answer.err


def test_nothing_yet_says_how_to_begin(cli: Command, database: Path) -> None:
    assert "backfill" in cli("tokens").err
    scenes.write(database, scenes.session())
    answer = cli("tokens")
    assert (answer.code, answer.out) == (0, "")
    assert cli("tokens", "--json").out == "[]\n"
