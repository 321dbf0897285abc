"""What is read off the rows of a panel, and how the words for people become numbers and moments."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from codex_telemetry.core.facts import Snapshot
from codex_telemetry.formats.base import Stamp
from codex_telemetry.formats.screen.panel import read_last_words, read_panel
from codex_telemetry.formats.screen.words import FIVE_HOURS_MS, exact, reset, rounded

SESSION = "01a219fc-f619-7922-8fb3-01a70c04c177"
BERLIN = ZoneInfo("Europe/Berlin")


def at(year: int, month: int, day: int, hour: int, minute: int = 0) -> Stamp:
    moment = datetime(year, month, day, hour, minute, tzinfo=BERLIN)
    offset = moment.utcoffset()
    assert offset is not None
    return Stamp(int(moment.timestamp() * 1000), int(offset.total_seconds()) // 60)


def in_berlin(year: int, month: int, day: int, hour: int, minute: int) -> int | None:
    try:
        moment = datetime(year, month, day, hour, minute, tzinfo=BERLIN)
    except ValueError:
        return None
    return int(moment.timestamp() * 1000)


NOON = at(2026, 11, 27, 12)


def box(*lines: str, width: int = 80) -> list[str]:
    inside = [" >_ OpenAI Codex (v0.98.0)", "", *lines]
    edge = "─" * (width - 2)
    return [
        "/status",
        "",
        f"╭{edge}╮",
        *(f"│ {text[: width - 4]:<{width - 4}} │" for text in inside),
        f"╰{edge}╯",
    ]


def read(rows: list[str], columns: int = 100, home: str | None = "/home/me") -> Snapshot | None:
    return read_panel(rows, columns, NOON, in_berlin, home)


FIELDS = (
    " Model:            gpt-5.1-codex (reasoning high, summaries auto)",
    " Directory:        ~/project",
    f" Session:          {SESSION}",
    "",
    " Token usage:      12.3K total  (1.05M input + 900 output)",
    " Context window:   99% left (2.25K used / 272K)",
    " 5h limit:         [███████████░░░░░░░░░] 55% left (resets 14:05)",
    " Weekly limit:     [██████████████░░░░░░] 30% used (resets 09:55 on 3 Dec)",
)  # fmt: skip


def test_a_panel_is_read() -> None:
    assert read(box(*FIELDS)) == Snapshot(
        at=NOON.wall_ms,
        kind="panel",
        session_id=SESSION,
        model="gpt-5.1-codex",
        cwd="/home/me/project",
        total_tokens=12_300,
        input_tokens=1_050_000,
        output_tokens=900,
        context_used=2_250,
        context_total=272_000,
        five_hour_left_percent=55,
        five_hour_resets_at=in_berlin(2026, 11, 27, 14, 5),
        weekly_left_percent=70,
        weekly_resets_at=in_berlin(2026, 12, 3, 9, 55),
    )


def test_a_reset_on_a_line_of_its_own_belongs_to_its_limit() -> None:
    panel = read(box(
        " Model:            gpt-5",
        " 5h limit:         [███████████░░░░░░░░░] 55% left",
        "                   (resets 14:05)",
        " Weekly limit:     [██████████████░░░░░░] 70% left",
    ))  # fmt: skip
    assert panel is not None
    assert panel.five_hour_resets_at == in_berlin(2026, 11, 27, 14, 5)
    assert panel.weekly_resets_at is None


def test_the_limits_of_other_models_are_not_ours() -> None:
    panel = read(
        box(" Model:     gpt-5", " GPT-5.3-Codex-Spark 5h limit:  [██] 10% left", " Limits:   none")
    )
    assert panel is not None
    assert panel.five_hour_left_percent is None


def test_what_was_cut_off_is_unknown() -> None:
    panel = read(box(
        " Model:         a-model-with-a-long-name",
        " Directory:     ~/a/…/folder-with-a-name",
        f" Session:       {SESSION}",
        " Token usage:   1.9K total  (1K input + 900 output)",
        " Context window:   99% left (2.25K used / 272K)",
        width=42,
    ))  # fmt: skip
    assert panel is not None
    assert (panel.total_tokens, panel.input_tokens) == (1_900, 1_000)
    assert panel.output_tokens is None
    assert (panel.model, panel.cwd, panel.session_id) == (None, None, None)
    assert (panel.context_used, panel.context_total) == (None, None)


@pytest.mark.parametrize("rows", [
    [],
    ["/status", "", ">_ OpenAI Codex"],
    box(*FIELDS)[2:],  # nobody asked for it
    [f"  {row}" for row in box(*FIELDS)],  # a model shows one
    ["  /status", *box(*FIELDS)[1:]],
    ["\u203a /status", *box(*FIELDS)[1:]],
    box(*FIELDS)[:-1],  # not drawn to its end
    [row[:50] for row in box(*FIELDS)],  # cut by a narrower screen
    box(" model:     gpt-5.5", " directory: ~/project"),  # the card that greets
    box(" Session:   x"),
])  # fmt: skip
def test_what_is_no_panel_is_none(rows: list[str]) -> None:
    assert read(rows) is None


def test_the_lowest_is_the_one_that_was_asked_for_last() -> None:
    older = [row.replace("12.3K", "11.1K") for row in box(*FIELDS)]
    panel = read([*older, "", *box(*FIELDS), "", "\u203a "])
    assert panel is not None
    assert panel.total_tokens == 12_300


def test_without_a_home_a_folder_in_it_is_unknown() -> None:
    panel = read(box(*FIELDS), home=None)
    assert panel is not None
    assert panel.cwd is None


@pytest.mark.parametrize(("text", "n"), [
    ("0", 0), ("999", 999), ("1.06K", 1_060), ("12.3K", 12_300), ("272K", 272_000), ("1.05M", 1_050_000),
    ("3B", 3 * 10**9), ("2.5T", 25 * 10**11), ("", None), ("K", None), ("1.2.3", None), ("-1", None),
])  # fmt: skip
def test_rounded_numbers(text: str, n: int | None) -> None:
    assert rounded(text) == n


@pytest.mark.parametrize("text", ["1,234,567", "1.234.567", "1 234 567", "1'234'567", "1234567"])
def test_digits_are_grouped_in_many_ways(text: str) -> None:
    assert exact(text) == 1_234_567


@pytest.mark.parametrize(("said", "now", "then"), [
    ("(resets 14:05)", at(2026, 11, 27, 12), (2026, 11, 27, 14, 5)),
    ("(resets 00:30 on 28 Nov)", at(2026, 11, 27, 23), (2026, 11, 28, 0, 30)),
    ("(resets 02:00 PM)", at(2026, 11, 27, 12), (2026, 11, 27, 14, 0)),
    ("(resets 12:10 AM on 1 Jan)", at(2026, 12, 31, 23), (2027, 1, 1, 0, 10)),
    ("(resets 10:00 on 30 Dec)", at(2027, 1, 1, 0), (2026, 12, 30, 10, 0)),
    ("(resets 09:00 on 29 Mar)", at(2026, 3, 27, 12), (2026, 3, 29, 9, 0)),  # summer time by then
    ("(resets 23:55)", at(2026, 11, 28, 0, 5), (2026, 11, 27, 23, 55)),  # read before midnight
])  # fmt: skip
def test_a_reset_is_by_the_clock_on_the_wall(
    said: str, now: Stamp, then: tuple[int, int, int, int, int]
) -> None:
    assert reset(said, now, in_berlin, within_ms=FIVE_HOURS_MS) == in_berlin(*then)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "soon",
        "(resets 25:00)",
        "(resets 14:05 on 31 Feb)",
        "(resets 14:05 on 3 Foo)",
        "(resets 14:0",
    ],
)
def test_a_reset_that_never_is_is_unknown(said: str) -> None:
    assert reset(said, NOON, in_berlin) is None


LEFT = "\x1b[?2004l\x1b[0m\r\n"
LAST = "Token usage: total=1,234 input=1,000 (+ 400 cached) output=234 (reasoning 20)\r\n"


def words(shown: str) -> Snapshot | None:
    return read_last_words(shown.encode(), NOON)


def test_the_last_line_is_read_with_its_session() -> None:
    resume = f"To continue this session, run \x1b[36mcodex resume {SESSION}\x1b[39m.\r\n"
    found = words(f"text {LEFT}{LAST}{resume}")
    assert found == Snapshot(
        at=NOON.wall_ms,
        kind="exit",
        session_id=SESSION,
        total_tokens=1_234,
        input_tokens=1_000,
        cached_input_tokens=400,
        output_tokens=234,
        reasoning_output_tokens=20,
    )
    assert words(f"{LEFT}To reconnect, run:\r\n  codex resume {SESSION}\r\n\r\n{LAST}") == found


def test_what_it_does_not_say_is_unknown() -> None:
    found = words(f"{LEFT}Token usage: total=12 input=10 output=2\r\n")
    assert found is not None
    assert (found.cached_input_tokens, found.reasoning_output_tokens) == (None, None)
    assert found.session_id is None


@pytest.mark.parametrize("shown", [
    "", LAST, f"{LAST}{LEFT}", f"{LEFT}  {LAST}", f"{LEFT}• {LAST}", f"{LEFT}Token usage: total=x\r\n",
    f"{LEFT}Token usage: total=1,234 input=1,000 (+ 400 ca",
])  # fmt: skip
def test_what_is_no_last_line_is_none(shown: str) -> None:
    """What came while Codex had the terminal, say: it may be anybody's words."""
    assert words(shown) is None


def test_the_zone_here_is_the_one_meant() -> None:
    assert in_berlin(2026, 7, 1, 12, 0) == int(
        datetime(2026, 7, 1, 10, tzinfo=UTC).timestamp() * 1000
    )
