"""Where a turn's time went, as bars on one axis. Pure: what is shown, and where; not how it looks."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from codex_telemetry.core.parts import TOOLS, Outline, Parts
from codex_telemetry.core.spans import Span
from codex_telemetry.core.spans import length as span_length
from codex_telemetry.reports.moments import read
from codex_telemetry.reports.shapes import Item, TokenResponse, TurnDetail

KEPT = 24
"""Of more items than this only some have a bar of their own; runs of the others share one."""

FIRST, LAST = 5, 3
STANDS_OUT = 100
"""The first, the last, and the longest that take this fraction of the turn or more."""

SILENT_MS = 15 * 60_000
"""A turn that runs and was silent for so long is drawn to its last sign of life, not to now."""

PART_OF_KIND = {
    **dict.fromkeys(TOOLS, "tools"),
    **dict.fromkeys(("message", "reasoning", "plan", "review", "image", "other"), "model"),
    "hook": "hooks",
    "compaction": "compaction",
    "user_message": "prompt",
    # Nobody waits for a person: the tool that is reviewed is under way.
    "auto_review": "tools",
    "mcp_server_startup": "start_delay",
}
"""What a bar is drawn as, by the kind of its item, or of an event that takes time."""

BARS = frozenset({"auto_review", "mcp_server_startup"})
"""Kinds of event with a bar of their own."""

MARKED = ("retry", "error", "model_rerouted", "steer", "interrupt")
"""Kinds of event that are marks on the axis."""


class Share(NamedTuple):
    """A part of the turn's duration."""

    part: str
    ms: int


class Stretch(NamedTuple):
    """Part of the axis, from and to in ms after its beginning."""

    part: str
    start: int
    end: int


class Bar(NamedTuple):
    """An item, or a run of items that are too many to be shown."""

    kind: str
    name: str | None
    stretches: tuple[Stretch, ...]
    """() where it isn't known when it was. An approval's wait comes before the rest."""
    duration_ms: int | None
    """Of several the longest."""
    status: str
    exit_code: int | None = None
    waited_ms: int | None = None
    """For an approval: not in `duration_ms`."""
    lines: tuple[int, int] | None = None
    """Added and removed by a file change."""
    context: tuple[int, int] | None = None
    """Tokens in the context before a compaction and after it."""
    items: int = 1


class Marks(NamedTuple):
    """Moments of one sort, in ms after the axis's beginning."""

    sort: str
    at: tuple[int, ...]


class Mark(NamedTuple):
    at: int | None
    response: TokenResponse


class Waterfall(NamedTuple):
    length_ms: int
    """Of the axis."""
    silent: bool
    """It was never heard to end, and nothing has been heard of it for long."""
    shares: list[Share]
    """The parts that took any time, the longest first."""
    strip: list[Stretch]
    """The whole turn cut into its parts, in order of time."""
    bars: list[Bar]
    marks: list[Marks]
    responses: list[Mark]


class Event(NamedTuple):
    kind: str
    at: int
    name: str | None = None
    status: str | None = None
    duration_ms: int | None = None


class Cut(NamedTuple):
    """A turn's window, cut into its parts."""

    start: int
    """ms UTC, on the clock of the spans."""
    outline: Sequence[Outline]


def waterfall(
    turn: TurnDetail, cut: Cut | None, events: Sequence[Event], now: int, kept: int = KEPT
) -> Waterfall:
    """`cut`: of a turn that runs as far as it is; None where nobody knows. `now`: ms UTC."""
    zero, signs = _zero(turn), _signs(turn, events)
    last_sign = max(signs, default=zero)
    silent = turn.status == "in_progress" and now - last_sign > SILENT_MS
    end = zero + turn.duration_ms if turn.duration_ms is not None else last_sign
    if turn.status == "in_progress" and not silent:
        end = max(now, last_sign)
    length = max(1, end - zero)
    if silent:
        cut = None
    bars = _bars(turn.items, [e for e in events if e.kind in BARS], zero, length)
    return Waterfall(
        length_ms=length,
        silent=silent,
        shares=_shares(turn, cut),
        strip=_strip(cut, length) if cut is not None else [],
        bars=_folded(bars, kept, length // STANDS_OUT),
        marks=[
            Marks(sort, tuple(_clip(e.at - zero, length) for e in events if e.kind == sort))
            for sort in MARKED
            if any(e.kind == sort for e in events)
        ],
        responses=[
            Mark(None if at is None else _clip(at - zero, length), response)
            for response in turn.token_responses
            for at in (read(response.at),)
        ],
    )


def _zero(turn: TurnDetail) -> int:
    """The axis's beginning: the turn's, else the first thing known of it."""
    started = read(turn.started_at)
    return started if started is not None else min(_signs(turn, ()), default=0)


def _signs(turn: TurnDetail, events: Sequence[Event]) -> list[int]:
    times = [t for item in turn.items for t in (item.started_at, item.ended_at)]
    times += [response.at for response in turn.token_responses]
    return [ms for t in times if (ms := read(t)) is not None] + [
        event.at for event in events if event.kind not in BARS
    ]


def _shares(turn: TurnDetail, cut: Cut | None) -> list[Share]:
    if turn.status == "in_progress" and cut is not None:
        told = [Share(part, span_length(spans)) for part, spans in cut.outline]
    else:
        told = [Share(part, getattr(turn, f"{part}_ms") or 0) for part in Parts._fields]
    return sorted((share for share in told if share.ms > 0), key=lambda share: -share.ms)


def _strip(cut: Cut, length: int) -> list[Stretch]:
    spans = [(part, span) for part, spans in cut.outline for span in spans]
    return sorted(
        (_stretch(part, _moved(span, -cut.start), length) for part, span in spans),
        key=lambda stretch: stretch.start,
    )


def _bars(items: Sequence[Item], events: Iterable[Event], zero: int, length: int) -> list[Bar]:
    """A bar for each item, and for each of these events, in order of start."""
    bars = [_bar(item, zero, length) for item in items]
    for event in events:
        drawn = _event_bar(event, zero, length)
        place = next((n for n, b in enumerate(bars) if _start(b) > _start(drawn)), len(bars))
        bars.insert(place, drawn)
    return bars


def _start(bar: Bar) -> int:
    return bar.stretches[0].start if bar.stretches else -1


def _event_bar(event: Event, zero: int, length: int) -> Bar:
    begun = event.at - zero
    done = length if event.duration_ms is None else begun + event.duration_ms
    return Bar(
        kind=event.kind,
        name=event.name,
        stretches=(_stretch(PART_OF_KIND[event.kind], (begun, done), length),),
        duration_ms=event.duration_ms,
        status=event.status or "completed",
    )


def _bar(item: Item, zero: int, length: int) -> Bar:
    start, end = read(item.started_at), read(item.ended_at)
    stretches: list[Stretch] = []
    if start is not None or end is not None:
        # What never ended runs to the turn's end; of what never began the end is all we have.
        begun = (start if start is not None else end or 0) - zero
        done = length if end is None else max(begun, end - zero)
        # Codex asks just after it announces the item, and runs it once it may.
        waited = min(begun + (item.approval_ms or 0), done)
        if waited > begun:
            stretches.append(_stretch("approval", (begun, waited), length))
        if item.status != "declined" or not stretches:
            part = PART_OF_KIND.get(item.kind, "model")
            stretches.append(_stretch(part, (waited, done), length))
    return Bar(
        kind=item.kind,
        name=item.name,
        stretches=tuple(stretches),
        duration_ms=item.duration_ms,
        status=item.status,
        exit_code=item.exit_code,
        waited_ms=item.approval_ms,
        lines=_both(item.lines_added, item.lines_removed),
        context=_both(item.context_before, item.context_after),
    )


def _both(a: int | None, b: int | None) -> tuple[int, int] | None:
    return None if a is None or b is None else (a, b)


def _folded(bars: list[Bar], kept: int, long: int) -> list[Bar]:
    """The first, the last and the longest as they are; what lies between, one bar for each run."""
    if len(bars) <= kept:
        return bars
    count = len(bars)
    by_length = sorted(range(count), key=lambda n: -_extent(bars[n]))
    own = {n for n in by_length[: kept - FIRST - LAST] if _extent(bars[n]) >= long}
    own |= {*range(FIRST), *range(count - LAST, count)}
    result: list[Bar] = []
    run: list[Bar] = []
    for n, bar in enumerate(bars):
        if n not in own:
            run.append(bar)
            continue
        result += _run(run)
        result.append(bar)
        run = []
    return result


def _run(bars: list[Bar]) -> list[Bar]:
    if len(bars) < 2:
        return bars
    times = [ms for bar in bars for s in bar.stretches for ms in (s.start, s.end)]
    return [
        Bar(
            kind="folded",
            name=None,
            stretches=(Stretch("folded", min(times), max(times)),) if times else (),
            duration_ms=max(
                (b.duration_ms for b in bars if b.duration_ms is not None), default=None
            ),
            status=_worst(bar.status for bar in bars),
            items=len(bars),
        )
    ]


def _worst(statuses: Iterable[str]) -> str:
    told = set(statuses)
    order = ("failed", "declined", "unfinished", "in_progress")
    return next((status for status in order if status in told), "completed")


def _extent(bar: Bar) -> int:
    return bar.stretches[-1].end - bar.stretches[0].start if bar.stretches else 0


def _stretch(part: str, span: Span, length: int) -> Stretch:
    return Stretch(part, _clip(span[0], length), _clip(span[1], length))


def _moved(span: Span, by: int) -> Span:
    return (span[0] + by, span[1] + by)


def _clip(ms: int, length: int) -> int:
    return max(0, min(ms, length))
