"""Who tells where the time of a turn went: the stream, or a log."""

from codex_telemetry.core.facts import Clock, Source, TurnFacts
from codex_telemetry.core.identity import uuid7_ms
from codex_telemetry.core.spans import Window
from codex_telemetry.core.unheard import TIMED, blind_to_items


def parts_source(turn: TurnFacts, frame: Window) -> Source | None:
    """The stream where it was heard from end to end; else a log with times; else what was heard."""
    if frame.end is None or frame.clock < Clock.WIRE:
        return None
    if turn.sources & Source.LIVE and _heard_whole(turn):
        return Source.LIVE
    if _logged(turn, frame):
        return Source.ROLLOUT
    return Source.LIVE if turn.sources == Source.LIVE else None


def _heard_whole(turn: TurnFacts) -> bool:
    """`turn/start` or `turn/started` and `turn/completed`, and all between: a wrapper may have been
    killed, and a client may not want to hear."""
    begun = Clock.WIRE in turn.requested or Clock.WIRE in turn.starts
    return begun and Clock.WIRE in turn.ends and not blind_to_items(turn)


def _logged(turn: TurnFacts, frame: Window) -> bool:
    return (
        frame.clock is Clock.CODEX_MS
        and uuid7_ms(turn.turn_id) is not None
        and turn.counts.get(TIMED, 0) > 0
    )
