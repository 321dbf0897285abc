"""What the views say is what the commands say; what takes long comes after the page."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import month
import scenes
from commands import run
from web.dashboard import Dashboard, dashboard


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Turns of March 2026, and two hours of limits."""
    folder = tmp_path_factory.mktemp("home")
    folder.chmod(0o700)
    (folder / "config.toml").write_text('tz = "UTC"\n')
    month.write(folder / "telemetry.db")
    session = scenes.session(n=70)
    scenes.write(folder / "telemetry.db", session, scenes.busy_turn(session), *scenes.limits())
    return folder


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[Dashboard]:
    with dashboard(home) as found:
        yield found


def told(home: Path, *words: str) -> list[dict[str, Any]]:
    answer = run(*words, "--json", env={"CODEX_TELEMETRY_HOME": str(home)})
    assert answer.code == 0, answer.err
    found: list[dict[str, Any]] = json.loads(answer.out)
    return found


def rows(text: str, label: str) -> list[list[str]]:
    """The cells of the table in a region."""
    region = text.partition(f'aria-label="{label}"')[2].partition("</table>")[0]
    body = region.partition("<tbody>")[2]
    return [
        [html.unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in body.split("<tr>")[1:]
    ]  # fmt: skip


@pytest.mark.parametrize("by", ["day", "week", "month", "model", "tier"])
def test_tokens_are_those_of_the_command(served: Dashboard, home: Path, by: str) -> None:
    want = told(home, "tokens", "--by", by, "--since", "2026-03-01")
    if by in ("day", "week", "month"):
        want.reverse()
    found = rows(served.ask(f"/tokens?by={by}&since=2026-03-01").text, f"Sums by {by}")
    if not found:  # so long a stretch comes after the page
        found = rows(served.ask(f"/tokens/figures?by={by}&since=2026-03-01").text, f"Sums by {by}")
    assert [(row[0], row[1]) for row in found] == [
        (row["key"], f"{row['total_tokens']:,}") for row in want
    ]
    assert len(want) > 0


def test_a_cost_is_called_what_it_is(served: Dashboard) -> None:
    for path in ("/tokens?span=ever", "/tokens/year?year=2026", "/tokens?span=ever&by=model"):
        text = served.ask(path).text
        assert "API-equivalent" in text
        assert "not a bill" in text


def test_without_a_stretch_of_time_it_is_the_last_month(served: Dashboard) -> None:
    assert "No tokens match." in served.ask("/tokens").text
    assert "Sums by day" in served.ask("/tokens?span=ever").text
    assert "Nothing was heard" in served.ask("/limits/history").text


def test_a_long_stretch_by_model_comes_after_the_page(served: Dashboard) -> None:
    page = served.ask("/tokens?by=model&since=2026-01-01").text
    assert 'data-part="/tokens/figures?by=model&amp;since=2026-01-01"' in page
    assert "Sums by model" not in page
    assert "Sums by model" in served.ask("/tokens/figures?by=model&since=2026-01-01").text


def test_a_year_has_all_its_days_in_a_table(served: Dashboard, home: Path) -> None:
    want = told(home, "tokens", "--since", "2026-01-01", "--until", "2026-12-31")
    text = served.ask("/tokens/year?year=2026").text
    assert [row[0] for row in rows(text, "Days of 2026 in numbers")] == [
        row["key"] for row in reversed(want)
    ]
    cells = json.loads(text.partition('application/json">')[2].partition("</script>")[0])["cells"]
    assert cells == [[row["key"], row["total_tokens"]] for row in want]
    assert "No tokens" in served.ask("/tokens/year?year=1999").text


def test_what_has_no_price_says_why(served: Dashboard) -> None:
    text = served.ask("/tokens/unpriced?span=ever").text
    assert rows(text, "Models and tiers without a price")[0][3].startswith("no price of this model")


def test_limits_are_those_of_the_command(served: Dashboard, home: Path) -> None:
    page = served.ask("/limits?span=ever").text
    want = told(home, "limits", "--milestones")
    assert f">{len(want)} milestones<" in page
    found = rows(page, "Milestones")
    assert [row[3] for row in found] == [f"{row['percent']} %" for row in reversed(want)][:100]
    assert "highest 45 %, plan plus" in page
    history = served.ask("/limits/history?span=ever").text
    assert rows(history, "Windows of codex · 5h") == [
        ["2026-03-02 08:00:02 +00:00", "2026-03-02 13:00:02 +00:00", "45 %", "-"]
    ]


def test_names_are_labels_where_they_shall_be(home: Path) -> None:
    with dashboard(home, "--redact") as served:
        text = served.ask("/tokens?span=ever&by=project").text
        assert "folder-" in text
        assert "/home/me" not in text
