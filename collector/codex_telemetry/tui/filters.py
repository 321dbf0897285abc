"""The filters that are typed within: those of the command, as `model:gpt-5.5 project:. today`."""

import shlex
from pathlib import Path
from typing import Final

from codex_telemetry.cli.options import Narrow
from codex_telemetry.cli.period import SPANS
from codex_telemetry.errors import UsageError

VALUES: Final = ("since", "until", "last", "session", "project", "model", "status")
HINT: Final = f"{':… '.join(VALUES)}:… {' '.join(SPANS)}"


def read(typed: str, database: Path) -> Narrow:
    """Raises `UsageError` for what is no filter."""
    try:
        words = shlex.split(typed)
    except ValueError:
        raise UsageError("a quote isn't closed", hint=HINT) from None
    given: dict[str, object] = {}
    for word in words:
        name, colon, value = word.partition(":")
        if name in SPANS and not colon:
            given[name] = True
        elif name in VALUES and value:
            given[name] = _number(value) if name == "last" else value
        else:
            raise UsageError(f"there is no filter {word}", hint=HINT)
    return Narrow(**given, database=database)  # type: ignore[arg-type]


def written(narrow: Narrow) -> str:
    """As it would be typed."""
    spans = [name for name in SPANS if getattr(narrow, name)]
    values = [
        shlex.quote(f"{name}:{value}")
        for name in VALUES
        if (value := getattr(narrow, name)) is not None
    ]
    return " ".join([*values, *spans])


def period(narrow: Narrow) -> str:
    """What is summed up, in words."""
    for name in SPANS:
        if getattr(narrow, name):
            return name if name == "today" else f"this {name}"
    bounds = [f"{name} {value}" for name in ("since", "until") if (value := getattr(narrow, name))]
    return " ".join(bounds) or "last 24 h"


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0 and len(text) < 10):
        raise UsageError(f"last:{text} is not a number of turns", hint="last:50")
    return int(text)
