"""How people read what programs count: durations, numbers, short ids, and text that can't harm."""

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

NOTHING = "-"
"""Unknown. In data it is null."""

HEIGHTS = "▁▂▃▄▅▆▇█"


class Span(NamedTuple):
    """A stretch of text in one style; what a style looks like is for `show` to say."""

    text: str
    style: str = ""


Line = list[Span]


def plain(text: str) -> str:
    """Without what a terminal would obey, or what turns text round: each such character is a `?`.

    Names come from the wire and from files; an escape sequence in one could rewrite the screen.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join("?" if unicodedata.category(c) in _UNSHOWN else c for c in text)


_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def cells(text: str) -> int:
    """How many columns it takes on a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - only where something is drawn

    return cell_len(text)


def cut(text: str, width: int, *, keep_end: bool = False) -> str:
    """At most `width` columns of it; a `…` stands for the rest."""
    if cells(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    while text and cells(text) > width - 1:
        text = text[1:] if keep_end else text[:-1]
    return f"…{text}" if keep_end else f"{text}…"


def padded(text: str, width: int, *, right: bool = False) -> str:
    space = " " * (width - cells(text))
    return space + text if right else text + space


def duration(ms: int | None) -> str:
    """`540 ms`, `1.02 s`, `12.3 s`, `3 min 05 s`, `2 h 05 min`, `3 d 04 h`."""
    if ms is None:
        return NOTHING
    if ms < 0:
        return f"-{duration(-ms)}"
    if ms < 1_000:
        return f"{ms} ms"
    if ms < 9_995:
        return f"{ms / 1_000:.2f} s"
    if ms < 59_950:
        return f"{ms / 1_000:.1f} s"
    seconds = (ms + 500) // 1_000
    if seconds < 3_600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    minutes = (seconds + 30) // 60
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60:02d} h"


def tick(ms: int) -> str:
    """Without zeros that say nothing: `1 s`, `1.5 s`, `2 min`."""
    if ms == 0:
        return "0"
    text = duration(ms).removesuffix(" 00 s").removesuffix(" 00 min").removesuffix(" 00 h")
    count, _, unit = text.partition(" ")
    return f"{float(count):g} {unit}" if "." in count else text


def number(n: int | None) -> str:
    return NOTHING if n is None else f"{n:,}"


def dollars(usd: float | None) -> str:
    """`$0.0042`, `$1.23`, `$12,345`: cents, or what matters of less."""
    if usd is None:
        return NOTHING
    if usd == 0 or usd >= 0.0995:
        return f"${usd:,.2f}" if usd < 9_999.5 else f"${usd:,.0f}"
    return f"${usd:.2g}" if usd >= 0.0001 else "<$0.0001"


def heights(values: Sequence[float]) -> str:
    """A sparkline: one character a value; nothing is a space."""
    most = max([*values, 0])
    return "".join(
        HEIGHTS[max(0, math.ceil(len(HEIGHTS) * value / most) - 1)] if value > 0 else " "
        for value in values
    )


def counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def percent(part: int, whole: int) -> str:
    if whole <= 0:
        return NOTHING
    share = 100 * part / whole
    return "<1 %" if 0 < share < 0.5 else f"{share:.0f} %"


_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def short_id(whole: str) -> str:
    """The first 13 characters of a UUID: of a UUIDv7 all of its time, so it is a prefix that
    commands take, and hardly ever ambiguous."""
    return whole[:13] if _UUID.fullmatch(whole) else whole


def short_turn(turn_id: str, session_id: str, turn_index: int) -> str:
    """What to type after `turn`: a prefix, or `SESSION:INDEX` for the short ids of old releases."""
    if _UUID.fullmatch(turn_id):
        return short_id(turn_id)
    return f"{short_id(session_id)}:{turn_index}"


def folder(path: str, home: str | None) -> str:
    """A path as people write it: their home is `~`."""
    home = (home or "").rstrip("/")
    if home and f"{path}/".startswith(f"{home}/"):
        return "~" + path[len(home) :]
    return path


def wrapped(pieces: list[Span], width: int, style: str = "") -> list[Line]:
    """As many pieces a line as fit; `style` for those that have none."""
    lines: list[Line] = []
    used = 0
    for piece in pieces:
        own = Span(cut(plain(piece.text), width), piece.style or style)
        if lines and used + 2 + cells(own.text) <= width:
            lines[-1] += [Span("  "), own]
            used += 2 + cells(own.text)
        else:
            lines.append([own])
            used = cells(own.text)
    return lines
