"""Every view in Chromium: at two widths, light and dark."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import scenes
from store_of import until
from web.browser import SIZES, barriers, built, chromium, is_too_wide, looking, looking_at
from web.conftest import HOSTILE_SESSION, HOSTILE_TURN
from web.dashboard import Dashboard
from web.test_a_page_to_send import WAYS, month, written

BUSY = "/turn?id=019cadc6-9e68"
SESSION = f"/session?id={scenes.uuid7(scenes.T0)}"
VIEWS = [
    *("/", "/turns", BUSY, HOSTILE_TURN, "/turns?status=interrupted"),
    *("/sessions", SESSION, HOSTILE_SESSION, "/tools", "/tools?by=server", "/tools?model=none"),
    *("/tokens?span=ever", "/tokens?span=ever&by=model", "/limits?span=ever"),
    *("/startups", "/versions", "/health"),
]
STATIC = Path(__file__).parents[2] / "collector" / "codex_telemetry" / "web" / "static"

ALL_DRAWN = """
[...document.querySelectorAll("[data-chart]")].every((chart) => chart.firstChild)
&& !document.querySelector("div[data-part], [aria-busy]")
"""

__all__ = ["month"]
pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def browser(month: Path) -> Iterator[Browser]:
    """Playwright has a loop running in this thread: what is written is written before."""
    with chromium() as found:
        yield found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_view_is_whole_and_open_to_all(
    served: Dashboard, browser: Browser, size: str, theme: str
) -> None:
    with looking(browser, served, size, theme) as page:
        for path in VIEWS:
            page.goto(served.base + path)
            until(lambda: page.evaluate(ALL_DRAWN))
            assert not is_too_wide(page), path
            if (size, theme) in (("desktop", "light"), ("phone", "dark")):
                assert barriers(page) == [], path


def test_a_subagents_turn_unfolds_in_its_place(served: Dashboard, browser: Browser) -> None:
    with looking(browser, served, "desktop", "light") as page:
        page.goto(served.base + BUSY)
        page.click("details.child summary")
        page.wait_for_selector("details.child .waterfall")
        assert page.url.endswith(BUSY)


def test_keys_lead_about(served: Dashboard, browser: Browser) -> None:
    with looking(browser, served, "desktop", "light") as page:
        page.keyboard.press("?")
        assert page.is_visible("#keys-shown")
        page.keyboard.press("Escape")
        page.keyboard.press("g")
        page.keyboard.press("t")
        page.wait_for_url("**/turns")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**/turn?id=*")
        before = page.get_attribute("html", "data-theme")
        page.keyboard.press("d")
        assert page.get_attribute("html", "data-theme") != before


def test_a_new_turn_appears_by_itself(served: Dashboard, browser: Browser, home: Path) -> None:
    session = scenes.session(n=40)
    with looking(browser, served, "desktop", "light") as page:
        page.wait_for_selector("#live.is-live")
        at = scenes.T0 + scenes.DAY
        for n in range(3):  # the first look of the server only says how things are
            turn = scenes.turn(session, at + n * 10_000, 1_234, n=50 + n)
            # Playwright has a loop running in this thread.
            with ThreadPoolExecutor(1) as apart:
                apart.submit(scenes.write, home / "telemetry.db", session, turn).result()
            page.wait_for_timeout(700)
        until(lambda: page.locator("#page", has_text="1.23 s").count())


def test_the_charts_that_are_shipped_are_those_the_lockfile_makes() -> None:
    assert (built() / "charts.js").read_bytes() == (STATIC / "charts.js").read_bytes()


def test_all_that_a_page_loads_is_less_than_a_megabyte(served: Dashboard) -> None:
    loaded = sum((STATIC / name).stat().st_size for name in ("app.css", "app.js", "charts.js"))
    assert loaded + len(served.ask("/turns").text) + len(served.ask("/turns/charts").text) < 1 << 20


@pytest.mark.parametrize("way", WAYS)
def test_a_page_to_send_is_whole_and_open_to_all(
    month: Path, browser: Browser, tmp_path: Path, way: str
) -> None:
    file = tmp_path / "page.html"
    file.write_text(written(month, *WAYS[way]))
    for size, theme in (("desktop", "light"), ("phone", "dark")):
        with looking_at(browser, file.as_uri(), file.as_uri(), size, theme) as page:
            assert not is_too_wide(page)
            if (way == "period") == (size == "phone"):
                assert barriers(page) == []
            styled = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert styled == {"light": "rgb(251, 251, 252)", "dark": "rgb(15, 17, 20)"}[theme]


def test_on_paper_a_page_is_dark_on_white_whatever_the_screen_is(
    month: Path, browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(written(month, *WAYS["turn"]))
    with looking_at(browser, file.as_uri(), file.as_uri(), "desktop", "dark") as page:
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 29, 34)"
