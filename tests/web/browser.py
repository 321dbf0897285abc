"""Chromium, and what every view must hold in it: no errors, nothing from elsewhere, nobody left out."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from checkout import CHECKOUT
from real_codex import CACHE, do_without
from web.dashboard import Dashboard

CHROMIUM = "/usr/bin/chromium"
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
CHARTS = CHECKOUT / "collector" / "codex_telemetry" / "web" / "charts"


@contextmanager
def chromium() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        do_without("Chromium", f"there is no {CHROMIUM} (`scripts/fetch_browser.sh` installs it)")
    with sync_playwright() as playwright:
        # Root, as CI is, has no sandbox there.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def looking(browser: Browser, at: Dashboard, size: str, theme: str) -> Iterator[Page]:
    """A page that was let in."""
    with looking_at(browser, at.url, at.base, size, theme) as page:
        yield page


@contextmanager
def looking_at(browser: Browser, url: str, base: str, size: str, theme: str) -> Iterator[Page]:
    """At the end: no error was logged, and nothing was asked for but what begins with `base`."""
    width, height = SIZES[size]
    scheme: Any = theme
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith(base) else wrong.append(r.url))
    # Nobody accepts it: what a name of a session could do.
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.goto(url)
    try:
        yield page
        assert wrong == []
    finally:
        context.close()


def barriers(page: Page) -> list[str]:
    """What axe-core finds that keeps somebody out."""
    page.evaluate(_axe())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{v['id']}: {v['nodes'][0]['html']}" for v in found["violations"]]


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


@cache
def _axe() -> str:
    return (built() / "node_modules" / "axe-core" / "axe.min.js").read_text()


@cache
def built() -> Path:
    """A folder with what the lockfile names and `charts.js` made of it; kept as the releases of Codex are."""
    names = ("package.json", "package-lock.json", "charts.src.js")
    digest = sha256(b"".join((CHARTS / name).read_bytes() for name in names)).hexdigest()[:16]
    folder = CACHE / f"charts-{digest}"
    if (folder / "charts.js").exists():
        return folder
    partial = CACHE / f".partial-charts-{os.getpid()}"
    partial.mkdir(parents=True)
    done = subprocess.run(
        [CHECKOUT / "scripts" / "build_charts.sh", partial / "charts.js", partial],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    if done.returncode:
        shutil.rmtree(partial)
        do_without("npm", f"the charts could not be built: {done.stderr.strip()[:200]}")
    try:
        partial.rename(folder)
    except OSError:  # another worker was first
        shutil.rmtree(partial)
    return folder
