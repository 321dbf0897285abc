"""What a status panel says, out of the rows of a screen; and what Codex says last, out of the bytes.

Seen in 0.42 to 0.169: a box at the left edge, or (0.169) rows without one. What was cut off at the
screen's edge isn't known; what doesn't look as it should isn't kept.
"""

import re
from collections.abc import Iterator, Sequence

from codex_telemetry.core.facts import Snapshot
from codex_telemetry.formats.base import Stamp
from codex_telemetry.formats.screen.words import FIVE_HOURS_MS, LocalTime, exact, reset, rounded

SIGNS = ("Token usage:", "Context window:", "Session:", "5h limit:", "Weekly limit:", "Limits:")
"""A row that holds one of these may be a panel's, and a panel holds at least one."""

ASKED = "/status"
MOST_ROWS = 40

_HEADER = re.compile(r"(│?) {1,3}>_ OpenAI Codex \(v[^\s)]{1,40}\)")
_FIELD = re.compile(r" {1,3}((?:[A-Z]|5h )[A-Za-z. ]{0,30}): +(\S.*)")
_CONTINUED = re.compile(r" {8,}(\(resets .*)")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/+-]{0,63}")
_NUMBER = r"(\d+(?:\.\d+)?[KMBT]?)"
_TOTAL = re.compile(rf"{_NUMBER} total\b")
_INPUT = re.compile(rf"\({_NUMBER} input\b")
_OUTPUT = re.compile(rf"\+ {_NUMBER} output\b")
_CONTEXT = re.compile(rf"\({_NUMBER} used / {_NUMBER}\)")
_PERCENT = re.compile(r"(\d{1,3})% (left|used)\b")

_COUNT = r"(\d[\d.,'’  ]*)"  # noqa: RUF001 - as it is grouped in some languages
_LAST_LINE = re.compile(
    rf"^Token usage(?: so far)?: total={_COUNT} input={_COUNT}(?: \(\+ {_COUNT} cached\))?"
    rf" output={_COUNT}(?: \(reasoning {_COUNT}\))?\s*$",
    re.MULTILINE,
)
_RESUME = re.compile(rf"\bcodex resume ({_UUID.pattern})\b")
_GIVEN_BACK = b"\x1b[?2004l"
"""What comes after the last of these is said on a terminal that Codex has given back."""
_MOVED = re.compile(rb"\x1b\[[0-9;]*H")
_ESCAPE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[^\[\]])")


def read_panel(
    rows: Sequence[str], columns: int, at: Stamp, local: LocalTime, home: str | None
) -> Snapshot | None:
    """The lowest panel on a screen of so many columns; None if there is none, or not all of it.

    `home`: what `~` stands for."""
    for start in range(len(rows) - 1, -1, -1):
        header = _HEADER.match(rows[start])
        if header is None or not _was_asked_for(rows, start):
            continue
        body = rows[start + 1 : start + MOST_ROWS]
        told = _boxed(body) if header[1] else _open(body, columns)
        if told is not None and ("Model" in told or "Directory" in told):
            signs = {sign.rstrip(":") for sign in SIGNS}
            return _panel(told, at, local, home) if signs & told.keys() else None
    return None


def _was_asked_for(rows: Sequence[str], start: int) -> bool:
    """Codex puts the command above what it shows, at the left edge, where it puts nobody's words: a
    panel that a model or a tool wrote, say, stands further in."""
    return any(row.rstrip() == ASKED for row in rows[max(0, start - 3) : start])


def _boxed(rows: Sequence[str]) -> dict[str, str] | None:
    """The fields of a box; None if its lower edge or a right one isn't there."""
    told: dict[str, str] = {}
    inside: list[tuple[str, bool]] = []
    for row in rows:
        if row.startswith("╰"):
            told.update(_fields(inside))
            return told
        line = row.rstrip()
        if not (line.startswith("│") and line.endswith("│")):
            return None
        # Between its edges and a space at each: who fills it to the brim may have been cut.
        inside.append((line[1:-1], not line.endswith("  │")))
    return None


def _open(rows: Sequence[str], columns: int) -> dict[str, str]:
    """The fields of rows without a box: up to what stands at the left edge."""
    inside = []
    for row in rows:
        if row[:1].strip():
            break
        inside.append((row, len(row.rstrip()) >= columns - 1))
    return dict(_fields(inside))


def _fields(rows: Sequence[tuple[str, bool]]) -> Iterator[tuple[str, str]]:
    """Each label's first value; one that may be cut ends in `…`."""
    seen = set()
    for n, (row, cut) in enumerate(rows):
        found = _FIELD.match(row)
        if found is None or found[1] in seen:
            continue
        seen.add(found[1])
        more = _CONTINUED.match(rows[n + 1][0]) if n + 1 < len(rows) else None
        value = found[2].rstrip() + (f" {more[1].rstrip()}" if more else "")
        yield found[1], f"{value}…" if cut else value


def _panel(told: dict[str, str], at: Stamp, local: LocalTime, home: str | None) -> Snapshot:
    usage, context = told.get("Token usage", ""), _CONTEXT.search(told.get("Context window", ""))
    five_hours, week = told.get("5h limit", ""), told.get("Weekly limit", "")
    return Snapshot(
        at=at.wall_ms,
        kind="panel",
        session_id=_session(told.get("Session", "")),
        model=_model(told.get("Model", "")),
        cwd=_folder(told.get("Directory", ""), home),
        total_tokens=_number(_TOTAL, usage),
        input_tokens=_number(_INPUT, usage),
        output_tokens=_number(_OUTPUT, usage),
        context_used=None if context is None else rounded(context[1]),
        context_total=None if context is None else rounded(context[2]),
        five_hour_left_percent=_left(five_hours),
        five_hour_resets_at=reset(five_hours, at, local, within_ms=FIVE_HOURS_MS),
        weekly_left_percent=_left(week),
        weekly_resets_at=reset(week, at, local),
    )


def _session(value: str) -> str | None:
    found = _UUID.match(value)
    return None if found is None else found[0]


def _model(value: str) -> str | None:
    name, details, _ = value.partition(" (")
    return name if (details or "…" not in value) and _MODEL.fullmatch(name) else None


def _folder(value: str, home: str | None) -> str | None:
    # A long one is cut in its middle, and says so; the longest that isn't fills its row.
    value = value.removesuffix("…")
    if "…" in value or not value.isprintable():
        return None
    if home is not None and (value == "~" or value.startswith("~/")):
        value = home + value[1:]
    return value if value.startswith("/") else None


def _number(pattern: re.Pattern[str], value: str) -> int | None:
    found = pattern.search(value)
    return None if found is None else rounded(found[1])


def _left(value: str) -> int | None:
    """Up to some release the used part is shown, then the one that is left."""
    found = _PERCENT.search(value)
    if found is None or int(found[1]) > 100:
        return None
    return int(found[1]) if found[2] == "left" else 100 - int(found[1])


def read_last_words(shown: bytes, at: Stamp) -> Snapshot | None:
    """What a Codex that has left said of its session; `shown`: the last that reached the terminal."""
    _, given_back, words = shown.rpartition(_GIVEN_BACK)
    if not given_back:
        return None
    text = _ESCAPE.sub(b"", _MOVED.sub(b"\n", words)).decode(errors="replace").replace("\r", "\n")
    lines = list(_LAST_LINE.finditer(text))
    if not lines:
        return None
    total, given, cached, output, reasoning = (
        None if count is None else exact(count) for count in lines[-1].groups()
    )
    sessions = _RESUME.findall(text)
    return Snapshot(
        at=at.wall_ms,
        kind="exit",
        session_id=sessions[-1] if sessions else None,
        total_tokens=total,
        input_tokens=given,
        cached_input_tokens=cached,
        output_tokens=output,
        reasoning_output_tokens=reasoning,
    )
