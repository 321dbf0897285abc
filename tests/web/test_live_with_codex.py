"""The page *Now* while the real Codex runs behind `run`: a turn grows in it, and ends in it."""

import sys
from pathlib import Path

import pytest

from app_server import PLAIN_MODEL, Talk, prompt, talk
from canary import leaks_in
from real_codex import RealCodex
from store_of import until
from web.browser import chromium, looking
from web.dashboard import dashboard

RUN = (sys.executable, "-P", "-m", "codex_telemetry", "run", "--")

LENGTH = """
(() => {
  const said = document.querySelector("article.card b")?.textContent ?? "";
  const [, seconds] = said.match(/^([0-9.]+) s so far/) ?? [];
  return Number(seconds ?? 0);
})()
"""
"""Seconds that the turn in progress has taken, as the page says; 0 while it says nothing."""

pytestmark = pytest.mark.alone


def _home(it: Talk) -> Path:
    """Once its collector has written there."""
    until(it.home.database.exists)
    return it.home.database.parent


@pytest.mark.codex("0.169.0")
def test_a_turn_of_codex_grows_and_ends_in_the_page(codex: RealCodex) -> None:
    with (
        talk(codex, wrapper=RUN, command_seconds=3, model=PLAIN_MODEL) as it,
        dashboard(_home(it)) as served,
        chromium() as browser,
        looking(browser, served, "desktop", "light") as page,
    ):
        page.wait_for_selector("#live.is-live")
        page.evaluate("window.loaded = 'once'")
        assert page.evaluate(LENGTH) == 0
        it.client.approve()
        since = it.client.mark()
        it.client.start_turn(it.thread, prompt("demo"))
        first = until(lambda: page.evaluate(LENGTH))
        until(lambda: page.locator("article.card", has_text="$ sleep").count())
        until(lambda: page.evaluate(LENGTH) > first + 1)
        assert page.locator("article.card rect.part-tools").count()
        assert it.client.completed(it.thread, since=since)["status"] == "completed"
        until(lambda: page.get_by_text("No turn is in progress").count())
        row = page.locator("[data-rows] tbody tr")
        assert row.count() == 1
        assert "completed" in row.inner_text()
        assert page.evaluate("window.loaded") == "once"
        assert not leaks_in(page.content())
