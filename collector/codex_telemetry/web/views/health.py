"""Whether all is well. It is looked at after the first paint: to ask Codex for its version takes a while."""

from typing import Any

from codex_telemetry.web.asking import Asked
from codex_telemetry.web.source import Source


def view(source: Source, asked: Asked, now: int) -> dict[str, Any]:  # noqa: ARG001 - as all views
    return {}
