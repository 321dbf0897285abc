"""What each part of the board looks like, in lines of some width."""

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

from codex_telemetry.cli import gauges
from codex_telemetry.cli.period import Zone
from codex_telemetry.cli.table import table
from codex_telemetry.cli.tools import columns as tool_columns
from codex_telemetry.cli.turn_words import FILL, bar_label
from codex_telemetry.cli.turns import columns as turn_columns
from codex_telemetry.cli.waterfall import STEPS_MS, Axis, joined, strip_columns
from codex_telemetry.cli.words import (
    Line,
    Span,
    cells,
    cut,
    dollars,
    duration,
    heights,
    number,
    padded,
    percent,
    plain,
    short_turn,
    wrapped,
)
from codex_telemetry.reports.moments import read
from codex_telemetry.reports.now import MINUTE_MS, MINUTES, Now
from codex_telemetry.reports.seen import Seen
from codex_telemetry.reports.shapes_limits import Limit
from codex_telemetry.reports.waterfall import Stretch, Waterfall

SHORTEST_AXIS_MS = 10_000

DOING = 22
"""Columns for what a turn is at."""

POINTER = "▸ "
"""Before the turn that is chosen: it is seen without colour too."""


class Block(NamedTuple):
    """Lines, and which of them are turns."""

    lines: list[Line]
    turns: dict[int, str]
    """Line → id."""


class Runs(NamedTuple):
    """A turn that runs, at a moment."""

    seen: Seen
    model: Waterfall
    strip: list[Stretch]


def running(told: Sequence[Runs], most: int, width: int, chosen: str | None) -> Block:
    """Bars on one axis, which grow with the clock; under them what their characters mean."""
    if not told:
        return Block([[Span("in progress", "heading"), Span("  nothing", "dim")]], {})
    place = next((n for n, each in enumerate(told) if each.seen.turn.turn_id == chosen), 0)
    first = max(0, place - most + 1)
    shown = told[first : first + most]
    ids = [short_turn(t.turn_id, t.session_id, t.turn_index) for t in (r.seen.turn for r in shown)]
    left = min(max(cells(each) for each in ids), 20)
    doing = DOING if width < 100 else DOING + 14
    axis = Axis(_length(told), max(8, width - len(POINTER) - left - doing - 16))
    title = cut("in progress", left + 2)
    lines: list[Line] = [[Span(padded(title, left + 4), "heading"), *axis.ruler()]]
    turns = {}
    for each, name in zip(shown, ids, strict=True):
        turns[len(lines)] = each.seen.turn.turn_id
        took = duration(each.model.length_ms)
        lines.append(
            [
                Span(POINTER if each.seen.turn.turn_id == chosen else "  ", "bold"),
                Span(padded(cut(plain(name), left), left) + "  "),
                *joined(strip_columns(each.strip, axis)),
                Span(f"  {took:>10}  "),
                _doing(each, doing),
            ]
        )
    lines += _legend(shown, width)
    if hidden := len(told) - len(shown):
        lines[-1] = [*lines[-1], Span(f"  … {hidden} more", "dim")]
    return Block(lines, turns)


def at(seen: Seen, now: int) -> Runs:
    model = seen.waterfall(now)
    if model.strip:
        return Runs(seen, model, model.strip)
    # Nobody tells its parts: what is known of it are its items.
    bars = [stretch for bar in model.bars for stretch in bar.stretches]
    return Runs(seen, model, [*bars, Stretch("unexplained", 0, model.length_ms)])


def _length(told: Sequence[Runs]) -> int:
    longest = max(each.model.length_ms for each in told)
    return next((s for s in STEPS_MS if s >= max(longest, SHORTEST_AXIS_MS)), longest)


def _doing(each: Runs, width: int) -> Span:
    last = max(each.strip, key=lambda stretch: stretch.end)
    # Of what it is at, the last to begin.
    open_ = [bar_label(bar) for bar in each.model.bars if bar.status == "in_progress"]
    part = last.part.replace("_", " ")
    if last.part == "tools" and open_:
        return Span(cut(open_[-1], width), "tools")
    words = f"{part}: {open_[-1]}" if last.part == "approval" and open_ else part
    return Span(cut(words, width), last.part)


def _legend(told: Sequence[Runs], width: int) -> list[Line]:
    spent: dict[str, int] = {}
    for each in told:
        for part, start, end in each.strip:
            spent[part] = spent.get(part, 0) + end - start
    pieces = [
        Span(f"{FILL[part]} {part.replace('_', ' ')}", part)
        for part in sorted(spent, key=lambda part: -spent[part])
        if spent[part]
    ]
    return [[Span("  "), *line] for line in wrapped(pieces, width - 2)[:1]]


def recent(now: Now, width: int, height: int, top: int, zone: Zone, chosen: str | None) -> Block:
    """The last turns, from one on: a table whose columns stay where they are."""
    if not now.recent:
        return Block([[Span("recent turns", "heading"), Span("  none", "dim")]], {})
    head, *rows = table(turn_columns(zone, None), now.recent, width - len(POINTER))
    lines: list[Line] = [[Span("  "), *head]]
    turns = {}
    for turn, row in list(zip(now.recent, rows, strict=True))[top : top + height - 1]:
        turns[len(lines)] = turn.turn_id
        pointer = POINTER if turn.turn_id == chosen else "  "
        lines.append([Span(pointer, "bold"), *row])
    return Block(lines, turns)


def tokens(now: Now, at: int, period: str, width: int) -> list[Line]:
    """By minute, and all of the stretch of time that is asked for."""
    this = at // MINUTE_MS
    values = [now.minutes.get(minute, 0) for minute in range(this - MINUTES + 1, this + 1)]
    spark = heights(values)
    used = now.used
    first = [
        Span(f"{number(values[-2])} last minute"),
        *([Span(f"{number(max(values))} at most", "dim")] if any(values) else []),
    ]
    sums = [
        Span(f"{number(used.total_tokens or 0)} tokens"),
        Span(f"{dollars(used.cost_usd)} API-equivalent") if used.cost_usd is not None else None,
        Span(f"{percent(used.cached_input_tokens, used.input_tokens)} of input cached", "dim")
        if used.cached_input_tokens and used.input_tokens
        else None,
    ]
    head: Line = [Span("tokens/min  ", "heading"), Span(spark, "tokens"), Span("┊", "dim")]
    together = reduce(lambda line, span: [*line, Span("  "), span], first, head)
    lines = [together]
    if sum(cells(span.text) for span in together) > width:
        lines = [head, *wrapped([Span("  " + first[0].text), *first[1:]], width)]
    said = [Span(f"{cut(plain(period), 30)}", "dim"), *(each for each in sums if each is not None)]
    return [*lines, *([Span("  "), *line] for line in wrapped(said, width - 2))]


def _spaced(pieces: Sequence[Span | None]) -> Line:
    line: Line = []
    for piece in pieces:
        if piece is not None:
            line += [Span("  "), piece] if line else [piece]
    return line


def limits(told: Sequence[Limit], now: int, width: int) -> list[Line]:
    """A line a window: how full, how fast, when it runs out or resets."""
    if not told:
        return [[Span("limits", "heading"), Span("  none heard of", "dim")]]
    several = len({limit.limit_id for limit in told}) > 1
    names = [
        f"{cut(plain(limit.limit_id or 'limit'), 14)} {gauges.name(limit)}"
        if several
        else f"{gauges.name(limit)} limit"
        for limit in told
    ]
    left = max(map(cells, names))
    words = [_forecast(limit, now) for limit in told]
    right = max(sum(cells(span.text) for span in line) for line in words)
    bar = max(5, min(30, width - left - right - 13))
    if left + right + 18 > width:  # a line for each, and one for what is said of it
        bar = max(6, min(30, width - left - 11))
        return [
            line
            for name, limit, said in zip(names, told, words, strict=True)
            for line in (
                [Span(f"  {padded(name, left)}  "), *gauges.gauge(limit, bar)],
                *([Span("    "), *line] for line in wrapped(said[::2], width - 4)),
            )
        ]
    return [
        [Span(f"  {padded(name, left)}  "), *gauges.gauge(limit, bar), Span("  "), *said]
        for name, limit, said in zip(names, told, words, strict=True)
    ]


def _forecast(limit: Limit, now: int) -> Line:
    resets, full, pace = read(limit.resets_at), read(limit.exhausted_at), limit.percent_per_hour
    if resets is not None and resets <= now:
        return [Span("has reset since", "dim")]
    said: list[Span] = []
    if full is not None and full <= now:
        said.append(Span("used up", "fail"))
    elif pace is not None:
        said.append(Span(f"{pace:.3g} %/h"))
        if full is not None:
            said.append(Span(f"out in {duration(full - now)}", "warn"))
    if resets is not None:
        said.append(Span(f"resets in {duration(resets - now)}", "dim"))
    return _spaced(said)


def tools(now: Now, period: str, width: int, height: int) -> list[Line]:
    """Those called most."""
    if not now.tools:
        return [[Span("tools", "heading"), Span(f"  none, {cut(plain(period), 30)}", "dim")]]
    head, *rows = table(tool_columns("name"), now.tools[: max(0, height - 1)], width - 2)
    return [[Span("  "), *line] for line in [head, *rows]]
