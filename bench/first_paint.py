"""How soon a page of the dashboard is seen over a large database: whole in the client's hands, and painted.

`make bench BENCH_ARGS="--only first_paint"` asks `serve`, a process as people start it, for each page in
turn. Chromium, where there is one, opens the printed address, knowing nothing, and from there a page of the
menu, and says when it painted each first: its head, as a rule, which is there while the view is at work. So it
is said too when all of the page was drawn. What comes after that by itself (charts, sums) is a line of its
own, without an aim.
"""

import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page

from codex_telemetry.web.app import MENU, PAGES
from figures import Figure, Unit
from measured import print_alone
from reports import TURNS, made
from web.browser import CHROMIUM, chromium
from web.dashboard import Dashboard, dashboard

AIM_MS = 200
LATER = frozenset(
    {
        *("/turns/charts", "/tools/calls", "/tokens/figures", "/tokens/unpriced", "/tokens/year"),
        *("/limits/history", "/health/checks"),
    }
)
LOOKED_AT_MS = 1_500
"""How long somebody looks at a page before they go on: its charts have been drawn by then."""
SHOWN = """new MutationObserver((_, looking) => {
  if (!document.querySelector("dialog")) return;
  looking.disconnect();
  requestAnimationFrame(() => {
    const drawn = new MessageChannel();
    drawn.port1.onmessage = () => { globalThis.shownAt = performance.now(); };
    drawn.port2.postMessage(null);
  });
}).observe(document, { childList: true, subtree: true })"""
"""Put into a page: when the frame was drawn that has its last element."""
SHOWN_AT = "globalThis.shownAt"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"

GROUP = f"The dashboard over {TURNS:,} turns"


class Seen(NamedTuple):
    """When, in ms from when it was asked for."""

    first: float
    whole: float


def figures(runs: int, folder: Path) -> Iterator[Figure]:
    """The database is made in the folder, under the name that the reports have for it."""
    database = made(folder / "telemetry.db")
    folder.chmod(0o700)
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
        (turn,) = db.execute("SELECT turn_id FROM turns ORDER BY started_at DESC").fetchone()
        (session,) = db.execute("SELECT session_id FROM sessions ORDER BY turns DESC").fetchone()
    ids = {"/turn": f"/turn?id={turn}", "/session": f"/session?id={session}"}
    with dashboard(folder) as served:
        took = {page: _asked(served, ids.get(page.path, page.path), runs) for page in PAGES}
        painted = _painted(served, max(3, runs)) if Path(CHROMIUM).exists() else {}
    for page, ms in took.items():
        later = page.path in LATER
        yield Figure(
            GROUP,
            f"{page.title} (`{page.path}`), whole{', after the first paint' if later else ''}",
            ms,
            Unit.MILLISECONDS,
            "",
            None,
            "" if later else f"≤ {AIM_MS} ms",
            None if later else ms <= AIM_MS,
            "the report's own query, then the template",
        )
    for title, seen in painted.items():
        yield Figure(
            GROUP,
            f"{title}, first painted by Chromium",
            seen.first,
            Unit.MILLISECONDS,
            "",
            None,
            f"≤ {AIM_MS} ms",
            seen.first <= AIM_MS,
            "Chromium's start of a page, and its style; not the view, which is at work meanwhile",
        )
        yield Figure(
            GROUP,
            f"{title}, all of it drawn",
            seen.whole,
            Unit.MILLISECONDS,
            "",
            None,
            "",
            None,
            "the view; then Chromium's layout and painting, here without a graphics card",
        )


def _asked(served: Dashboard, path: str, runs: int) -> float:
    each = []
    for _ in range(runs + 1):
        begun = time.perf_counter()
        answer = served.ask(path)
        each.append(1000 * (time.perf_counter() - begun))
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status}")
    return statistics.median(each[1:])  # the first one finds nothing of the database in memory


def _painted(served: Dashboard, runs: int) -> dict[str, Seen]:
    found: dict[str, Seen] = {}
    entered: list[Seen] = []
    with chromium() as browser:
        for page in MENU:
            each = []
            for _ in range(runs + 1):
                context = browser.new_context()
                shown = context.new_page()
                shown.add_init_script(SHOWN)
                entered.append(_seen(shown, served.url))
                shown.wait_for_timeout(LOOKED_AT_MS)
                each.append(_seen(shown, f"{served.base}{page.path}"))
                context.close()
            found[page.title] = _middle(each[1:])
    return {"The printed address, with nothing cached": _middle(entered[1:]), **found}


def _seen(shown: Page, address: str) -> Seen:
    return Seen(_opened(shown, address), _said(shown, SHOWN_AT))


def _opened(shown: Page, address: str) -> float:
    shown.goto(address)
    return _said(shown, PAINTED)


def _said(shown: Page, what: str) -> float:
    # Not `wait_for_function`: it makes code of a text, which the page's policy refuses.
    while (at := shown.evaluate(what)) is None:
        shown.wait_for_timeout(20)
    return float(at)


def _middle(seen: list[Seen]) -> Seen:
    return Seen(*(statistics.median(times) for times in zip(*seen, strict=True)))


if __name__ == "__main__":
    print_alone(figures)
