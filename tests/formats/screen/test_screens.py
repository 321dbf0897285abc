"""What recorded screens tell: their status panels and last lines, whole, once, and nothing else."""

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canary import leaks_in
from casts import FOLDER, Cast, cast, casts
from codex_telemetry.core.facts import Drift, Fact, SessionFacts, Snapshot
from codex_telemetry.formats.base import Stamp
from codex_telemetry.formats.screen import emulator, reader
from codex_telemetry.formats.screen.reader import MOST_AT_ONCE, TAIL

SMALL = "0.125.0-24x80"
FULL_SCREEN = "0.169.0-45x110"


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def snapshots(facts: list[Fact]) -> list[Snapshot]:
    return [fact for fact in facts if isinstance(fact, Snapshot)]


def as_rows(told: list[Snapshot]) -> list[dict[str, Any]]:
    return [
        msgspec.to_builtins(
            dict(zip(snap.__struct_fields__, msgspec.structs.astuple(snap), strict=True))
        )
        for snap in told
    ]


def timeless(told: list[Snapshot]) -> set[Snapshot]:
    return {msgspec.structs.replace(snapshot, at=0) for snapshot in told}


@pytest.mark.parametrize("shown", casts(), ids=lambda c: c.name)
def test_each_release_tells_of_its_panels_and_its_last_line(shown: Cast) -> None:
    rows = "".join(json.dumps(row) + "\n" for row in as_rows(snapshots(shown.facts())))
    golden = FOLDER / f"{shown.name}.ndjson"
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(rows)
    assert rows == golden.read_text()


@pytest.mark.parametrize("shown", casts(), ids=lambda c: c.name)
def test_what_is_told_is_what_the_model_sent(shown: Cast) -> None:
    """The stub's n-th response has 1000 + 10n, 400 + n, 50 + n and 20 + n tokens: see `usage_of`."""
    *panels, last = snapshots(shown.facts())
    assert [panel.kind for panel in panels] == ["panel", "panel"]
    assert last.kind == "exit"
    assert {snapshot.session_id for snapshot in panels} == {last.session_id}
    assert (panels[0].total_tokens, panels[0].input_tokens) == (660, 609)
    assert last.total_tokens is not None
    assert last.input_tokens is not None
    assert last.output_tokens is not None
    assert last.total_tokens == last.input_tokens + last.output_tokens
    # The panel before said the same to three digits.
    assert panels[1].total_tokens is not None
    assert abs(panels[1].total_tokens - last.total_tokens) <= 5


@pytest.mark.parametrize("shown", casts(), ids=lambda c: c.name)
def test_how_it_is_cut_makes_no_difference(shown: Cast) -> None:
    at = shown.chunks[-1][0]
    whole = b"".join(data for _, data in shown.chunks)
    expected = timeless(snapshots(shown.facts()))
    for n in (1, 4096):
        pieces = ((at, whole[i : i + n]) for i in range(0, len(whole), n))
        assert timeless(snapshots(shown.facts(pieces))) == expected, n


@pytest.mark.parametrize("shown", casts(), ids=lambda c: c.name)
def test_nothing_else_of_the_screen_is_told(shown: Cast) -> None:
    facts = shown.facts()
    assert leaks_in(b"".join(data for _, data in shown.chunks))
    assert not leaks_in(repr(facts))
    assert {type(fact) for fact in facts} == {Snapshot, SessionFacts}


def test_an_event_says_when(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = cast(SMALL).facts()
    events = [event for f in facts if isinstance(f, SessionFacts) for event in f.events.values()]
    assert [(e.kind, e.name and e.name.value) for e in events] == [
        ("status_snapshot", "panel"), ("status_snapshot", "panel"), ("status_snapshot", "exit"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", [SMALL, FULL_SCREEN])
def test_a_lost_copy_is_a_gap_and_not_a_wrong_panel(name: str) -> None:
    shown = cast(name)
    expected = timeless(snapshots(shown.facts()))
    told_less = 0
    for lost in range(0, len(shown.chunks), max(1, len(shown.chunks) // 25)):
        screen, told, at = shown.screen(), list[Fact](), 0
        for n, (at, data) in enumerate(shown.chunks):
            if n == lost:
                screen.lost()
            else:
                told += screen.shown(data, Stamp(at))
        told += screen.ended(Stamp(at))
        found = timeless(snapshots(told))
        assert found <= expected, lost
        told_less += found < expected
    assert told_less, "losses cost something, or they weren't losses"


@pytest.mark.parametrize("name", [SMALL, FULL_SCREEN])
def test_a_new_size_in_the_middle_makes_no_wrong_panel(name: str) -> None:
    """The program would draw anew; here it doesn't, which is worse."""
    shown = cast(name)
    expected = timeless(snapshots(shown.facts()))
    for n in range(0, len(shown.chunks), max(1, len(shown.chunks) // 6)):
        screen, told = shown.screen(), list[Fact]()
        for i, (at, data) in enumerate(shown.chunks):
            if i == n:
                screen.resize(shown.rows, shown.columns - 15)
            if i == n + 3:
                screen.resize(shown.rows + 5, shown.columns)
            told += screen.shown(data, Stamp(at))
        assert not [f for f in told if isinstance(f, Drift)]
        assert {s.session_id for s in snapshots(told)} <= {s.session_id for s in expected}
        assert {s.total_tokens for s in snapshots(told)} <= {s.total_tokens for s in expected}


ESCAPES = st.sampled_from([
    b"\x1b[", b"\x1b]", b"\x1bP", b"\x1b[?1049h", b"\x1b[2J", b"\x1b[99999;99999H", b"\x1b[1;5r", b"\x1bM",
    b"\x1b[<1u", b"\x1b[?2026l", b"\x1b[;;;;m", b"\x1b[38:2:1:2:3m", b"\x1b[6;2r", b"\x1b[?6h", b"\x1b[999@", b"\x1b7",
    b">_ OpenAI Codex (v1)", b"/status", "│".encode(), "╰".encode(), b"Token usage: 1 total", b"\r\n", b"\x9b31m",
    b"\x1b[9999999999999999999999A", b"\xf0\x9f\x8e\x89", b"\xe2\x82", "e\u0301\u200d".encode(),
])  # fmt: skip


@settings(max_examples=150)
@given(
    st.lists(st.one_of(st.binary(max_size=40), ESCAPES), max_size=60),
    st.tuples(st.integers(0, 60), st.integers(0, 120)),
)
def test_any_bytes_at_all_are_no_mistake_of_ours(
    pieces: list[bytes], size: tuple[int, int]
) -> None:
    screen = cast_screen()
    told = [*screen.shown(b"OpenAI Codex" + b"".join(pieces[:10]), Stamp(0))]
    screen.resize(*size)
    for piece in pieces:
        told += screen.shown(piece, Stamp(1))
    told += screen.ended(Stamp(2))
    assert not [fact for fact in told if isinstance(fact, Drift)]


def cast_screen() -> reader.Screen:
    screen = reader.Screen(lambda *_: None, None)
    screen.resize(24, 80)
    return screen


def test_of_a_flood_no_more_than_so_much_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(emulator.Emulator, "feed", lambda _, data: drawn.append(len(data)))
    screen = cast_screen()
    list(screen.shown(b"\x1b[HOpenAI Codex", Stamp(1_000)))
    for n in range(2_000):
        list(screen.shown(b"x" * 10_000 + b"OpenAI Codex\x1b[2J", Stamp(1_000 + n)))
    assert 0 < sum(drawn) < MOST_AT_ONCE + 3 * TAIL


@pytest.mark.parametrize("name", [SMALL, FULL_SCREEN])
def test_after_a_flood_the_next_panel_is_read(name: str) -> None:
    """A session that is resumed begins with all that was said in it."""
    shown = cast(name)
    screen, told = shown.screen(), list[Fact]()
    first, *rest = shown.chunks
    told += screen.shown(first[1] + b"OpenAI Codex" + b"long ago\r\n" * 100_000, Stamp(first[0]))
    for at, data in rest:
        told += screen.shown(data, Stamp(at + 60_000))
    expected = [s.total_tokens for s in snapshots(shown.facts()) if s.kind == "panel"]
    assert [s.total_tokens for s in snapshots(told)] == expected


def test_another_program_is_not_drawn_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "Emulator", None)
    screen = cast_screen()
    for n in range(100):
        assert list(screen.shown(b"\x1b[2J\x1b[H some editor " * 1_000, Stamp(n))) == []
    assert len(screen._tail) <= TAIL


def test_a_sequence_that_does_not_end_is_not_waited_for() -> None:
    screen = emulator.Emulator(3, 20)
    screen.feed(b"\x1b]0;" + b"title" * 10_000)
    screen.feed(b"\x1b\\")
    screen.feed(b"\x1b[2J\x1b[Hback")
    assert screen.rows()[0].rstrip() == "back"
