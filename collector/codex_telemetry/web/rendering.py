"""How a page is made from a view's words: templates that escape all they are given."""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from codex_telemetry.cli import words
from codex_telemetry.cli.period import Zone, lately, shown
from codex_telemetry.cli.turn_words import FILL, part_words
from codex_telemetry.reports.moments import read
from codex_telemetry.web.drawn import shares

WITHOUT_OFFSET = len("2026-11-23 07:04:08")
"""Of a moment in a list: with its offset it is in the title."""

STATIC = Path(__file__).parent / "static"


def _digest(folder: Path) -> str:
    whole = sha256()
    for path in sorted(folder.iterdir()):
        whole.update(path.read_bytes())
    return whole.hexdigest()[:12]


STATIC_PATH = f"/static/{_digest(STATIC)}"
"""Where a browser finds them: elsewhere after each change, so that it may keep what it has."""


@cache
def environment() -> Environment:
    """All templates are HTML, whatever they are called: there is none that isn't escaped."""
    made = Environment(
        loader=PackageLoader("codex_telemetry.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "duration": words.duration,
        "number": words.number,
        "dollars": words.dollars,
        "plain": lambda text: words.NOTHING if text is None else words.plain(str(text)),
        "short_id": words.short_id,
        "part": part_words,
        "data": as_data,
        "shares": shares,
    }
    made.globals |= {
        "static": STATIC_PATH,
        "glyphs": FILL,
        "percent": words.percent,
        "counted": words.counted,
    }
    return made


def render(template: str, zone: Zone, now: int, **given: Any) -> str:
    """`now`: ms UTC."""
    return (
        environment()
        .get_template(template)
        .render(
            ago=lambda at: (lately(read(at), zone, now) or words.NOTHING)[:WITHOUT_OFFSET],
            clock=lambda at: shown(at, zone) or words.NOTHING,
            moment=lambda at: shown(read(at), zone, millis=True) or "not known",
            **given,
        )
    )


def as_data(value: Any) -> Markup:
    """JSON for a `<script type="application/json">`: no `<`, so nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    harmless = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(harmless)  # noqa: S704 - see above
