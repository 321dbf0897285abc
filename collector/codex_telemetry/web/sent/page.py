"""A page that stands alone: its style is in it, it runs nothing, and it may load nothing."""

import base64
import hashlib
from typing import Any

from markupsafe import Markup

from codex_telemetry import __version__
from codex_telemetry.cli.labelled import labels
from codex_telemetry.cli.period import Zone, shown
from codex_telemetry.cli.words import NOTHING
from codex_telemetry.reports.moments import read
from codex_telemetry.web.rendering import STATIC, render

DARK = ':root[data-theme="dark"] {'
"""The dashboard's reader chooses; here nobody can, so it is as the reader's other pages are."""


def page(template: str, zone: Zone, now: int, home: str | None, **told: Any) -> bytes:
    """`now`: ms UTC."""
    style = stylesheet()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    text = render(
        template,
        zone,
        now,
        layout="report.html",
        style=Markup(style),  # noqa: S704 - ours, and nothing was put into it
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        version=__version__,
        made=shown(now, zone),
        clock_of=lambda at: shown(read(at), zone) or NOTHING,
        home=home,
        redacted=labels().hashes is not None,
        **told,
    )
    return text.encode()


def stylesheet() -> str:
    """That of the dashboard, and what differs on a page of its own."""
    style = (STATIC / "app.css").read_text(encoding="utf-8")
    dark = style.split(DARK, 1)[1].split("}", 1)[0]
    return f"{style}\n@media screen and (prefers-color-scheme: dark) {{ :root {{{dark}}} }}\n" + (
        STATIC / "report.css"
    ).read_text(encoding="utf-8")
