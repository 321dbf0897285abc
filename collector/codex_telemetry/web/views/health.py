"""Whether all is well. It is looked at after the first paint: to ask Codex for its version takes a while."""

from codex_telemetry.web.asking import Asked
from codex_telemetry.web.pieces import Made
from codex_telemetry.web.source import Source


def view(source: Source, asked: Asked, now: int) -> Made:  # noqa: ARG001 - as all views
    yield
    return {}
