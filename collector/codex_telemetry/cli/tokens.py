"""`tokens` and `prices`: what was used, what it would have cost at the API, and by which prices."""

import os
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, cast, get_args

import typer

from codex_telemetry.cli import show
from codex_telemetry.cli.gone import say_what_was_pruned
from codex_telemetry.cli.labelled import by_label
from codex_telemetry.cli.listing import print_rows, print_table
from codex_telemetry.cli.options import Form, Narrow, Whence, Where, Zoned, one_of, options
from codex_telemetry.cli.reach import reached, store
from codex_telemetry.cli.table import Column
from codex_telemetry.cli.words import (
    Line,
    Span,
    cells,
    counted,
    dollars,
    folder,
    heights,
    number,
    percent,
    short_id,
    wrapped,
)
from codex_telemetry.reports import prices as price_report
from codex_telemetry.reports import tokens as report
from codex_telemetry.reports.shapes_tokens import Price, Tokens
from codex_telemetry.reports.tokens import BY_TIME, By, Calendar, Used

BYS = get_args(By)
NOT_A_BILL = "API-equivalent: what the API would charge, not a bill"


@options
def tokens(
    where: Where,
    whence: Whence,
    form: Form,
    narrow: Narrow,
    zoned: Zoned,
    by: Annotated[
        str, typer.Option("--by", metavar="WHAT", help=f"apart by {', '.join(BYS)}")
    ] = "day",
    roll_up: Annotated[
        bool, typer.Option("--roll-up", help="count subagents for the session that called them")
    ] = False,
) -> None:
    """Show tokens and what they would cost at the API.

    \b
    Days, weeks and months are those of your zone. Worktrees of a repository are
    one project. Costs are API-equivalents, never a bill; what has no known price
    is counted apart.
    Example: codex-telemetry tokens --by week --year
    """
    one_of("--by", "key", by, BYS)
    key = cast("By", by)
    chosen, zone = form.chosen(), zoned.zone()
    filters = narrow.check(zone)
    calendar = Calendar(zone.offsets, from_sunday=zoned.settings.week_start == "sunday")
    with reached(where, whence) as db:
        filters = narrow.found(db, filters)
        say_what_was_pruned(db, filters, zone, counted=True)
        used = report.tokens(db, filters, key, calendar, roll_up=roll_up)
    if key == "project":
        used = used._replace(rows=by_label(used.rows, lambda _: "folder"))
    if chosen is not None:
        print_rows(Tokens, used.rows, chosen)
    elif not used.rows:
        show.note("no tokens match" if any(filters) else "no tokens yet")
    else:
        _draw(used, key)


@options
def prices(
    where: Where,
    form: Form,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="one model, used or not")
    ] = None,
) -> None:
    """Show the prices of models, and where they come from.

    \b
    In US dollars per million tokens. Your own prices, in the config file, come
    first.
    Example: codex-telemetry prices --model gpt-5.5
    """
    chosen = form.chosen()
    with store(where) as db:
        rows = list(price_report.prices(db, model))
    if chosen is not None:
        print_rows(Price, rows, chosen)
    elif not rows:
        show.note("no tokens yet; --model NAME shows what a model costs")
    else:
        print_table(_PRICE_COLUMNS, rows, "price", newest=False)
        version = next((row.package_version for row in rows if row.package_version), None)
        package = "" if version is None else f"; package: genai-prices {version}"
        show.note(f"US dollars per million tokens; {NOT_A_BILL}{package}")


def _draw(used: Used, by: By) -> None:
    series = by in BY_TIME
    print_table(_columns(by, used.rows), used.rows, by, newest=series)
    on = show.screen()
    if on.terminal:
        show.lines([[], *_summary(used, by, on.width)])


def _columns(by: By, rows: Sequence[Tokens]) -> list[Column[Tokens]]:
    home = os.environ.get("HOME")

    def name(row: Tokens) -> str | None:
        if row.key is None or by not in ("session", "project"):
            return row.key
        return short_id(row.key) if by == "session" else folder(row.key, home)

    columns: list[Column[Tokens]] = [
        Column(by, name, narrowest=16 if by == "project" else None),
        Column("responses", lambda t: number(t.responses), rank=8, right=True),
        Column("input", lambda t: number(t.input_tokens), rank=3, right=True),
        Column("cached", _share, rank=4, right=True),
        Column("cache write", lambda t: number(t.cache_write_input_tokens), rank=9, right=True),
        Column("output", lambda t: number(t.output_tokens), rank=2, right=True),
        Column("reasoning", lambda t: number(t.reasoning_output_tokens), rank=6, right=True),
        Column("total", lambda t: number(t.total_tokens), right=True),
        Column("API-equivalent", lambda t: dollars(t.cost_usd), rank=1, right=True),
        Column("unpriced", lambda t: number(t.unpriced_tokens), rank=5, right=True),
    ]
    always = {by, "input", "cached", "output", "total", "API-equivalent"}
    empty = {
        "cache write": not any(row.cache_write_input_tokens for row in rows),
        "unpriced": not any(row.unpriced_tokens for row in rows),
    }
    return [c for c in columns if c.title in always or not empty.get(c.title)]


def _share(row: Tokens) -> str | None:
    if row.cached_input_tokens is None or row.input_tokens is None:
        return None
    return percent(row.cached_input_tokens, row.input_tokens)


def _summary(used: Used, by: By, width: int) -> list[Line]:
    total = used.total
    cached = _share(total)
    pieces = [
        Span(f"{number(total.total_tokens)} tokens", "bold"),
        Span(f"{number(total.input_tokens)} in" + (f" ({cached} cached)" if cached else "")),
        Span(f"{number(total.output_tokens)} out"),
        Span(counted(total.responses, "response")),
        Span(f"{dollars(total.cost_usd)} API-equivalent, not a bill"),
    ]
    if total.unpriced_tokens:
        pieces.append(Span(f"{number(total.unpriced_tokens)} tokens have no known price", "warn"))
    lines = wrapped(pieces, width)
    return [*lines, *_sparkline(used.rows, by, width)] if by in BY_TIME else lines


def _sparkline(rows: Sequence[Tokens], by: By, width: int) -> list[Line]:
    """The newest as heights, those without any tokens too."""
    known = {row.key: row.total_tokens or 0 for row in rows if row.key is not None}
    if len(known) < 2:
        return []
    keys = without_a_gap(min(known), max(known), by)
    first, last = keys[0], keys[-1]
    room = width - cells(first) - cells(last) - 2
    if len(keys) > room:
        first = keys[-room]
    line = heights([known.get(key, 0) for key in keys[-room:]])
    return [[Span(f"{first} ", "dim"), Span(line, "tokens"), Span(f" {last}", "dim")]]


def without_a_gap(first: str, last: str, by: By) -> list[str]:
    """All days, weeks or months from the first to the last."""
    if by == "week":
        begin, end = (date.fromisoformat(f"{key}-1") for key in (first, last))
        weeks = (begin + timedelta(weeks=n) for n in range((end - begin).days // 7 + 1))
        return [f"{week:%G-W%V}" for week in weeks]
    if by == "month":
        (y0, m0), (y1, m1) = ((int(k[:4]), int(k[5:])) for k in (first, last))
        return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(y0 * 12 + m0 - 1, y1 * 12 + m1)]
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(begin + timedelta(days=n)).isoformat() for n in range((end - begin).days + 1)]


def _usd(price: float | None, otherwise: float | None = None) -> str | None:
    told = price if price is not None else otherwise
    return None if told is None else f"{told:g}"


_PRICE_COLUMNS: list[Column[Price]] = [
    Column("model", lambda p: p.model),
    Column("tier", lambda p: p.tier),
    Column("since", lambda p: p.valid_from_at and p.valid_from_at[:10], rank=1),
    Column("until", lambda p: p.valid_until_at and p.valid_until_at[:10], rank=6),
    Column("above", lambda p: number(p.above_input_tokens or None), rank=2, right=True),
    Column("input", lambda p: _usd(p.input_usd), right=True),
    Column("cached", lambda p: _usd(p.cached_input_usd, p.input_usd), rank=4, right=True),
    Column("cache write", lambda p: _usd(p.cache_write_usd, p.input_usd), rank=7, right=True),
    Column("output", lambda p: _usd(p.output_usd), right=True),
    Column("from", lambda p: p.source or "no price", rank=3),
]
