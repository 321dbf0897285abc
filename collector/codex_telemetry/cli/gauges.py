"""How full each rate limit is, drawn: a gauge, and in words how long it will last."""

from collections.abc import Sequence
from itertools import groupby

from codex_telemetry.cli.period import Zone, shown
from codex_telemetry.cli.words import Line, Span, cut, duration, padded, plain, wrapped
from codex_telemetry.reports.moments import read
from codex_telemetry.reports.shapes_limits import Limit

WIDEST = 50
"""Columns of a gauge at most."""

LOW, EMPTY = 75, 90
"""Percent used from which a gauge is drawn as a warning, and as a failure."""


def drawing(limits: Sequence[Limit], width: int, zone: Zone, now: int) -> list[Line]:
    """All limits, each with its windows. `now`: ms UTC."""
    lines: list[Line] = []
    title = max((len(name(limit)) for limit in limits), default=0)
    for _, its in groupby(limits, key=lambda limit: limit.limit_id):
        windows = list(its)
        lines += [[]] if lines else []
        lines += _head(windows, width)
        for window in windows:
            lines += _gauge(window, title, width, zone, now)
    if any(_fell(limit) for limit in limits):
        lines += [[], [Span("▒ the highest it was since it began", "dim")]]
    return lines


def _head(windows: Sequence[Limit], width: int) -> list[Line]:
    newest = max(windows, key=lambda window: window.observed_at or "")
    said = [Span(newest.limit_id or "limit", "heading")]
    if newest.plan_type is not None:
        said.append(Span(f"plan {newest.plan_type}"))
    if newest.unlimited_credits:
        said.append(Span("credits unlimited"))
    elif newest.credit_balance is not None:
        said.append(Span(f"credits {newest.credit_balance}"))
    elif newest.has_credits is False:
        said.append(Span("no credits"))
    return wrapped(said, width)


def _gauge(window: Limit, title: int, width: int, zone: Zone, now: int) -> list[Line]:
    indent = 2 + title + 2
    bar = max(10, min(WIDEST, width - indent - len("  100 %")))
    first: Line = [Span(f"  {padded(name(window), title)}  "), *gauge(window, bar)]
    words = [Span(word) for word in (*pace(window, zone, now), *reset(window, zone, now))]
    rest = wrapped(words, width - indent, "dim")
    return [first, *([Span(" " * indent), *line] for line in rest)]


def gauge(window: Limit, bar: int) -> Line:
    """A bar of so many columns, and the percent."""
    used = window.used_percent
    filled = _columns(used, bar)
    peak = max(filled, _columns(window.high_water_percent, bar))
    figure = "-" if used is None else f"{used:.0f} %"
    style = "ok" if used is None or used < LOW else "warn" if used < EMPTY else "fail"
    return [
        Span("█" * filled, style),
        Span("▒" * (peak - filled), style),
        Span("╌" * (bar - peak), "dim"),
        Span(f"  {figure:>5}"),
    ]


def _columns(percent: float | None, bar: int) -> int:
    return round(bar * min(100.0, max(0.0, percent or 0.0)) / 100)


def pace(window: Limit, zone: Zone, now: int) -> list[str]:
    """How fast, and how long it lasts at that."""
    resets, full = read(window.resets_at), read(window.exhausted_at)
    if resets is not None and resets <= now:
        return []
    if full is not None and full <= now:
        return [f"used up since {shown(full, zone)}"]
    speed = window.percent_per_hour
    if speed is None:
        return ["pace not known yet"]
    if full is None:
        return [f"{speed:.3g} % an hour: lasts until it resets"]
    short = f", {duration(resets - full)} before it resets" if resets is not None else ""
    return [f"{speed:.3g} % an hour: runs out in {duration(full - now)}{short}"]


def reset(window: Limit, zone: Zone, now: int) -> list[str]:
    resets = read(window.resets_at)
    if resets is None:
        return ["nobody said when it resets"]
    if resets <= now:
        return [f"has reset since ({shown(resets, zone)})", "nothing was heard of it after that"]
    return [f"resets in {duration(resets - now)} ({shown(resets, zone)})"]


def _fell(window: Limit) -> bool:
    return (window.high_water_percent or 0) > (window.used_percent or 0)


def name(window: Limit) -> str:
    """By its length: 5h, weekly."""
    return cut(plain(window.window or "window"), 12)
