"""How far the systems are that are sent what is stored, and what keeps them from getting on."""

from codex_telemetry.reports.moments import read, written
from codex_telemetry.reports.shapes_upkeep import Check, SinkState
from codex_telemetry.store import sink_cursors
from codex_telemetry.store.queries import Store


def states(db: Store) -> list[SinkState]:
    return [
        SinkState(
            sink=each.sink,
            target=each.target,
            sent_at=written(each.sent_at),
            behind_turns=sink_cursors.turns_behind(db, each.place),
            sent=each.sent,
            rejected=each.rejected,
            error=each.error,
            error_at=written(each.error_at),
        )
        for each in sink_cursors.all_of(db)
    ]


def check(sink: SinkState, now: int) -> Check:
    name = f"sink {sink.sink}"
    behind = f"changed turns to send: {sink.behind_turns:,}"
    if sink.rejected:
        behind += f", refused: {sink.rejected:,}"
    if sink.error is not None:
        said = f"{sink.target}: {sink.error}, for {_since(sink.error_at, now)}; {behind}"
        return Check(name, "warn", said, "what waits is kept, and tried again")
    last = "" if sink.sent_at is None else f", the last {_since(sink.sent_at, now)} ago"
    return Check(name, "ok", f"turns sent to {sink.target}: {sink.sent:,}{last}; {behind}", None)


def _since(at: str | None, now: int) -> str:
    seconds = max(0, now - (read(at) or now)) // 1_000
    for length, noun in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if n := seconds // length:
            return f"{n:,} {noun}{'s' if n > 1 else ''}"
    return "less than a minute"
