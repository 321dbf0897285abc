"""The pictures in the docs: the dashboard and a page to send, of a month that is made up, at a moment that
stands still. `make screenshots` makes them anew; the same commit makes the same pictures.

A picture is a line in `PICTURES`. They are looked at by a person before they are committed.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser

import showcase
from commands import run
from store_of import until
from web.browser import chromium
from web.dashboard import Dashboard, dashboard

CHECKOUT = Path(__file__).parents[1]
FOLDER = CHECKOUT / "docs" / "images"


class Picture(NamedTuple):
    name: str
    path: str
    """Of the dashboard; or `report` and the words of that command."""
    height: int
    theme: str = "light"
    width: int = 1280


TURN = f"/turn?id={showcase.TURN}"
PICTURES = (
    Picture("now", "/", 900),
    Picture("turns", "/turns", 900),
    Picture("turn", TURN, 830),
    Picture("turn-dark", TURN, 830, "dark"),
    Picture("turn-phone", TURN, 844, width=390),
    Picture("tools", "/tools", 900),
    Picture("tokens", "/tokens", 900),
    Picture("limits", "/limits", 900),
    Picture("report", "report --since 2026-03-02 --tz UTC", 1040),
)

DRAWN = """
[...document.querySelectorAll("[data-chart]")].every((chart) => chart.firstChild)
&& !document.querySelector("div[data-part], [aria-busy]")
"""


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        database = showcase.write(home / "telemetry.db")
        with (
            dashboard(home, "--tz", "UTC", now=showcase.NOW, HOME=showcase.HOME) as served,
            chromium() as browser,
        ):
            for picture in PICTURES:
                if sys.argv[1:] and picture.name not in sys.argv[1:]:
                    continue
                url = _report(database, picture) if picture.path.startswith("report ") else None
                _take(browser, served, picture, url)
                size = (FOLDER / f"{picture.name}.png").stat().st_size
                print(f"{picture.name}: {-(-size // 1_000)} kB")


def _report(database: Path, picture: Picture) -> str:
    page = database.with_name(f"{picture.name}.html")
    words = picture.path.split()
    answer = run(
        *words,
        "--html",
        str(page),
        "--db",
        str(database),
        env={"HOME": showcase.HOME},
        now=showcase.NOW,
    )
    assert answer.code == 0, answer.err
    return page.as_uri()


def _take(browser: Browser, served: Dashboard, picture: Picture, url: str | None) -> None:
    theme: Any = picture.theme
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height}, color_scheme=theme,
        reduced_motion="reduce",
    )  # fmt: skip
    try:
        page = context.new_page()
        if url is None:
            page.goto(served.url)
        page.goto(url or served.base + picture.path)
        until(lambda: page.evaluate(DRAWN))
        if page.query_selector("[data-live]"):
            page.wait_for_selector("#live.is-live", state="attached")
        page.screenshot(path=FOLDER / f"{picture.name}.png")
    finally:
        context.close()


if __name__ == "__main__":
    main()
