"""Intervals of time: the window of a turn, and arithmetic on stretches of one clock."""

from collections.abc import Iterable
from typing import NamedTuple

from codex_telemetry.core.facts import Clock, ItemFacts, Source, Times, TurnFacts
from codex_telemetry.core.identity import uuid7_ms

Span = tuple[int, int]
"""From, to: ms of one clock, the end not included."""

Timed = tuple[ItemFacts, int | None, int | None]
"""An item, and when it started and ended by the clock of its turn's window."""

# As the numbers they are: a member of an enum is looked up as slowly as its times are.
_WIRE, _CODEX_MS = int(Clock.WIRE), int(Clock.CODEX_MS)
_BEST_FIRST = tuple(sorted(map(int, Clock), reverse=True))


class Window(NamedTuple):
    """When a turn ran, by one clock. `end` is None while it runs, or if it was never heard to end."""

    clock: Clock
    start: int
    end: int | None
    lag: int | None = None
    """By how much we heard later than Codex stamped: 1 to 8 ms as a rule, other clocks aside."""

    def moment(self, times: Times) -> int | None:
        """A moment by the window's clock. One that we alone have stamped (a request to the client;
        before 0.145 an error or a token count too) is put where Codex's clock stood then."""
        ms = times.get(self.clock)
        if ms is None and self.lag is not None and self.clock is Clock.CODEX_MS:
            heard = times.get(_WIRE)
            return None if heard is None else heard - self.lag
        return ms

    @property
    def duration_ms(self) -> int | None:
        return None if self.end is None else self.end - self.start


def best(times: Times) -> int | None:
    """The moment by the best clock that told it."""
    return times[max(times)] if times else None


def between(starts: Times, ends: Times) -> int | None:
    """How long, by the best clock that told both ends: times of two clocks are never subtracted."""
    if starts and ends:
        for clock in _BEST_FIRST:
            if clock in starts and clock in ends:
                return max(0, ends[clock] - starts[clock])
    return None


def window(turn: TurnFacts, last_heard: int | None) -> Window | None:
    """The turn's window and the clock it is on; None if not even a start is known.

    Codex counts a turn's duration from the moment its UUIDv7 id was made, not from
    `turn/started` (0.106 on); where an item, or an MCP server's start-up, has no time by Codex's
    clock, the same length is laid back from the receipt of `turn/completed`. `last_heard`: the end
    of a log that marks none.
    """
    born = uuid7_ms(turn.turn_id)
    duration = turn.duration.value if turn.duration is not None else None
    items_by_codex = not turn.sources & Source.LIVE or _is_by_codex(turn)
    if duration is not None and born is not None and items_by_codex:
        lag = _lag(turn, born + duration) if turn.sources & Source.LIVE else None
        return Window(Clock.CODEX_MS, born, born + duration, lag)
    wire_end = turn.ends.get(Clock.WIRE)
    if wire_end is not None:
        begun = turn.requested.get(Clock.WIRE, turn.starts.get(Clock.WIRE))
        if duration is not None:
            return Window(Clock.WIRE, wire_end - duration, wire_end)
        if begun is not None:
            return Window(Clock.WIRE, begun, max(begun, wire_end))
    if duration is not None and born is not None:
        return Window(Clock.CODEX_MS, born, born + duration)
    for clock in (Clock.CODEX_S, Clock.LOG):
        end = turn.ends.get(clock, last_heard if clock is Clock.LOG else None)
        if clock in turn.starts and end is not None:
            return Window(clock, turn.starts[clock], max(turn.starts[clock], end))
    if born is not None and items_by_codex:
        return Window(Clock.CODEX_MS, born, None)
    for begun_by in (turn.requested, turn.starts):
        if begun_by:
            return Window(Clock(max(begun_by)), begun_by[max(begun_by)], None)
    return Window(Clock.CODEX_MS, born, None) if born is not None else None


def _is_by_codex(turn: TurnFacts) -> bool:
    """Whether Codex stamped all that we heard start."""
    starts = [item.starts for item in turn.items.values()]
    if turn.startups:
        starts += [server.starts for server in turn.startups.values()]
    return not [told for told in starts if _WIRE in told and _CODEX_MS not in told]


def _lag(turn: TurnFacts, end: int) -> int | None:
    """The least by which anything of the turn was heard later than Codex stamped it."""
    told = [item.starts for item in turn.items.values()]
    told += [item.ends for item in turn.items.values()]
    told += [response.times for response in turn.responses.values()]
    told.append({**turn.ends, _CODEX_MS: end})
    lags = [
        times[_WIRE] - times[_CODEX_MS] for times in told if _WIRE in times and _CODEX_MS in times
    ]
    return min(lags, default=None)


def timed(turn: TurnFacts, frame: Window) -> list[Timed]:
    """The turn's items, each looked up once."""
    moment = frame.moment
    return [(item, moment(item.starts), moment(item.ends)) for item in turn.items.values()]


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time as sorted spans that don't touch; empty and backward ones are left out."""
    result: list[Span] = []
    for start, end in sorted([span for span in spans if span[0] < span[1]]):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, end))
    return result


def divided(a: list[Span], b: list[Span]) -> tuple[list[Span], list[Span]]:
    """The time of `a` that is in `b` too, and that which isn't (each merged)."""
    inside: list[Span] = []
    outside: list[Span] = []
    first = 0
    for start, end in a:
        while first < len(b) and b[first][1] <= start:
            first += 1
        here, taken = first, start
        while here < len(b) and b[here][0] < end:
            begin, over = b[here]
            if taken < begin:
                outside.append((taken, begin))
                taken = begin
            over = min(over, end)
            inside.append((taken, over))
            taken = over
            here += 1
        if taken < end:
            outside.append((taken, end))
    return inside, outside


def common(a: list[Span], b: list[Span]) -> list[Span]:
    """The time in both (each merged)."""
    return divided(a, b)[0]


def length(spans: Iterable[Span]) -> int:
    """How much time (ms) merged spans cover."""
    return sum(end - start for start, end in spans)
