"""`prices`, and what becomes of costs when prices change: the package's, or one's own."""

import json
from pathlib import Path
from typing import Any

import pytest

import scenes
from codex_telemetry import pricing
from codex_telemetry.cli.tokens import NOT_A_BILL
from codex_telemetry.core.prices import Price, PriceModel
from codex_telemetry.pricing import apart, package
from commands import Command, on_a_terminal, run
from store_of import rows

OWN = """
[[prices]]
model = "GPT-5.5"
since = 2026-03-03
input = 20
cached_input = 2
output = 200

[[prices]]
model = "mine"
tier = "fast"
input = 1
output = 1
"""


def told(cli: Command, *words: str) -> list[dict[str, Any]]:
    answer = cli("prices", "--json", *words)
    assert answer.code == 0, answer.err
    found: list[dict[str, Any]] = json.loads(answer.out)
    return found


@pytest.fixture
def used(database: Path) -> Path:
    """A response of gpt-5.5 on each of two days, and one of a model without a price."""
    session = scenes.session()
    return scenes.write(
        database,
        session,
        *(
            scenes.turn(session, at, n=n, responses={1_000: scenes.response(at, 1_000, model)})
            for n, (at, model) in enumerate(
                [(scenes.T0, None), (scenes.T0 + scenes.DAY, None), (scenes.T0, "odd")], start=1
            )
        ),
    )


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A package that can be upgraded; how often it was read."""
    state: dict[str, Any] = {"version": package.version(), "usd": 10.0, "read": 0}

    def read(first: int) -> tuple[list[PriceModel], list[Price]]:
        state["read"] += 1
        models = [PriceModel(first, "package", "gpt-5.5", r"\Agpt-5\.5\Z")]
        return models, [
            Price(first, "default", None, None, 0, state["usd"], 1.0, None, 10 * state["usd"])
        ]

    monkeypatch.setattr(package, "version", lambda: state["version"])
    monkeypatch.setattr(apart, "read", read)
    return state


def costs(database: Path) -> list[float | None]:
    found = rows(database, "SELECT cost_usd FROM turns ORDER BY turn_id")
    return [row["cost_usd"] for row in found]


USD = (450 * 10 + 450 * 1 + 100 * 100) / 1e6


def test_what_applies_to_what_was_used_and_where_it_is_from(cli: Command, used: Path) -> None:
    known, unknown = told(cli)
    assert known == {
        "model": "gpt-5.5",
        "priced_as": "gpt-5.5",
        "tier": "default",
        "source": "package",
        "package_version": scenes.PACKAGE,
        "valid_from_at": None,
        "valid_until_at": None,
        "above_input_tokens": 0,
        "input_usd": 10.0,
        "cached_input_usd": 1.0,
        "cache_write_usd": None,
        "output_usd": 100.0,
    }
    assert unknown["model"] == "odd"
    assert set(unknown.values()) == {"odd", None}


def test_one_model_may_be_asked_for_used_or_not(cli: Command, used: Path) -> None:
    assert [row["input_usd"] for row in told(cli, "--model", "gpt-5.5")] == [10.0]
    assert [row["input_usd"] for row in told(cli, "--model", "nobody's")] == [None]


def test_people_are_told_that_it_is_not_a_bill(cli: Command, used: Path) -> None:
    answer = cli("prices")
    assert NOT_A_BILL in answer.err
    assert f"genai-prices {scenes.PACKAGE}" in answer.err
    assert "no price" in answer.out
    screen = on_a_terminal("tokens", "--tz", "UTC", env={"NO_COLOR": "1"}).out
    assert "API-equivalent, not a bill" in screen
    assert "1,000 tokens have no known price" in screen


def test_ones_own_price_wins_from_its_day_on_and_only_there(
    cli: Command, used: Path, home: Path, listed: dict[str, Any]
) -> None:
    assert costs(used) == pytest.approx([USD, None, USD])
    (home / "config.toml").write_text(OWN)
    found = told(cli)
    assert [(row["model"], row["source"], row["tier"]) for row in found] == [
        ("gpt-5.5", "config", "default"),
        ("gpt-5.5", "package", "default"),
        ("odd", None, None),
        ("mine", "config", "priority"),
    ]
    assert found[0]["valid_from_at"] == "2026-03-03T00:00:00.000Z"
    assert costs(used) == pytest.approx([USD, None, 2 * USD])
    (home / "config.toml").unlink()
    cli("turns", "--json")
    assert costs(used) == pytest.approx([USD, None, USD])


def test_another_release_of_the_package_prices_anew_with_the_next_report(
    cli: Command, used: Path, listed: dict[str, Any]
) -> None:
    cli("tokens")
    assert listed["read"] == 0, "nothing has changed"
    listed |= {"version": "9.9.9", "usd": 20.0}
    (first, *_) = json.loads(cli("turns", "--json").out)
    assert first["cost_usd"] == pytest.approx((450 * 20 + 450 + 100 * 200) / 1e6)
    assert told(cli)[0]["package_version"] == "9.9.9"
    assert listed["read"] == 1


def test_without_the_package_ones_own_prices_are_left(
    cli: Command, used: Path, home: Path, listed: dict[str, Any]
) -> None:
    listed["version"] = None
    (home / "config.toml").write_text(OWN)
    assert [row["source"] for row in told(cli)] == ["config", None, "config"]
    assert costs(used) == [None, None, pytest.approx(2 * USD)]


def test_a_database_that_cannot_be_written_shows_the_costs_there_are(
    cli: Command, used: Path, listed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    listed["version"] = "9.9.9"
    monkeypatch.setattr(pricing, "replace", refused)
    assert told(cli)[0]["package_version"] == scenes.PACKAGE


def test_the_real_package_prices_what_codex_uses(database: Path, home: Path) -> None:
    """In a process of its own, with no prices there before."""
    session = scenes.session()
    turn = scenes.turn(session, scenes.T0, responses={1_000: scenes.response(scenes.T0, 1_000)})
    nothing = scenes.price_list()._replace(fingerprint="none", read=lambda: ([], []))
    scenes.write(database, session, turn, prices=nothing)
    assert costs(database) == [None]
    answer = run("tokens", "--json", env={"CODEX_TELEMETRY_HOME": str(home)})
    (row,) = json.loads(answer.out)
    assert row["cost_usd"] > 0
    assert costs(database) == [row["cost_usd"]]
